//! What the registry holds of a learner: its name, settings and requirements, and how a run of it is trained.

use std::fmt::Debug;

use burn::tensor::Device;
use serde_json::{Map, Value};

use super::data_loader::DataLoader;
use super::init::PretrainedPolicy;
use super::learned_reward::StoredReward;
use super::learner::Learner;
use super::section::AnySection;
use crate::demos::Episode;
use crate::learn::{Progress, RunOptions, TrainConfig, TrainError, TrainSummary, TrainingData};
use crate::policies::PolicyConfig;
use crate::scenes::Scene;
use crate::teleop::Skill;

/// Whether a learner takes an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// It does not read it.
    #[default]
    No,
    /// It works with it and without it.
    Optional,
    /// It cannot train without it.
    Required,
}

/// The inputs of a learner; `apprentice train NAME` has an option for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// `--dataset`: demonstrations, as training data.
    pub dataset: Need,
    /// `--dataset`, as whole episodes with their rewards, in the scene that is trained in.
    pub episodes: Need,
    /// `--scene`: a scene to act in. `Optional`: without it, the scene of the demonstrations.
    pub scene: Need,
    /// `--earlier`: demonstrations that must not be forgotten.
    pub earlier: bool,
    /// `--reward`: a learned reward instead of the task's.
    pub reward: bool,
    /// `--expert`: a scripted expert that labels observations.
    pub expert: bool,
    /// `--device`: trains on a GPU, too.
    pub gpu: bool,
    /// `--init-from`: takes over the head of any policy, whatever its kind.
    pub any_head: bool,
    /// `--scene`: a game of two sides; the other learners act in scenes for one agent.
    pub two_sided: bool,
}

/// Inputs that imply other defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenInputs<'a> {
    /// `--reward`: the folder of the run that learned the reward.
    pub reward: Option<&'a str>,
    /// Whether `--dataset` is given.
    pub demonstrations: bool,
}

/// Everything that a run is trained from.
pub struct TrainJob {
    /// The settings, checked.
    pub config: TrainConfig,
    /// The demonstrations, of a learner that reads a dataset.
    pub data: Option<TrainingData>,
    /// Whole episodes, of a learner that reads those.
    pub episodes: Vec<Episode>,
    /// The scene to act in, of a learner that acts.
    pub scene: Option<Scene>,
    /// The learned reward that replaces the task's.
    pub reward: Option<StoredReward>,
    /// The scripted expert of a learner that asks one.
    pub expert: Skill,
    /// Run folder, device, stop flag, the policy to start from.
    pub options: RunOptions,
}

impl TrainJob {
    /// The demonstrations.
    ///
    /// # Errors
    /// There are none.
    pub fn take_data(&mut self) -> Result<TrainingData, TrainError> {
        self.data.take().ok_or_else(|| self.missing("--dataset"))
    }

    /// The scene.
    ///
    /// # Errors
    /// There is none.
    pub fn take_scene(&mut self) -> Result<Scene, TrainError> {
        self.scene.take().ok_or_else(|| self.missing("--scene"))
    }

    fn missing(&self, option: &str) -> TrainError {
        let name = self.config.spec().name();
        TrainError::Config { origin: format!("train {name}"), message: format!("it needs {option}") }
    }
}

/// What a learner of a dataset is built from.
pub struct LearnerParts<'a> {
    /// The settings.
    pub config: &'a TrainConfig,
    /// Layouts and normalizers.
    pub policy: PolicyConfig,
    /// Minibatches of the demonstrations.
    pub loader: DataLoader<'a>,
    /// The policy to start from.
    pub pretrained: Option<&'a PretrainedPolicy>,
    /// Device, without `.autodiff()`.
    pub device: &'a Device,
}

/// Result of a run, for a person and for a program.
#[derive(Clone, Debug)]
pub struct TrainReport {
    /// How the loop ended.
    pub summary: TrainSummary,
    /// How good the best policy is, in words.
    pub headline: String,
    /// The same and more as JSON.
    pub numbers: Map<String, Value>,
}

impl TrainReport {
    /// A report whose numbers are the entries of a JSON object.
    pub fn new(summary: TrainSummary, headline: impl Into<String>, numbers: Value) -> Self {
        let numbers = if let Value::Object(numbers) = numbers { numbers } else { Map::new() };
        Self { summary, headline: headline.into(), numbers }
    }
}

/// What a run's plot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Training and validation loss.
    Loss,
    /// Return while exploring, and of evaluation episodes.
    Return,
    /// Elo ratings and cross-play of the players of self-play.
    Ratings,
}

/// A learner in the registry: one module that implements this, and one line in the list of
/// [`learners`](crate::learn::learners). See [`register`](crate::learn::register) for learners of other crates.
pub trait LearnerSpec: Sync {
    /// Name on the command line, in `config.toml` and in provenance, such as `behavior-prediction`.
    fn name(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// Example command lines for `--help`.
    fn examples(&self) -> &'static [&'static str];

    /// Its inputs.
    fn requirements(&self) -> Requirements;

    /// Its sections of the configuration at their defaults, beside `network`, `head`, `optimizer`, `init` and `training`.
    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        Vec::new()
    }

    /// Change the defaults that differ for this learner.
    fn set_defaults(&self, _config: &mut TrainConfig) {}

    /// Change the defaults that follow from the given inputs.
    fn set_input_defaults(&self, _config: &mut TrainConfig, _inputs: &GivenInputs<'_>) {}

    /// Whether the configuration of that learner can be given for this one, as its settings are among this one's.
    fn accepts_config_of(&self, _learner: &str) -> bool {
        false
    }

    /// What the plot of a run shows; `None` for none.
    fn curve(&self) -> Option<Curve> {
        Some(Curve::Loss)
    }

    /// The learner of a dataset, ready for the training loop; only of learners that are trained by
    /// [`train_on_dataset`](crate::learn::train_on_dataset).
    ///
    /// # Errors
    /// Unusable settings, or a learner that acts in a scene.
    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Err(TrainError::Config {
            origin: "training.learner".into(),
            message: format!("{} acts in a scene; it is not trained on a dataset alone", parts.config.spec().name()),
        })
    }

    /// Train a run.
    ///
    /// # Errors
    /// Unusable settings or inputs, a run folder that cannot be written or resumed, or training that diverges.
    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError>;
}

impl Debug for dyn LearnerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
