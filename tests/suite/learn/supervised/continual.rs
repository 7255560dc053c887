//! Continual learning.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::{EpisodeInfo, RunOptions, TrainingData, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{config, data};

/// Demonstrations of one half of the observation space: the first number is above or below zero, with another linear
/// expert for each half.
fn half(above: bool) -> TrainingData {
    let mut data = data(10, 100, (2, 1), |_, _| {});
    for (o, a) in data.observations.chunks_exact_mut(2).zip(&mut data.actions) {
        o[0] = if above { 2.0 } else { -2.0 } + 0.3 * o[0];
        *a = if above { o[1] } else { -o[1] };
    }
    data
}

fn error(policy: &Path, data: &TrainingData) -> f32 {
    let mut policy = Policy::load(policy).unwrap();
    let mut actions = vec![0.0; data.rows()];
    policy.act(&data.observations, &mut [], &mut actions);
    actions.iter().zip(&data.actions).map(|(a, b)| (a - b).abs()).sum::<f32>() / data.rows() as f32
}

/// Trains on one half, then on the other. Returns the errors on the first and on the second half.
fn train_in_sequence(method: &str, more: &[&str]) -> (f32, f32) {
    let dir = tempfile::tempdir().unwrap();
    let common = ["training.steps=600", "optimizer.learning_rate=5e-3", "network.hidden_sizes=[64]"];
    let first =
        train_on_dataset(&config(&common), &half(true), &RunOptions::new(dir.path().join("first")), &mut ()).unwrap();
    assert!(error(&first.policy_dir, &half(true)) < 0.1);
    let (from, method) = (format!("init.from={}", first.policy_dir.display()), format!("continual.method={method}"));
    let changes: Vec<&str> =
        common.into_iter().chain([from.as_str(), method.as_str()]).chain(more.iter().copied()).collect();
    let options = RunOptions { earlier: Some(Arc::new(half(true))), ..RunOptions::new(dir.path().join("then")) };
    let then = train_on_dataset(&config(&changes), &half(false), &options, &mut ()).unwrap();
    (error(&then.policy_dir, &half(true)), error(&then.policy_dir, &half(false)))
}

#[test]
fn rehearsal_prevents_forgetting() {
    let (forgotten, learned) = train_in_sequence("none", &[]);
    assert!(forgotten > 0.5 && learned < 0.15, "fine-tuning: errors {forgotten} and {learned}");
    let (kept, learned) = train_in_sequence("rehearsal", &[]);
    assert!(kept < 0.15 && learned < 0.2, "rehearsal: errors {kept} and {learned}");
}

#[test]
fn elastic_weight_consolidation_reduces_forgetting() {
    let (plain, _) = train_in_sequence("none", &[]);
    let (kept, learned) = train_in_sequence("ewc", &[]);
    assert!(
        kept < 0.65 * plain && learned < 0.1,
        "error {kept} on the first half, {plain} without the penalty; {learned} on the second"
    );
}

#[test]
fn earlier_demonstrations_have_the_given_weight() {
    let both = half(false).with_rehearsal(&half(true), 0.25).unwrap();
    let weights = both.weights.expect("weights");
    let [new, old] = [&weights[..1000], &weights[1000..]].map(|part| part.iter().sum::<f32>());
    assert!((old / (new + old) - 0.25).abs() < 1e-4, "{old} of {}", new + old);
}

#[test]
fn task_conditioning_distinguishes_two_scenes() {
    // The same observations, opposite actions.
    let mut first = data(10, 100, (2, 1), |o, a| a[0] = o[1]);
    let named = |scene: &str| vec![EpisodeInfo { scene: scene.into(), ..EpisodeInfo::default() }; 10];
    let mut second = first.clone();
    second.actions.iter_mut().for_each(|a| *a = -*a);
    (first.episode_info, second.episode_info) = (named("one"), named("other"));
    let mut both = first.clone();
    both.concatenate(&second).unwrap();
    let learn = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let common = ["training.steps=800", "optimizer.learning_rate=5e-3"];
        let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
        let summary =
            train_on_dataset(&config(&changes), &both, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
        (Policy::load(&summary.policy_dir).unwrap(), dir)
    };
    let (policy, _dir) = learn(&[]);
    assert_eq!(policy.config().tasks, ["one", "other"]);
    let spaces = apprentice::agents::Spaces {
        agent: "test".into(),
        observation: Arc::new(first.observation.clone()),
        action: Arc::new(first.action.clone()),
    };
    for (scene, sign) in [("one", 1.0), ("other", -1.0)] {
        let mut fitted = policy.clone().for_agent(&spaces, scene).unwrap();
        let mut actions = vec![0.0; first.rows()];
        fitted.act(&first.observations, &mut [], &mut actions);
        let off = actions.iter().zip(&first.actions).map(|(a, b)| (a - sign * b).abs()).sum::<f32>() / 1000.0;
        assert!(off < 0.25, "{scene}: {off} off");
    }
    let error = policy.for_agent(&spaces, "third").unwrap_err().to_string();
    assert!(error.contains("one, other"), "{error}");
}

#[test]
fn rehearsed_demonstrations_do_not_add_a_task_field() {
    let named = |above: bool, scene: &str| {
        let mut data = half(above);
        data.episode_info = vec![EpisodeInfo { scene: scene.into(), ..EpisodeInfo::default() }; 10];
        data
    };
    let dir = tempfile::tempdir().unwrap();
    let earlier = Some(Arc::new(named(true, "before")));
    let options = RunOptions { earlier, ..RunOptions::new(dir.path().join("run")) };
    let summary = train_on_dataset(&config(&["training.steps=20"]), &named(false, "now"), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    assert!(policy.config().tasks.is_empty() && policy.config().observation.size() == 2);
}
