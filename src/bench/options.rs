//! The options of the benchmarks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::BenchError;

/// Repetitions of each measurement; the median is reported.
pub const ROUNDS: usize = 5;

/// Options of the benchmarks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time of a group's timed parts, s, without their setup.
    pub seconds: f64,
    /// Set it to stop soon.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// An error when the benchmark was stopped. Temporary files are removed as the error is propagated.
    pub(super) fn check_stop(&self) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) { Err(BenchError::Stopped) } else { Ok(()) }
    }

    /// The time of one of `parts` parts of a round.
    pub(super) fn time_slice(&self, parts: usize) -> Duration {
        Duration::from_secs_f64(self.seconds / (ROUNDS * parts.max(1)) as f64)
    }
}
