//! Measurements that anyone can repeat: each with the limit that it is held against, taken in the same run.

mod acting;
mod arenas;
mod learning;
mod live;
mod measurement;
mod program;
mod storage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;

pub use arenas::{BODIES, WarmEnv};
pub use learning::{LARGE, SMALL, Size, made_up_data};
pub use measurement::{Measurement, median, percentile};

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::scenes::SceneError;

/// How often each measurement is taken; its median counts.
pub const ROUNDS: usize = 5;

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time that a group's timed parts take, s. Setting up comes on top.
    pub seconds: f64,
    /// Set from outside, it ends measuring soon.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// An error when it was told to stop. Temporary files go as it is handed up.
    fn go_on(&self) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) { Err(BenchError::Stopped) } else { Ok(()) }
    }

    /// Time for one of `parts` parts of a round.
    fn share(&self, parts: usize) -> Duration {
        Duration::from_secs_f64(self.seconds / (ROUNDS * parts.max(1)) as f64)
    }
}

/// Why a group could not be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A scene is missing.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A learner failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A dataset failed.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A temporary file or another process failed.
    #[error("a benchmark's files or processes failed: {0}")]
    Io(#[from] std::io::Error),
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
    /// A started program failed.
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
    /// Take its measurements.
    ///
    /// # Errors
    /// [`BenchError`]
    pub fn measure(&self, options: &Options) -> Result<Vec<Measurement>, BenchError> {
        (self.measure)(options)
    }
}

/// All groups, in the order of the table.
pub const GROUPS: &[Group] = &[
    Group { name: "arenas", about: "64 arenas on all cores against Rapier alone", measure: arenas::throughput },
    Group { name: "overhead", about: "one arena's tick beyond Rapier's steps", measure: arenas::overhead },
    Group { name: "reset", about: "the start of an episode", measure: arenas::reset },
    Group {
        name: "growth",
        about: "throughput and memory from 1 to 4,096 arenas and 1 to 256 agents",
        measure: arenas::growth,
    },
    Group { name: "crowd", about: "the whole tick of many policy-driven agents, one core", measure: live::crowd },
    Group {
        name: "lateness",
        about: "tick lateness at about 60 frames a second, alone and while training",
        measure: live::lateness,
    },
    Group { name: "inference", about: "a policy's decision for 1, 64 and 1,024 agents", measure: learning::inference },
    Group { name: "training", about: "behaviour-cloning steps on each device", measure: learning::training },
    Group { name: "acting", about: "learning by acting against the arenas alone", measure: acting::acting },
    Group { name: "data", about: "1,000,000 ticks from files to shuffled batches", measure: storage::data },
    Group { name: "checkpoint", about: "writing a policy safely", measure: storage::checkpoint },
    Group { name: "program", about: "start and size of the program", measure: program::program },
];
