//! Reproducible benchmarks. Most measurements have a reference value that is measured in the same run.

mod arenas;
mod learning;
mod live;
mod measurement;
mod ppo;
mod program;
mod storage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;

pub use arenas::{BODIES, BenchBody, WarmEnv};
pub use learning::{LARGE, SMALL, Size, synthetic_data};
pub use measurement::{Measurement, median, percentile};

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::scenes::SceneError;

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
    fn check_stop(&self) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) { Err(BenchError::Stopped) } else { Ok(()) }
    }

    /// The time of one of `parts` parts of a round.
    fn time_slice(&self, parts: usize) -> Duration {
        Duration::from_secs_f64(self.seconds / (ROUNDS * parts.max(1)) as f64)
    }
}

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

/// A group of measurements.
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    measure: fn(&Options) -> Result<Vec<Measurement>, BenchError>,
}

impl Group {
    /// Run the group.
    ///
    /// # Errors
    /// [`BenchError`]
    pub fn measure(&self, options: &Options) -> Result<Vec<Measurement>, BenchError> {
        (self.measure)(options)
    }
}

/// All groups, in the order of the output.
pub const GROUPS: &[Group] = &[
    Group { name: "arenas", about: "64 arenas on all cores, compared to Rapier alone", measure: arenas::throughput },
    Group { name: "overhead", about: "overhead of one arena's tick beyond Rapier's steps", measure: arenas::overhead },
    Group { name: "reset", about: "reset of an episode", measure: arenas::reset },
    Group {
        name: "scaling",
        about: "throughput and memory from 1 to 4,096 arenas and 1 to 256 agents",
        measure: arenas::scaling,
    },
    Group { name: "crowd", about: "the complete tick of many policy-driven agents, one core", measure: live::crowd },
    Group {
        name: "lateness",
        about: "tick lateness at about 60 frames a second, alone and while training",
        measure: live::lateness,
    },
    Group { name: "inference", about: "policy inference for 1, 64 and 1,024 agents", measure: learning::inference },
    Group { name: "training", about: "behavioral-cloning training steps on each device", measure: learning::training },
    Group { name: "ppo", about: "PPO updates, compared to simulation alone", measure: ppo::ppo },
    Group { name: "data", about: "1,000,000 ticks from files to shuffled minibatches", measure: storage::data },
    Group { name: "checkpoint", about: "atomic write of a policy", measure: storage::checkpoint },
    Group { name: "program", about: "startup time and size of the program", measure: program::program },
];
