//! Why a comparison did not finish.

use std::path::PathBuf;

use thiserror::Error;

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::rollout::{RecordError, RolloutError};
use crate::scenes::SceneError;

/// Why a comparison did not finish.
#[derive(Debug, Error)]
pub enum StudyError {
    /// A scene was not found.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// Recording failed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy could not be loaded, or does not fit the scene's agent.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A rollout failed.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}; check its permissions and the free disk space")]
    Io {
        /// The failed action, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A cell's file does not have the format of this version.
    #[error("{path} is damaged or of another version ({message}); remove it to compute the cell again")]
    Cell {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        message: String,
    },
    /// The folder holds a study with other settings.
    #[error("{path} belongs to a study with other settings; give another folder with --out, or remove it")]
    Settings {
        /// The study's folder.
        path: PathBuf,
    },
    /// The study was stopped; finished cells are kept.
    #[error("stopped; run the same command again to resume")]
    Stopped,
}
