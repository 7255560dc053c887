//! The groups of measurements.

use super::error::BenchError;
use super::measurement::Measurement;
use super::options::Options;
use super::{arenas, learning, live, ppo, program, storage};

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
