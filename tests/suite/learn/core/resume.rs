//! A resumed run is bit-identical to an uninterrupted one.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use apprentice::learn::{
    Outcome, Progress, RunOptions, StepReport, TrainConfig, TrainError, TrainingData, train_on_dataset,
};
use apprentice::policies::Policy;

use crate::testing::learn::{config_of, data};

/// Sets the stop flag after some step.
struct StopAfter(u64, Arc<AtomicBool>);

impl Progress for StopAfter {
    fn stepped(&mut self, report: &StepReport) {
        self.1.store(report.step >= self.0, Ordering::Relaxed);
    }
}

/// Copies the run's folder after some step, as after a crash.
struct CrashAfter<'a>(u64, &'a Path, &'a Path);

impl Progress for CrashAfter<'_> {
    fn stepped(&mut self, report: &StepReport) {
        if report.step == self.0 {
            copy(self.1, self.2);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { _ = fs::copy(&path, &target).unwrap() }
    }
}

fn problem() -> TrainingData {
    data(8, 50, (3, 2), |o, a| {
        a[0] = bevy::math::ops::sin(o[0]);
        a[1] = o[1] * o[2];
    })
}

/// Settings that enable everything with state.
fn settings(changes: &[&str]) -> TrainConfig {
    settings_of("bc", changes)
}

fn settings_of(learner: &str, changes: &[&str]) -> TrainConfig {
    let all = [
        "head.kind=gaussian",
        "network.dropout=0.1",
        "network.layer_norm=true",
        "data.observation_noise_std=0.05",
        "data.validation_fraction=0.25",
        "training.log_freq=10",
        "training.eval_freq=30",
        "training.save_freq=40",
        "training.save_total_limit=2",
    ];
    config_of(learner, &all.iter().chain(changes).copied().collect::<Vec<_>>())
}

fn interrupted(dir: &Path, config: &TrainConfig, after: u64, resume: bool) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let options = RunOptions { stop: stop.clone(), resume, ..RunOptions::new(dir) };
    train_on_dataset(config, &problem(), &options, &mut StopAfter(after, stop)).unwrap().outcome
}

fn assert_same(a: &Path, b: &Path, files: &[&str]) {
    for file in files {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file} differs");
    }
}

#[test]
fn a_resumed_run_is_bit_identical() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let config = settings(&[]);
    assert_eq!(interrupted(&whole, &config, u64::MAX, false), Outcome::Finished);
    assert_eq!(interrupted(&parts, &config, 50, false), Outcome::Interrupted);
    assert_eq!(interrupted(&parts, &config, 100, true), Outcome::Interrupted);
    assert_eq!(interrupted(&parts, &config, u64::MAX, true), Outcome::Finished);
    assert_same(
        &whole,
        &parts,
        &[
            "last/model.safetensors",
            "last/optimizer.safetensors",
            "last/optimizer.json",
            "last/training.json",
            "last/config.json",
            "best/model.safetensors",
            "best/config.json",
            "checkpoints/000160/model.safetensors",
        ],
    );
    assert!(!whole.join("checkpoints/000040").exists(), "only the newest checkpoints are kept");
    assert_eq!(interrupted(&parts, &config, u64::MAX, true), Outcome::Finished, "no steps remain");
}

#[test]
fn a_run_resumed_after_a_crash_ends_like_an_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(&[]);
    for after in [10, 110] {
        let (whole, crashed) = (dir.path().join(format!("whole{after}")), dir.path().join(format!("crashed{after}")));
        train_on_dataset(&config, &problem(), &RunOptions::new(&whole), &mut CrashAfter(after, &whole, &crashed))
            .unwrap();
        assert_eq!(crashed.join("last").exists(), after > 40, "the first checkpoint is at step 40");
        assert_eq!(interrupted(&crashed, &config, u64::MAX, true), Outcome::Finished);
        let files = ["last/model.safetensors", "last/training.json", "best/model.safetensors", "best/config.json"];
        assert_same(&whole, &crashed, &files);
    }
}

#[test]
fn the_same_seed_gives_the_same_policy_and_another_seed_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let weights = |name: &str, seed: &str| {
        let run = dir.path().join(name);
        interrupted(&run, &settings(&["training.steps=20", seed]), u64::MAX, false);
        fs::read(run.join("last/model.safetensors")).unwrap()
    };
    assert!(weights("a", "training.seed=1") == weights("b", "training.seed=1"));
    assert!(weights("c", "training.seed=1") != weights("d", "training.seed=2"));
}

#[test]
fn a_run_stopped_before_its_first_step_can_be_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = settings(&["training.steps=20"]);
    let options = RunOptions { stop: Arc::new(AtomicBool::new(true)), ..RunOptions::new(&run) };
    let summary = train_on_dataset(&config, &problem(), &options, &mut ()).unwrap();
    assert_eq!((summary.outcome, summary.steps), (Outcome::Interrupted, 0));
    Policy::load(&summary.policy_dir).unwrap();
    assert_eq!(interrupted(&run, &config, u64::MAX, true), Outcome::Finished);
}

#[test]
fn errors_of_resuming_name_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = settings(&["training.steps=20"]);
    let options = RunOptions { resume: true, ..RunOptions::new(&run) };
    let error = |config: &TrainConfig, data: &TrainingData, options: &RunOptions| {
        train_on_dataset(config, data, options, &mut ()).unwrap_err().to_string()
    };
    let text = error(&config, &problem(), &options);
    assert!(text.contains("without --resume"), "{text}");

    interrupted(&run, &config, u64::MAX, false);
    let new_run = RunOptions::new(&run);
    let again = train_on_dataset(&config, &problem(), &new_run, &mut ()).unwrap_err();
    assert!(matches!(again, TrainError::Exists { .. }), "{again}");

    let mut changed = config.clone();
    changed.set("optimizer.learning_rate=0.5").unwrap();
    changed.set("network.hidden_sizes=[8]").unwrap();
    let text = error(&changed, &problem(), &options);
    assert!(text.contains("optimizer.learning_rate") && text.contains("network.hidden_sizes"), "{text}");

    let mut other = problem();
    other.actions[0] += 1.0;
    let text = error(&config, &other, &options);
    assert!(text.contains("training data has changed"), "{text}");

    fs::write(run.join("last/training.json"), "{").unwrap();
    let text = error(&config, &problem(), &options);
    assert!(text.contains("training.json is damaged"), "{text}");
}

#[test]
fn every_method_resumes_bit_identically() {
    let sequence = ["network.hidden_size=16", "network.n_obs_steps=6", "head.hidden_size=16", "head.num_layers=1"];
    let cases: [(&str, &[&str]); 5] = [
        ("bc", &["network.kind=gru", "head.kind=mixture", "optimizer.ema_decay=0.99"]),
        ("bc", &["network.kind=transformer", "head.kind=squared_error"]),
        ("bc", &["head.kind=diffusion", "head.chunk_size=4", "optimizer.ema_decay=0.99"]),
        ("bc", &["head.kind=act", "head.chunk_size=4"]),
        ("gan", &["head.kind=generator", "optimizer.ema_decay=0.99"]),
    ];
    for (learner, changes) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
        let config = settings_of(learner, &[&sequence[..], changes].concat());
        assert_eq!(interrupted(&whole, &config, u64::MAX, false), Outcome::Finished);
        assert_eq!(interrupted(&parts, &config, 70, false), Outcome::Interrupted);
        assert_eq!(interrupted(&parts, &config, u64::MAX, true), Outcome::Finished);
        println!("{learner} {changes:?}");
        assert_same(
            &whole,
            &parts,
            &["last/model.safetensors", "last/optimizer.safetensors", "best/model.safetensors"],
        );
    }
}
