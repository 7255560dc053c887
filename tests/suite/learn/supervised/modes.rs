//! Bimodal demonstrations: generative policies reproduce both modes with their probabilities, a squared error neither.

use apprentice::learn::{RunOptions, TrainingData, train_on_dataset};
use apprentice::policies::{Policy, PolicyState};

use crate::testing::learn::{Lcg, config_of, data};

/// The two modes, and the probability of the first.
const MODES: [f32; 2] = [-2.0, 1.0];
const FIRST_PROBABILITY: f32 = 0.4;

fn bimodal() -> TrainingData {
    let mut numbers = Lcg(17);
    data(20, 250, (2, 2), |o, a| {
        let mode = MODES[usize::from(0.5 * numbers.next() + 0.5 > FIRST_PROBABILITY)];
        a[0] = mode + 0.1 * o[0] + 0.05 * numbers.normal();
        a[1] = -mode + 0.05 * numbers.normal();
    })
}

/// Fractions of the actions near the first and the second mode, over many samples.
fn mode_fractions(learner: &str, changes: &[&str]) -> [f32; 2] {
    let common = [
        "network.hidden_sizes=[64]",
        "head.hidden_size=64",
        "training.batch_size=256",
        "training.steps=3000",
        "training.patience=0",
        "optimizer.learning_rate=2e-3",
    ];
    let changes: Vec<_> = common.iter().chain(changes).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let summary =
        train_on_dataset(&config_of(learner, &changes), &bimodal(), &RunOptions::new(dir.path().join("run")), &mut ())
            .unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    const SAMPLES: usize = 4000;
    let mut numbers = Lcg(5);
    let observations: Vec<f32> = (0..SAMPLES * 2).map(|_| 3.0 * numbers.next() + 1.0).collect();
    let mut states: Vec<_> = (0..SAMPLES as u64).map(PolicyState::new).collect();
    let mut actions = vec![0.0; SAMPLES * 2];
    policy.act(&observations, &mut states, &mut actions);
    MODES.map(|mode| {
        let near = |(o, a): (&[f32], &[f32])| (a[0] - mode - 0.1 * o[0]).abs() < 0.5 && (a[1] + mode).abs() < 0.5;
        let count = observations.chunks(2).zip(actions.chunks(2)).filter(|pair| near(*pair)).count();
        count as f32 / SAMPLES as f32
    })
}

fn check_both_modes(learner: &str, changes: &[&str]) {
    let [first, second] = mode_fractions(learner, changes);
    println!("{changes:?}: {first} {second}");
    assert!((first - FIRST_PROBABILITY).abs() < 0.05, "{changes:?}: {first} in the first mode");
    assert!((second - (1.0 - FIRST_PROBABILITY)).abs() < 0.05, "{changes:?}: {second} in the second mode");
}

#[test]
fn a_mixture_reproduces_both_modes() {
    check_both_modes("bc", &["head.kind=mixture"]);
}

#[test]
fn a_variational_autoencoder_reproduces_both_modes() {
    check_both_modes("bc", &["head.kind=vae"]);
}

#[test]
fn a_diffusion_policy_reproduces_both_modes() {
    check_both_modes("bc", &["head.kind=diffusion", "optimizer.ema_decay=0.995"]);
}

#[test]
fn action_chunking_with_transformers_reproduces_both_modes() {
    check_both_modes("bc", &["head.kind=act", "head.hidden_size=32", "head.num_layers=1"]);
}

#[test]
fn a_squared_error_reproduces_neither_mode() {
    let [first, second] = mode_fractions("bc", &[]);
    assert!(first < 0.05 && second < 0.05, "{first} and {second}");
}

#[test]
fn a_gan_reproduces_both_modes() {
    check_both_modes("gan", &["head.kind=generator", "optimizer.ema_decay=0.995"]);
}

#[test]
fn feature_matching_reproduces_both_modes() {
    check_both_modes("feature-matching", &["head.kind=generator", "optimizer.ema_decay=0.995"]);
}
