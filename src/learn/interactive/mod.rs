//! Learners that act in the scene between rounds of supervised learning: DAgger, behavioral cloning from observation.

pub mod bco;
pub mod dagger;

use std::path::Path;

use crate::learn::core::run_dir::RunDir;
use crate::learn::{Outcome, RunOptions, TrainConfig, TrainError, TrainSummary};

/// The folder of a run in rounds, and the sum of its training runs.
struct Rounds {
    dir: RunDir,
    steps: u64,
    seconds: f32,
}

impl Rounds {
    fn start(config: &TrainConfig, options: &RunOptions) -> Result<Self, TrainError> {
        let dir =
            if options.resume { RunDir::open(&options.dir, config)? } else { RunDir::create(&options.dir, config)? };
        Ok(Self { dir, steps: 0, seconds: 0.0 })
    }

    /// Add a training run in `dir`. Where the first one cannot start, such as for unusable data, the folder of the rounds is
    /// left as it was.
    fn add(self, run: Result<TrainSummary, TrainError>, dir: &Path) -> Result<(Self, TrainSummary), TrainError> {
        match run {
            Ok(summary) => {
                let (steps, seconds) = (self.steps + summary.steps, self.seconds + summary.seconds);
                Ok((Self { steps, seconds, ..self }, summary))
            }
            Err(error) => {
                if self.steps == 0 && !dir.join("config.toml").exists() {
                    self.dir.discard();
                }
                Err(error)
            }
        }
    }

    /// The result of all rounds.
    fn summary(&self, last: &TrainSummary, policy_dir: &Path) -> TrainSummary {
        let interrupted = last.outcome == Outcome::Interrupted;
        TrainSummary {
            outcome: if interrupted { Outcome::Interrupted } else { Outcome::Finished },
            steps: self.steps,
            seconds: self.seconds,
            policy_dir: policy_dir.to_path_buf(),
            ..last.clone()
        }
    }
}
