//! What can go wrong in training.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::policies::PolicyError;

/// Why training did not happen or ended early. Every message names the place, the cause and the remedy.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The configuration's text or file is not usable.
    #[error("{origin}: {message}")]
    Config {
        /// A file's path, or the override as it was given.
        origin: String,
        /// The key, what is wrong with it, and what it may be.
        message: String,
    },
    /// The training data breaks an invariant.
    #[error("the training data from {origin} cannot be used: {message}")]
    Data {
        /// Where the data comes from.
        origin: String,
        /// What is wrong, and where.
        message: String,
    },
    /// The run cannot be continued.
    #[error("cannot resume {dir}: {message}")]
    Resume {
        /// The run's folder.
        dir: PathBuf,
        /// What does not fit, and the remedy.
        message: String,
    },
    /// The folder holds another run.
    #[error("{dir} already holds a training run; continue it with --resume, or give another folder")]
    Exists {
        /// The run's folder.
        dir: PathBuf,
    },
    /// Loss or weights are no longer finite.
    #[error(
        "training diverged at step {step}: {what} is not finite; lower optimizer.learning_rate, or look for extreme \
         values in the dataset"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The quantity.
        what: &'static str,
    },
    /// A reward is not a number.
    #[error(
        "{scene}, update {update}: {fault} is not a number; check the scene's reward terms. The run keeps its last \
         checkpoint: resume it with --resume when they are corrected"
    )]
    Reward {
        /// The scene or task.
        scene: String,
        /// The episode, and the invalid value in it.
        fault: String,
        /// Updates before it.
        update: u64,
    },
    /// No such device, or it does not work.
    #[error("{0}")]
    Device(String),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}; check that it exists, its permissions and the free disk space")]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A policy or its folder.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl TrainError {
    /// For `map_err`: an operating system's error with what was tried and where.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
