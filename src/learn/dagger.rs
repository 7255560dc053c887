//! Dataset aggregation: learn, drive, ask the expert about what was met, learn again (Ross et al. 2011, DAgger,
//! arXiv:1011.0686).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Outcome, Progress, RunOptions, TrainConfig, TrainError, TrainingData, train};
use crate::policies::Policy;
use crate::rollout::Experience;

/// `[dagger]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerConfig {
    /// Times that the expert is asked.
    pub rounds: u64,
    /// Episodes that it is asked about each time.
    pub episodes: usize,
}

impl Default for DaggerConfig {
    fn default() -> Self {
        Self { rounds: 8, episodes: 5 }
    }
}

/// What a round was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Counts from 0: the demonstrations alone.
    pub index: u64,
    /// Ticks that the policy of this round learned from.
    pub ticks: usize,
    /// Share of the episodes asked about in which it did the task; `None` after the last round, when nobody is asked.
    pub success: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DaggerSummary {
    /// The rounds that were trained.
    pub rounds: Vec<Round>,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Whether it was told to stop before its end.
    pub interrupted: bool,
}

/// Train on demonstrations, then on them and what the expert said about the policy's own episodes, and so on for
/// `config.dagger.rounds` rounds. Every round is a training run of its own in `<run>/rounds/<n>`; its policy and the seeds
/// determine the episodes that follow, so that a run which was stopped goes on with `options.resume` by asking again.
///
/// `ask` lets a policy drive for a round's episodes and answers them labelled; `heard` is told of every round.
///
/// # Errors
/// As [`train`]; or what `ask` answers.
pub fn dagger<E: From<TrainError>>(
    config: &TrainConfig,
    mut data: TrainingData,
    options: &RunOptions,
    ask: &mut dyn FnMut(&Policy, u64) -> Result<Vec<Experience>, E>,
    heard: &mut dyn FnMut(&Round),
    progress: &mut dyn Progress,
) -> Result<DaggerSummary, E> {
    let policy_dir = options.dir.join("best");
    let mut rounds = Vec::new();
    for index in 0..=config.dagger.rounds {
        let dir = options.dir.join("rounds").join(format!("{index:02}"));
        let resume = options.resume && dir.join("config.toml").exists();
        let round = RunOptions { dir: dir.clone(), resume, ..options.clone() };
        let summary = train(config, &data, &round, progress)?;
        let ticks = data.rows();
        if summary.outcome == Outcome::Interrupted {
            rounds.push(Round { index, ticks, success: None });
            return Ok(DaggerSummary { rounds, policy_dir: summary.policy_dir, interrupted: true });
        }
        let policy = Policy::load(&summary.policy_dir).map_err(TrainError::from)?;
        let mut success = None;
        if index < config.dagger.rounds {
            let episodes = ask(&policy, index)?;
            let done = episodes.iter().filter(|episode| episode.success).count();
            success = Some(done as f64 / episodes.len().max(1) as f64);
            episodes.iter().for_each(|episode| data.append(&episode.observations, &episode.actions));
        } else {
            policy.save(&policy_dir).map_err(TrainError::from)?;
        }
        let round = Round { index, ticks, success };
        heard(&round);
        rounds.push(round);
    }
    Ok(DaggerSummary { rounds, policy_dir, interrupted: false })
}
