//! DAgger, dataset aggregation (Ross et al. 2011, arXiv:1011.0686): in each round, the policy collects episodes, an
//! expert labels their observations with actions, and the policy is trained again on all data.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Rounds;
use crate::learn::core::section::{AnySection, Section};
use crate::learn::supervised::bc::Bc;
use crate::learn::supervised::behavior_cloning::{self, REQUIREMENTS};
use crate::learn::supervised::train::{selected_data, train_on};
use crate::learn::{
    Curve, Learner, LearnerParts, LearnerSpec, Need, Outcome, Progress, Requirements, RunOptions, TrainConfig,
    TrainError, TrainJob, TrainReport, TrainSummary, TrainingData,
};
use crate::policies::Policy;
use crate::rollout::{Trajectory, query_expert, recording_seeds};
use crate::sim::split_seed;

/// Rounds of DAgger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerConfig {
    /// Rounds in which the expert is queried.
    #[schemars(range(min = 1, max = 1000))]
    pub rounds: u64,
    /// Episodes that the policy collects in each round.
    #[schemars(range(min = 1, max = 10_000))]
    pub episodes_per_round: usize,
}

impl Default for DaggerConfig {
    fn default() -> Self {
        Self { rounds: 8, episodes_per_round: 5 }
    }
}

impl Section for DaggerConfig {
    const NAME: &'static str = "dagger";
}

/// `apprentice train dagger`
pub struct Dagger;

impl LearnerSpec for Dagger {
    fn name(&self) -> &'static str {
        "dagger"
    }

    fn about(&self) -> &'static str {
        "Dataset aggregation: act in the scene, query an expert about the visited observations, train again"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene slalom --dataset demos/slalom",
            "apprentice train dagger --dataset demos/slalom --run runs/dagger",
            "apprentice train dagger --dataset demos/slalom --run runs/short --set dagger.rounds=4 --set dagger.episodes_per_round=10",
            "apprentice train dagger --dataset demos/slalom --run runs/dagger --resume",
        ]
    }

    fn requirements(&self) -> Requirements {
        Requirements { scene: Need::Optional, expert: true, any_head: true, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        let mut sections = behavior_cloning::sections();
        sections.push(Box::new(DaggerConfig::default()));
        sections
    }

    fn curve(&self) -> Option<Curve> {
        None
    }

    fn accepts_config_of(&self, learner: &str) -> bool {
        learner == Bc.name()
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Bc.build(parts)
    }

    fn train(&self, mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        let (data, scene) = (job.take_data()?, job.take_scene()?);
        let config = &job.config;
        let mut collect = |policy: &Policy, round: u64| {
            let seeds = recording_seeds(split_seed(config.training.seed, 1000 + round));
            let seeds: Vec<u64> = seeds.take(config.get::<DaggerConfig>().episodes_per_round).collect();
            query_expert(&scene, policy.clone(), job.expert, &seeds, 0)
                .map_err(|error| TrainError::Config { origin: "train dagger".into(), message: error.to_string() })
        };
        let mut on_round = |round: &DaggerRound, progress: &mut dyn Progress| {
            let rate = round.success.map_or(String::new(), |rate| format!(", success rate {:.0} %", 100.0 * rate));
            progress.message(&format!("round {}: trained on {} ticks{rate}", round.index, round.ticks));
        };
        let summary = dagger(config, data, &job.options, &mut collect, &mut on_round, progress)?;
        let rounds = summary.rounds.iter();
        let rounds = rounds.map(|r| json!({ "round": r.index, "ticks": r.ticks, "success_rate": r.success }));
        let numbers = json!({ "rounds": rounds.collect::<Vec<_>>() });
        let headline = format!("{} rounds", summary.rounds.len());
        Ok(TrainReport::new(summary.total, headline, numbers))
    }
}

/// The result of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DaggerRound {
    /// Index of the round. Round 0 trains on the demonstrations alone.
    pub index: u64,
    /// Ticks of training data in this round.
    pub ticks: usize,
    /// Success rate of the policy in the collected episodes; `None` in the last round, which collects none.
    pub success: Option<f64>,
}

/// The result of a DAgger run.
#[derive(Clone, Debug, PartialEq)]
pub struct DaggerSummary {
    /// The completed rounds.
    pub rounds: Vec<DaggerRound>,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// The training runs of all rounds together.
    pub total: TrainSummary,
}

/// Trains on demonstrations, then on them and on the labeled episodes of the policy, for `dagger.rounds` rounds. Every
/// round is a training run in `<run>/rounds/<n>`. Its policy and the seeds determine the collected episodes, so a
/// stopped run resumes with `options.resume` by collecting them again.
///
/// `collect` runs the policy in the episodes of a round and returns them with the expert's actions; `on_round` is
/// called after every round.
///
/// # Errors
/// Those of [`train_on_dataset`](crate::learn::train_on_dataset) and of `collect`, and an episode of `collect` without the expert's actions.
pub fn dagger<E: From<TrainError>>(
    config: &TrainConfig,
    data: TrainingData,
    options: &RunOptions,
    collect: &mut dyn FnMut(&Policy, u64) -> Result<Vec<Trajectory>, E>,
    on_round: &mut dyn FnMut(&DaggerRound, &mut dyn Progress),
    progress: &mut dyn Progress,
) -> Result<DaggerSummary, E> {
    let policy_dir = options.dir.join("best");
    let (selected, options) = selected_data(config, &data, options, progress);
    let (mut data, options) = (selected.into_owned(), &options);
    let mut progressed = Rounds::start(config, options)?;
    let last_index = config.get::<DaggerConfig>().rounds;
    let cloning = config.for_learner(&Bc);
    let mut rounds = Vec::new();
    let mut index = 0;
    loop {
        let dir = options.dir.join("rounds").join(format!("{index:02}"));
        let resume = options.resume && dir.join("config.toml").exists();
        let round = RunOptions { dir: dir.clone(), resume, ..options.clone() };
        // All of them: the expert's actions are imitated also in an episode that the policy failed.
        let trained = train_on(&cloning, &data, &round, progress);
        let last_run;
        (progressed, last_run) = progressed.add(trained, &dir)?;
        let ticks = data.rows();
        if last_run.outcome == Outcome::Interrupted {
            rounds.push(DaggerRound { index, ticks, success: None });
            let policy_dir = last_run.policy_dir.clone();
            let total = progressed.summary(&last_run, &policy_dir);
            return Ok(DaggerSummary { rounds, policy_dir, interrupted: true, total });
        }
        let policy = Policy::load(&last_run.policy_dir).map_err(TrainError::from)?;
        let mut success = None;
        if index < last_index {
            let episodes = collect(&policy, index)?;
            let successes = episodes.iter().filter(|episode| episode.succeeded()).count();
            success = Some(successes as f64 / episodes.len().max(1) as f64);
            for episode in &episodes {
                let labels = episode.expert_actions.as_deref().ok_or_else(unlabeled)?;
                data.push_episode(episode.acting_observations(), labels);
            }
        } else {
            policy.save(&policy_dir).map_err(TrainError::from)?;
        }
        let round = DaggerRound { index, ticks, success };
        on_round(&round, progress);
        rounds.push(round);
        if index == last_index {
            let total = progressed.summary(&last_run, &policy_dir);
            return Ok(DaggerSummary { rounds, policy_dir, interrupted: false, total });
        }
        index += 1;
    }
}

/// The error of an episode that was collected without an expert.
fn unlabeled() -> TrainError {
    let message = "a collected episode has no actions of an expert; roll it out with `RolloutOptions::expert`".into();
    TrainError::Data { origin: "train dagger".into(), message }
}
