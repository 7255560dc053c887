//! Learning from demonstrations: the training data, the learners, and the one loop that runs them.

mod averages;
mod bc;
mod config;
mod dagger;
mod data;
mod device;
mod discriminator;
mod error;
mod gan;
mod learner;
mod methods;
mod optimizer;
mod overrides;
mod random;
mod run_dir;
mod student;
mod sums;
mod tensorboard;
mod tensors;
mod training;
mod weights;

pub use bc::BehaviourCloning;
pub use config::{DataConfig, OptimizerConfig, OptimizerKind, Schedule, TrainConfig, TrainingConfig};
pub use dagger::{DaggerConfig, DaggerSummary, Round, dagger};
pub use data::{Batch, Prepared, Split, TrainingData, Window};
pub use device::{DeviceChoice, SelectedDevice, adapters, caught, gpu, select};
pub use discriminator::Discriminator;
pub use error::TrainError;
pub use gan::{Gan, GanConfig};
pub use learner::{Learner, Metric, UpdateStep, Validation};
pub use methods::LearnerKind;
pub use run_dir::RunState;
pub use tensorboard::EventWriter;
pub use training::{
    Order, Outcome, Progress, RunInfo, RunOptions, StepReport, TrainSummary, ValidationReport, learner, run, train,
};
