//! Initialization from a pretrained policy: fields are matched by name, adapters are stored separately, frozen
//! parameters do not change.

use std::path::{Path, PathBuf};

use apprentice::learn::{PretrainedPolicy, RunOptions, TrainConfig, TrainError, TrainingData, train_on_dataset};
use apprentice::policies::{ADAPTER_FILE, Policy, artifact::WEIGHTS_FILE};
use apprentice::spaces::{Field, Layout};
use tempfile::TempDir;

use crate::testing::learn::{Lcg, config};

/// Demonstrations with the action `x - 2 y` and the given observation and action fields.
fn problem(fields: &[&str], action: &[&str]) -> TrainingData {
    let layout = |name: &str, names: &[&str]| {
        Layout::new(name, names.iter().map(|n| Field::new(*n, 1, "1", -100.0, 100.0)).collect())
    };
    let mut data = crate::testing::learn::data(10, 100, (fields.len(), action.len()), |o, a| {
        let of = |name: &str| fields.iter().position(|f| *f == name).map_or(0.0, |i| o[i]);
        a.fill(of("x") - 2.0 * of("y"));
    });
    data.observation = layout("test/observation", fields);
    data.action = layout("test/action", action);
    data
}

fn run(dir: &Path, changes: &[String], data: &TrainingData) -> Result<PathBuf, TrainError> {
    let common = ["optimizer.learning_rate=5e-3"];
    let changes: Vec<&str> = common.into_iter().chain(changes.iter().map(String::as_str)).collect();
    train_on_dataset(&config(&changes), data, &RunOptions::new(dir), &mut ()).map(|summary| summary.policy_dir)
}

/// A pretrained policy, and the setting that names its folder.
fn base(dir: &TempDir) -> (Policy, String) {
    let policy = run(&dir.path().join("base"), &[], &problem(&["x", "y", "gone"], &["turn"])).unwrap();
    (Policy::load(&policy).unwrap(), format!("init.from={}", dir.path().join("base").display()))
}

fn act(policy: &mut Policy, rows: &[f32], count: usize) -> Vec<f32> {
    let mut actions = vec![0.0; count];
    policy.act(rows, &mut [], &mut actions);
    actions
}

#[test]
fn fields_are_matched_by_name_and_new_ones_have_no_initial_effect() {
    let dir = tempfile::tempdir().unwrap();
    let (mut before, from) = base(&dir);
    // Another order, one field removed, one added.
    let data = problem(&["new", "y", "x"], &["turn"]);
    let changes = [from, "optimizer.learning_rate=1e-9".into(), "training.steps=1".into()];
    let mut after = Policy::load(&run(&dir.path().join("next"), &changes, &data).unwrap()).unwrap();
    let gone = before.config().observation_normalizer.mean[2];
    let mut numbers = Lcg(3);
    for _ in 0..50 {
        let [x, y, new] = [(); 3].map(|()| 2.0 * numbers.next());
        // A dropped field counts as its mean.
        let (expected, action) = (act(&mut before, &[x, y, gone], 1)[0], act(&mut after, &[new, y, x], 1)[0]);
        assert!((expected - action).abs() < 1e-3, "{expected} before, {action} after, at x {x}, y {y}");
    }
}

#[test]
fn the_report_names_kept_new_and_dropped_fields() {
    let dir = tempfile::tempdir().unwrap();
    let (_, from) = base(&dir);
    let data = problem(&["new", "y", "x"], &["turn", "speed"]);
    let transfer = PretrainedPolicy::load(&config(&[&from]).init)
        .unwrap()
        .expect("a pretrained policy")
        .transfer(&data.observation, &data.action);
    assert_eq!(transfer.kept, ["y", "x", "turn"]);
    assert_eq!(transfer.new, ["new", "speed"]);
    assert_eq!(transfer.dropped, ["gone"]);
}

#[test]
fn fine_tuning_needs_fewer_steps_than_training_from_scratch() {
    let dir = tempfile::tempdir().unwrap();
    let (_, from) = base(&dir);
    let data = problem(&["x", "y", "gone"], &["turn"]);
    let short = ["training.steps=20".to_owned(), "optimizer.warmup_steps=1".into()];
    let error = |name: &str, more: &[String]| {
        let all: Vec<String> = short.iter().chain(more).cloned().collect();
        let mut policy = Policy::load(&run(&dir.path().join(name), &all, &data).unwrap()).unwrap();
        let actions = act(&mut policy, &data.observations, data.rows());
        actions.iter().zip(&data.actions).map(|(a, b)| (a - b).abs()).sum::<f32>() / data.rows() as f32
    };
    let (scratch, tuned) = (error("scratch", &[]), error("tuned", &[from]));
    assert!(tuned < 0.5 * scratch, "error {tuned} with fine-tuning, {scratch} from scratch");
}

#[test]
fn a_merged_adapter_acts_like_a_separate_one() {
    let dir = tempfile::tempdir().unwrap();
    let (mut before, from) = base(&dir);
    let mut data = problem(&["x", "y", "gone"], &["turn"]);
    data.actions.iter_mut().for_each(|a| *a = -*a + 1.0);
    let changes = [from, "init.lora_rank=2".into(), "optimizer.learning_rate=1e-2".into()];
    let folder = run(&dir.path().join("adapted"), &changes, &data).unwrap();
    assert!(
        folder.join(ADAPTER_FILE).exists() && !folder.join(WEIGHTS_FILE).exists(),
        "the adapter is not stored separately"
    );
    let mut separate = Policy::load(&folder).unwrap();
    let whole = dir.path().join("merged");
    separate.clone().merged().save(&whole).unwrap();
    assert!(whole.join(WEIGHTS_FILE).exists() && !whole.join(ADAPTER_FILE).exists());
    let mut merged = Policy::load(&whole).unwrap();
    let rows = data.rows();
    let (a, b, old) = (
        act(&mut separate, &data.observations, rows),
        act(&mut merged, &data.observations, rows),
        act(&mut before, &data.observations, rows),
    );
    assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-5), "the merged policy differs");
    let mean = |a: &[f32]| a.iter().zip(&data.actions).map(|(x, y)| (x - y).abs()).sum::<f32>() / rows as f32;
    assert!(mean(&a) < 0.5 * mean(&old), "error {} with the adapter, {} before", mean(&a), mean(&old));
    // The pretrained policy has not changed.
    let mut again = Policy::load(&dir.path().join("base/best")).unwrap();
    assert_eq!(act(&mut again, &data.observations, rows), old);
}

#[test]
fn an_adapter_is_refused_without_its_base_or_with_a_changed_one() {
    let dir = tempfile::tempdir().unwrap();
    let (_, from) = base(&dir);
    let data = problem(&["x", "y", "gone"], &["turn"]);
    let adapter = run(&dir.path().join("adapted"), &[from.clone(), "init.lora_rank=2".into()], &data).unwrap();
    let error = run(&dir.path().join("on"), &["init.lora_rank=2".into()], &data).unwrap_err();
    assert!(error.to_string().contains("--init-from"), "{error}");
    let other = problem(&["x", "y"], &["turn"]);
    let error = run(&dir.path().join("other"), &[from, "init.lora_rank=2".into()], &other).unwrap_err();
    assert!(error.to_string().contains("same observation"), "{error}");
    let weights = dir.path().join("base/best").join(WEIGHTS_FILE);
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let error = Policy::load(&adapter).unwrap_err();
    assert!(error.to_string().contains("has changed"), "{error}");
}

#[test]
fn a_stopped_adapter_run_resumes_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let (_, from) = base(&dir);
    let data = problem(&["x", "y", "gone"], &["turn"]);
    let config: TrainConfig = config(&[&from, "init.lora_rank=2", "training.save_freq=50"]);
    let whole = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("whole")), &mut ()).unwrap();
    let halves = dir.path().join("halves");
    let options = RunOptions::new(&halves);
    struct Stop(std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl apprentice::learn::Progress for Stop {
        fn stepped(&mut self, report: &apprentice::learn::StepReport) {
            self.0.store(report.step >= 100, std::sync::atomic::Ordering::Relaxed);
        }
    }
    train_on_dataset(&config, &data, &options, &mut Stop(options.stop.clone())).unwrap();
    let resumed = RunOptions { resume: true, ..RunOptions::new(&halves) };
    let second = train_on_dataset(&config, &data, &resumed, &mut ()).unwrap();
    let bytes = |dir: &Path| std::fs::read(dir.join(ADAPTER_FILE)).unwrap();
    assert!(bytes(&whole.policy_dir) == bytes(&second.policy_dir));
}

#[test]
fn frozen_parameters_do_not_change() {
    let dir = tempfile::tempdir().unwrap();
    let (_, from) = base(&dir);
    let mut data = problem(&["x", "y", "gone"], &["turn"]);
    data.actions.iter_mut().for_each(|a| *a = -*a);
    let folder = run(&dir.path().join("frozen"), &[from, "init.freeze=[\"trunk\"]".into()], &data).unwrap();
    let (mut before, mut after) = (
        Policy::load(&dir.path().join("base/best")).unwrap().state_dict(),
        Policy::load(&folder).unwrap().state_dict(),
    );
    let trunk = "trunk.Mlp.layers.0.weight";
    assert_eq!(before.take(trunk).expect("a trunk"), after.take(trunk).expect("a trunk"));
    let head = "head.SquaredError.mean.weight";
    assert_ne!(before.take(head).expect("a head"), after.take(head).expect("a head"));
}

#[test]
fn a_gaussian_policy_starts_with_the_standard_deviation_of_the_demonstrations() {
    let dir = tempfile::tempdir().unwrap();
    let mut data = problem(&["x", "y"], &["turn", "idle"]);
    data.actions.iter_mut().skip(1).step_by(2).for_each(|idle| *idle = 3.0);
    let base = dir.path().join("base");
    run(&base, &[], &data).unwrap();
    let changes = ["optimizer.learning_rate=1e-9", "training.steps=1", "head.kind=gaussian"].map(String::from);
    let changes = [&changes[..], &[format!("init.from={}", base.display())]].concat();
    let mut after = Policy::load(&run(&dir.path().join("next"), &changes, &data).unwrap()).unwrap();
    let demonstrated_std = after.config().action_normalizer.std[0];
    let (mut means, mut stds) = ([0.0; 2], [0.0; 2]);
    after.distribution(&[0.5, -0.5], &mut means, &mut stds);
    assert!((means[1] - 3.0).abs() < 0.1, "{means:?}");
    assert!((stds[0] / demonstrated_std - 1.0).abs() < 0.01, "{stds:?} instead of {demonstrated_std}");
    assert!((stds[1] - 0.5).abs() < 0.01, "{stds:?}");
}
