//! A comparison of methods.

use super::error::StudyError;
use super::report::Report;
use super::study_runner::StudyRunner;

/// A comparison of methods.
pub struct Comparison {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    pub(super) run: fn(&StudyRunner<'_>) -> Result<Report, StudyError>,
}

impl Comparison {
    /// Run it.
    ///
    /// # Errors
    /// [`StudyError`]
    pub fn run(&self, runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
        (self.run)(runner)
    }
}
