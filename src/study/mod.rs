//! Reproducible comparisons of learning methods.
//!
//! A comparison consists of cells. A cell is one training run and its evaluation. Its metrics are stored as soon as they
//! are computed, so that a stopped study can be resumed.

mod comparison;
mod error;
mod imitation;
mod report;
mod rewards;
mod study_runner;

pub use comparison::Comparison;
pub use error::StudyError;
pub use imitation::IMITATION;
pub use report::{Report, Row, Summary};
pub use rewards::REWARDS;
pub use study_runner::{CellMetrics, StudyRunner};
