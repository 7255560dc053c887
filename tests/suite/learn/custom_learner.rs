//! A learner of another crate: one module, one registration, and the whole command line.

use std::fs;
use std::path::Path;
use std::sync::Once;

use apprentice::cli::run_with;
use apprentice::learn::{
    AnySection, BehaviorCloning, DataConfig, Extent, Learner, LearnerParts, LearnerSpec, Metric, Need, Progress,
    Requirements, Section, TrainError, TrainJob, TrainReport, UpdateStep, Validation, find_learner, register,
    train_on_dataset,
};
use apprentice::policies::{Policy, PolicyError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::commands::recorded;

/// Repeated updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RepeatConfig {
    /// Updates of the network in each step.
    #[schemars(range(min = 1, max = 8))]
    n_updates: u64,
}

impl Default for RepeatConfig {
    fn default() -> Self {
        Self { n_updates: 2 }
    }
}

impl Section for RepeatConfig {
    const NAME: &'static str = "repeat";
}

/// Behavior cloning with several updates in each step.
struct RepeatedCloning;

impl LearnerSpec for RepeatedCloning {
    fn name(&self) -> &'static str {
        "repeated-cloning"
    }

    fn about(&self) -> &'static str {
        "Behavior cloning with several updates in each step"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["apprentice train repeated-cloning --dataset demos/slalom --run runs/repeated"]
    }

    fn requirements(&self) -> Requirements {
        Requirements { dataset: Need::Required, gpu: true, ..Requirements::default() }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(DataConfig::default()), Box::new(RepeatConfig::default())]
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        let n_updates = parts.config.get::<RepeatConfig>().n_updates;
        Ok(Box::new(Repeated { cloning: BehaviorCloning::new(parts)?, n_updates }))
    }

    fn train(&self, mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        let data = job.take_data()?;
        let summary = train_on_dataset(&job.config, &data, &job.options, progress)?;
        Ok(TrainReport::new(summary, "repeated", serde_json::json!({})))
    }
}

struct Repeated<'a> {
    cloning: BehaviorCloning<'a>,
    n_updates: u64,
}

impl Learner for Repeated<'_> {
    fn name(&self) -> &'static str {
        self.cloning.name()
    }

    fn extent(&self) -> Extent {
        self.cloning.extent()
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        (0..self.n_updates).try_for_each(|_| self.cloning.update(step))
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        self.cloning.metrics(step)
    }

    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError> {
        self.cloning.validate(step)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.cloning.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.cloning.save(dir)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.cloning.load(dir)
    }
}

fn registered() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| register(&RepeatedCloning));
}

#[test]
fn a_registered_learner_is_trained_by_the_command_line() {
    registered();
    let dir = recorded("slalom", "2");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (demos, run, other) = (path("demos"), path("run"), path("other"));
    let train = |run: &str, more: &[&str]| {
        let arguments = ["apprentice", "train", "repeated-cloning", "--dataset", &demos, "--run", run];
        run_with([&arguments[..], more].concat())
    };
    assert_eq!(train(&run, &["--set", "training.steps=3"]), 0);
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    assert!(config.contains("[repeat]\nn_updates = 2") && !config.contains("[adversarial]"), "{config}");
    let policy = Policy::load(&dir.path().join("run/best")).unwrap();
    assert_eq!(policy.config().provenance.learner, "repeated-cloning");
    assert_eq!(train(&run, &["--resume"]), 0, "a finished run is resumed");
    assert_eq!(train(&other, &["--set", "repeat.n_updates=9"]), 2, "out of range");
    assert_eq!(train(&other, &["--set", "ppo.n_envs=9"]), 2, "not a section of this learner");
    assert!(!dir.path().join("other").exists());
}

#[test]
fn an_unknown_learner_is_refused_with_the_names() {
    registered();
    let error = find_learner("repeated").unwrap_err().to_string();
    assert!(error.contains("repeated-cloning") && error.contains("bc, behavior-prediction"), "{error}");
}
