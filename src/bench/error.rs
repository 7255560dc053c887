//! Why a group of measurements failed.

use thiserror::Error;

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::scenes::SceneError;

/// Why a group of measurements failed.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A scene was not found.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy failed to load, save or fit.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A temporary file or another process failed.
    #[error("a benchmark's files or processes failed: {0}")]
    Io(#[from] std::io::Error),
    /// The benchmark was stopped.
    #[error("stopped")]
    Stopped,
    /// Another program or a graphics driver failed.
    #[error("{0}")]
    Program(String),
}
