//! Demonstrations that go two ways: generative policies go both, in their shares; a squared-error policy goes neither.

use apprentice::learn::{RunOptions, TrainingData, train};
use apprentice::policies::{Policy, PolicyMemory};

use super::learn_common::{Numbers, config, data};

/// Where the two ways lie, and the share of the first.
const WAYS: [f32; 2] = [-2.0, 1.0];
const SHARE: f32 = 0.4;

fn two_ways() -> TrainingData {
    let mut chance = Numbers(17);
    data(20, 250, (2, 2), |o, a| {
        let way = WAYS[usize::from(0.5 * chance.next() + 0.5 > SHARE)];
        a[0] = way + 0.1 * o[0] + 0.05 * chance.normal();
        a[1] = -way + 0.05 * chance.normal();
    })
}

/// Shares of actions near the first way and near the second, over many draws.
fn shares(changes: &[&str]) -> [f32; 2] {
    let common = [
        "network.hidden=[64]",
        "head.width=64",
        "training.batch_size=256",
        "training.steps=3000",
        "training.patience=0",
        "optimizer.learning_rate=2e-3",
    ];
    let changes: Vec<_> = common.iter().chain(changes).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let summary = train(&config(&changes), &two_ways(), &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    const DRAWS: usize = 4000;
    let mut numbers = Numbers(5);
    let observations: Vec<f32> = (0..DRAWS * 2).map(|_| 3.0 * numbers.next() + 1.0).collect();
    let mut memories: Vec<_> = (0..DRAWS as u64).map(PolicyMemory::new).collect();
    let mut actions = vec![0.0; DRAWS * 2];
    policy.act(&observations, &mut memories, &mut actions);
    WAYS.map(|way| {
        let near = |(o, a): (&[f32], &[f32])| (a[0] - way - 0.1 * o[0]).abs() < 0.5 && (a[1] + way).abs() < 0.5;
        let count = observations.chunks(2).zip(actions.chunks(2)).filter(|pair| near(*pair)).count();
        count as f32 / DRAWS as f32
    })
}

fn goes_both_ways(changes: &[&str]) {
    let [first, second] = shares(changes);
    println!("{changes:?}: {first} {second}");
    assert!((first - SHARE).abs() < 0.05, "{changes:?}: {first} go the first way");
    assert!((second - (1.0 - SHARE)).abs() < 0.05, "{changes:?}: {second} go the second way");
}

#[test]
fn a_mixture_goes_both_ways() {
    goes_both_ways(&["head.kind=mixture"]);
}

#[test]
fn a_variational_autoencoder_goes_both_ways() {
    goes_both_ways(&["head.kind=vae"]);
}

#[test]
fn a_diffusion_policy_goes_both_ways() {
    goes_both_ways(&["head.kind=diffusion", "optimizer.average=0.995"]);
}

#[test]
fn action_chunking_with_transformers_goes_both_ways() {
    goes_both_ways(&["head.kind=act", "head.width=32", "head.layers=1"]);
}

#[test]
fn a_squared_error_goes_neither_way() {
    let [first, second] = shares(&[]);
    assert!(first < 0.05 && second < 0.05, "{first} and {second}");
}

#[test]
fn a_generator_against_a_discriminator_goes_both_ways() {
    goes_both_ways(&["training.learner=gan", "head.kind=generator", "optimizer.average=0.995"]);
}

#[test]
fn matching_features_goes_both_ways() {
    goes_both_ways(&["training.learner=feature_matching", "head.kind=generator", "optimizer.average=0.995"]);
}
