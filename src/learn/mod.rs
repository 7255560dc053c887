//! Learning from demonstrations: the training data, the learners, and the one loop that runs them.

mod adversarial;
mod averages;
mod batches;
mod bc;
mod bco;
mod config;
mod continual;
mod dagger;
mod data;
mod device;
mod discriminator;
mod error;
mod gan;
mod importances;
mod init;
pub mod irl;
mod learner;
mod methods;
mod optimizer;
mod overrides;
mod quality;
mod random;
pub mod rl;
mod run_dir;
pub mod self_play;
mod shaping;
mod student;
mod sums;
mod supervised;
mod tensorboard;
mod tensors;
mod training;
mod weights;

pub use adversarial::AdversarialConfig;
pub use batches::{Batch, Prepared, Window};
pub use bc::BehaviourCloning;
pub use bco::{BcoConfig, BcoRound, BcoSummary, bco};
pub use config::{DataConfig, OptimizerConfig, OptimizerKind, Schedule, TrainConfig, TrainingConfig};
pub use continual::{ContinualConfig, ContinualMethod};
pub use dagger::{DaggerConfig, DaggerSummary, Round, dagger};
pub use data::{EpisodeFacts, Split, TrainingData};
pub use device::{DeviceChoice, SelectedDevice, adapters, caught, gpu, select};
pub use discriminator::{Discriminator, Judgement};
pub use error::TrainError;
pub use gan::{Gan, GanConfig};
pub use init::{Base, InitConfig, Transfer};
pub use learner::{BatchLearner, Extent, Learner, Metric, UpdateStep, Validation};
pub use methods::LearnerKind;
pub use quality::{Quality, QualityUse, rate};
pub use run_dir::RunState;
pub use supervised::{Order, Supervised};
pub use tensorboard::{EventWriter, scalars};
pub use training::{
    Outcome, Progress, RunInfo, RunOptions, StepReport, TrainSummary, ValidationReport, learner, run, train,
};
