//! Learning from demonstrations and from rewards: the training data, the learners, and the training loop that runs them.
//!
//! [`learners`] is the registry. [`train_on_dataset`] trains a learner that reads a dataset, [`reinforcement::train_rl`] one
//! that acts in an environment, [`LearnerSpec::train`] any of them.

mod core;
mod interactive;
mod reference;
mod registry;
pub mod reinforcement;
pub mod rewards;
pub mod self_play;
mod supervised;

pub use self::core::config::{LearnerParts, LearnerSpec, TrainConfig, TrainJob, TrainReport};
pub use self::core::continual::{ContinualConfig, ContinualMethod};
pub use self::core::data::{EpisodeInfo, Split, TrainingData};
pub use self::core::data_loader::{BatchSampler, DataLoader};
pub use self::core::device::{DeviceChoice, SelectedDevice, adapters, catch_panic, gpu, select};
pub use self::core::discriminator::{Discriminator, DiscriminatorOutput};
pub use self::core::error::TrainError;
pub use self::core::init::{InitConfig, PretrainedPolicy, Transfer};
pub use self::core::learned_reward::{LearnedReward, RolloutTransitions, StoredReward};
pub use self::core::learner::{EvalResult, Extent, Learner, Metric, UpdateStep, Validation};
pub use self::core::minibatch::{Batch, PreparedData, Window};
pub use self::core::optimizer::Adam;
pub use self::core::progress::{Outcome, Progress, RunInfo, StepReport, TrainSummary, ValidationReport};
pub use self::core::quality::{Quality, QualityUse, rate_quality};
pub use self::core::requirements::{Curve, GivenInputs, Need, Requirements};
pub use self::core::run_dir::RunState;
pub use self::core::run_options::RunOptions;
pub use self::core::section::{AnySection, Section, SettingDoc, section_description, setting_docs};
pub use self::core::settings::{DataConfig, OptimizerConfig, OptimizerKind, Schedule, TrainingConfig};
pub use self::core::tensorboard::{EventWriter, scalars};
pub use self::core::training::run;
pub use interactive::bco::{Bco, BcoConfig, BcoRound, BcoSummary, bco};
pub use interactive::dagger::{Dagger, DaggerConfig, DaggerRound, DaggerSummary, dagger};
pub use reference::settings_reference;
pub use registry::{defaults, find_learner, learners, register};
pub use supervised::adversarial_training::AdversarialConfig;
pub use supervised::bc::Bc;
pub use supervised::behavior_cloning::BehaviorCloning;
pub use supervised::gan::{Gan, GanConfig, Objective};
pub use supervised::train::train_on_dataset;
