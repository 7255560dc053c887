//! The Gaussian head recovers mean and standard deviation of a known distribution.

use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{Lcg, config, data};

/// Trains on actions `normal(mean(o), std(o))` and compares at some observations.
fn check(mean: fn(f32) -> f32, std: fn(f32) -> f32, changes: &[&str], tolerance: f32) {
    let mut noise = Lcg(3);
    let data = data(20, 500, (1, 1), |o, a| a[0] = mean(o[0]) + std(o[0]) * noise.normal());
    let common = [
        "head.kind=gaussian",
        "data.observation_noise_std=0",
        "training.batch_size=512",
        "training.steps=1500",
        "optimizer.learning_rate=0.01",
        "training.patience=0",
    ];
    let changes: Vec<_> = common.iter().chain(changes).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let summary =
        train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let observations = [-1.0, 0.0, 1.0, 2.0, 3.0];
    let (mut means, mut stds) = ([0.0; 5], [0.0; 5]);
    policy.distribution(&observations, &mut means, &mut stds);
    for (i, o) in observations.into_iter().enumerate() {
        assert!((means[i] - mean(o)).abs() < tolerance, "at {o}: mean {} instead of {}", means[i], mean(o));
        assert!((stds[i] - std(o)).abs() < tolerance, "at {o}: standard deviation {} instead of {}", stds[i], std(o));
    }
    let mut actions = [0.0; 5];
    policy.act(&observations, &mut [], &mut actions);
    assert_eq!(actions, means, "a policy acts with the mean");
}

#[test]
fn a_constant_standard_deviation_is_recovered() {
    check(|o| 0.5 * o + 1.0, |_| 0.3, &["network.hidden_sizes=[]"], 0.03);
}

#[test]
fn a_state_dependent_standard_deviation_is_recovered() {
    check(
        |o| 2.0 - o,
        |o| bevy::math::ops::exp(0.3 * o - 0.9),
        &["network.hidden_sizes=[32]", "head.state_dependent_std=true"],
        0.1,
    );
}
