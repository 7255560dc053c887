//! Learning from demonstrations: the training data, the learners, and the one loop that runs them.

mod bc;
mod config;
mod data;
mod device;
mod error;
mod learner;
mod optimizer;
mod overrides;
mod random;
mod run_dir;
mod tensorboard;
mod training;

pub use bc::BehaviourCloning;
pub use config::{DataConfig, LearnerKind, OptimizerConfig, OptimizerKind, Schedule, TrainConfig, TrainingConfig};
pub use data::{Batch, Prepared, Split, TrainingData};
pub use device::{DeviceChoice, SelectedDevice, adapters, gpu, select};
pub use error::TrainError;
pub use learner::{Learner, Metric, UpdateStep, Validation};
pub use run_dir::RunState;
pub use tensorboard::EventWriter;
pub use training::{
    Order, Outcome, Progress, RunInfo, RunOptions, StepReport, TrainSummary, ValidationReport, learner, run, train,
};
