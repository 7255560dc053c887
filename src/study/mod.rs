//! Comparisons of learning methods: each says by numbers what a method is good for, and can be repeated by anyone.
//!
//! A comparison is made of cells: one training and its evaluation, written down as soon as it is done, so that a study
//! that was stopped goes on where it was.

mod imitation;
mod laboratory;
mod report;
mod rewards;

use thiserror::Error;

pub use imitation::IMITATION;
pub use laboratory::{Laboratory, Numbers};
pub use report::{Report, Row, Summary};
pub use rewards::REWARDS;

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::rollout::{AskError, RecordError};
use crate::scenes::SceneError;

/// Why a comparison did not come to its end.
#[derive(Debug, Error)]
pub enum StudyError {
    /// A scene is missing.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// Recording failed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A learner failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The expert could not be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}; check its permissions and the free disk space")]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: std::path::PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A cell's file does not hold what this version writes.
    #[error("{path} is damaged or of another version ({message}); remove it to measure it again")]
    Cell {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The settings have changed since the study in this folder began.
    #[error("{path} belongs to a study with other settings; give another folder with --out, or remove it")]
    Settings {
        /// The study's folder.
        path: std::path::PathBuf,
    },
    /// It was told to stop; what is done is kept.
    #[error("stopped; the same command goes on where it was")]
    Stopped,
}

/// A comparison of methods.
pub struct Comparison {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    run: fn(&Laboratory<'_>) -> Result<Report, StudyError>,
}

impl Comparison {
    /// Make it.
    ///
    /// # Errors
    /// [`StudyError`]
    pub fn run(&self, laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
        (self.run)(laboratory)
    }
}
