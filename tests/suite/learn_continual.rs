//! Learning something new without forgetting.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::{EpisodeFacts, RunOptions, TrainingData, train};
use apprentice::policies::Policy;

use super::learn_common::{config, data};

/// Actions along one line where the first number is above zero, along another where it is below.
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

/// Errors on what was learned first and on what was learned then.
fn one_after_the_other(method: &str, more: &[&str]) -> (f32, f32) {
    let dir = tempfile::tempdir().unwrap();
    let common = ["training.steps=600", "optimizer.learning_rate=5e-3", "network.hidden=[64]"];
    let first = train(&config(&common), &half(true), &RunOptions::new(dir.path().join("first")), &mut ()).unwrap();
    assert!(error(&first.policy_dir, &half(true)) < 0.1);
    let (from, method) = (format!("init.from={}", first.policy_dir.display()), format!("continual.method={method}"));
    let changes: Vec<&str> =
        common.into_iter().chain([from.as_str(), method.as_str()]).chain(more.iter().copied()).collect();
    let options = RunOptions { earlier: Some(Arc::new(half(true))), ..RunOptions::new(dir.path().join("then")) };
    let then = train(&config(&changes), &half(false), &options, &mut ()).unwrap();
    (error(&then.policy_dir, &half(true)), error(&then.policy_dir, &half(false)))
}

#[test]
fn rehearsal_keeps_what_fine_tuning_forgets() {
    let (forgotten, learned) = one_after_the_other("none", &[]);
    assert!(forgotten > 0.5 && learned < 0.15, "plain: {forgotten} off before, {learned} then");
    let (kept, learned) = one_after_the_other("rehearsal", &[]);
    assert!(kept < 0.15 && learned < 0.2, "rehearsal: {kept} off before, {learned} then");
}

#[test]
fn elastic_weights_forget_less() {
    let (plain, _) = one_after_the_other("none", &[]);
    let (kept, learned) = one_after_the_other("ewc", &[]);
    assert!(kept < 0.65 * plain && learned < 0.1, "{kept} off before, without the pull {plain}; {learned} then");
}

#[test]
fn earlier_demonstrations_weigh_their_share() {
    let both = half(false).rehearsing(&half(true), 0.25).unwrap();
    let weights = both.weights.expect("weights");
    let [new, old] = [&weights[..1000], &weights[1000..]].map(|part| part.iter().sum::<f32>());
    assert!((old / (new + old) - 0.25).abs() < 1e-4, "{old} of {}", new + old);
}

#[test]
fn one_policy_learns_two_scenes_that_only_their_names_tell_apart() {
    // The same observations, opposite actions.
    let mut first = data(10, 100, (2, 1), |o, a| a[0] = o[1]);
    let named = |scene: &str| vec![EpisodeFacts { scene: scene.into(), ..EpisodeFacts::default() }; 10];
    let mut second = first.clone();
    second.actions.iter_mut().for_each(|a| *a = -*a);
    (first.facts, second.facts) = (named("one"), named("other"));
    let mut both = first.clone();
    both.join(&second).unwrap();
    let learn = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let common = ["training.steps=800", "optimizer.learning_rate=5e-3"];
        let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
        let summary = train(&config(&changes), &both, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
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
        let mut fitted = policy.clone().fitted(&spaces, scene).unwrap();
        let mut actions = vec![0.0; first.rows()];
        fitted.act(&first.observations, &mut [], &mut actions);
        let off = actions.iter().zip(&first.actions).map(|(a, b)| (a - sign * b).abs()).sum::<f32>() / 1000.0;
        assert!(off < 0.25, "{scene}: {off} off");
    }
    let error = policy.fitted(&spaces, "third").unwrap_err().to_string();
    assert!(error.contains("one, other"), "{error}");
}

#[test]
fn what_is_rehearsed_is_no_task_that_the_policy_is_told_of() {
    let named = |above: bool, scene: &str| {
        let mut data = half(above);
        data.facts = vec![EpisodeFacts { scene: scene.into(), ..EpisodeFacts::default() }; 10];
        data
    };
    let dir = tempfile::tempdir().unwrap();
    let earlier = Some(Arc::new(named(true, "before")));
    let options = RunOptions { earlier, ..RunOptions::new(dir.path().join("run")) };
    let summary = train(&config(&["training.steps=20"]), &named(false, "now"), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    assert!(policy.config().tasks.is_empty() && policy.config().observation.size() == 2);
}
