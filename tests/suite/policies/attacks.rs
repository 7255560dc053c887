//! Adversarial attacks: perturbations are bounded by epsilon and maximize the change of the action.

use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::{AttackKind, Policy};

use crate::testing::learn::{Lcg, config, data};

/// Numbers of an observation.
const OBS_DIM: usize = 12;

/// Sample an observation of one of two classes, -1 and 1, and return the class. The first number separates the classes
/// well, the others poorly.
fn sample_observation(observation: &mut [f32], rng: &mut Lcg) -> f32 {
    let class = rng.next().signum();
    observation.fill_with(|| 0.5 * class + 0.7 * rng.normal());
    observation[0] = 2.0 * class + 0.5 * rng.normal();
    class
}

fn policy(changes: &[&str]) -> (tempfile::TempDir, Policy) {
    let dir = tempfile::tempdir().unwrap();
    // The demonstrated action is the class of the observation.
    let mut data = data(10, 100, (OBS_DIM, 2), |_, _| {});
    let mut rng = Lcg(31);
    for (o, a) in data.observations.chunks_exact_mut(OBS_DIM).zip(data.actions.chunks_exact_mut(2)) {
        a.fill(sample_observation(o, &mut rng));
    }
    let changes: Vec<&str> =
        ["training.steps=600", "optimizer.learning_rate=5e-3"].into_iter().chain(changes.iter().copied()).collect();
    let summary =
        train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    (dir, policy)
}

fn rows() -> Vec<f32> {
    let mut rng = Lcg(11);
    let mut rows = vec![0.0; 200 * OBS_DIM];
    rows.chunks_exact_mut(OBS_DIM).for_each(|row| {
        sample_observation(row, &mut rng);
    });
    rows
}

fn act(policy: &mut Policy) -> Vec<f32> {
    let rows = rows();
    let mut actions = vec![0.0; 2 * rows.len() / OBS_DIM];
    policy.act(&rows, &mut [], &mut actions);
    actions
}

/// Mean squared difference between the actions under attack and the clean ones.
fn action_error(policy: &Policy, kind: AttackKind, epsilon: f32) -> f32 {
    let clean = act(&mut policy.clone());
    let attacked = act(&mut policy.clone().with_attack(kind, epsilon).unwrap());
    clean.iter().zip(&attacked).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / clean.len() as f32
}

#[test]
fn gradient_attacks_are_stronger_than_noise() {
    let (_dir, policy) = policy(&[]);
    let [noise, fgsm, pgd] =
        [AttackKind::Noise, AttackKind::Fgsm, AttackKind::Pgd].map(|k| action_error(&policy, k, 0.3));
    assert!(pgd >= 0.999 * fgsm && fgsm > 1.2 * noise, "noise {noise}, fgsm {fgsm}, pgd {pgd}");
    let small = action_error(&policy, AttackKind::Pgd, 0.01);
    assert!(small < 0.05 * pgd, "{small} at a thirtieth of epsilon, {pgd}");
}

#[test]
fn a_perturbation_is_a_function_of_the_observation_alone() {
    let (_dir, policy) = policy(&[]);
    let mut attacked = policy.with_attack(AttackKind::Pgd, 0.2).unwrap();
    let all = act(&mut attacked);
    let rows = rows();
    for i in [0, 7, 150] {
        let mut one = [0.0; 2];
        attacked.act(&rows[OBS_DIM * i..OBS_DIM * (i + 1)], &mut [], &mut one);
        assert!(one.iter().zip(&all[2 * i..]).all(|(a, b)| (a - b).abs() < 1e-4), "row {i}: {one:?}");
    }
}

#[test]
fn gradient_attacks_on_policies_without_gradient_are_refused() {
    for (changes, reason) in [
        (["head.kind=categorical", "head.num_bins=5"], "no gradient"),
        (["head.kind=mixture", "head.num_modes=2"], "stochastic"),
        (["network.n_obs_steps=3", "head.chunk_size=1"], "stateful"),
    ] {
        let (_dir, policy) = policy(&changes);
        let error = policy.clone().with_attack(AttackKind::Fgsm, 0.1).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("use noise"), "{error}");
        policy.with_attack(AttackKind::Noise, 0.1).unwrap();
    }
    let (_dir, policy) = policy(&[]);
    let error = policy.with_attack(AttackKind::Pgd, 0.0).unwrap_err().to_string();
    assert!(error.contains("epsilon is 0"), "{error}");
}

#[test]
fn adversarial_training_makes_attacks_weaker() {
    let (_dir, plain) = policy(&[]);
    let (_dir, hardened) = policy(&["adversarial.epsilon=0.3"]);
    let [before, after] = [&plain, &hardened].map(|p| action_error(p, AttackKind::Pgd, 0.3));
    assert!(after < 0.7 * before, "{after} with adversarial training, {before} without");
}

#[test]
fn an_attack_takes_the_same_time_after_hundreds_of_ticks() {
    let (_dir, policy) = policy(&["head.kind=gaussian"]);
    let mut attacked = policy.with_attack(AttackKind::Pgd, 0.3).unwrap();
    let row = &rows()[..OBS_DIM];
    let mut time = |ticks: usize| {
        let start = std::time::Instant::now();
        (0..ticks).for_each(|_| attacked.act(row, &mut [], &mut [0.0; 2]));
        start.elapsed().as_secs_f64()
    };
    let first = time(100);
    time(400);
    // Regression: graph nodes of earlier gradients were never freed, which made it a hundred times slower.
    let later = time(100);
    assert!(later < 5.0 * first + 0.1, "100 ticks took {first} s at first, {later} s later");
}
