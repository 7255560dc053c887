//! What is acted in.

use std::fs;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::{Dqn, Ppo};
use crate::demos::Episode;
use crate::learn::irl::RewardModel;
use crate::learn::training::run;
use crate::learn::{
    DataConfig, Learner, LearnerKind, Progress, RunOptions, TrainConfig, TrainError, TrainSummary, UpdateStep,
    Validation,
};
use crate::policies::artifact::{WEIGHTS_FILE, hex};
use crate::policies::{ADAPTER_FILE, Policy, PolicyConfig, PolicyError, Provenance, resolve_policy_dir};
use crate::rollout::Step;

/// Many copies of a task, stepped together. Chance in it depends on the seed of [`Environment::begin`] alone.
pub trait Environment: Send {
    /// Agent, layouts and control rate, with a policy's other settings at their defaults.
    fn policy_config(&self) -> PolicyConfig;

    /// Name of the task, for provenance.
    fn name(&self) -> String;

    /// A number that changes with the task, so that a run is gone on with in the same one alone.
    fn fingerprint(&self) -> u64 {
        0
    }

    /// How many agents act.
    fn rows(&self) -> usize;

    /// Begin an episode in each row. Those that follow begin by themselves, in the step in which one ends.
    fn begin(&mut self, seed: u64);

    /// One tick, by `actions` `[rows, action size]` in the action layout's units; numbers out of bounds are clamped.
    fn step(&mut self, actions: &[f32]);

    /// What the last step, or the beginning, left.
    fn last(&self) -> Step<'_>;

    /// Return and success of the episode that ended in `row` in the last step.
    fn outcome(&self, row: usize) -> (f32, bool);

    /// The episode of a row whose last reward cannot be used, and what in it is not a number.
    fn fault(&self, row: usize) -> String {
        format!("the reward of agent {row}")
    }

    /// Go on to the next lesson if this one is learned; all episodes begin anew then. Called between two updates.
    fn advance(&mut self) -> bool {
        false
    }

    /// The lesson, from 1, and how many there are, the task itself among them.
    fn lesson(&self) -> (usize, usize) {
        (1, 1)
    }

    /// Where it is, to go on from there.
    fn save(&self) -> Vec<u8>;

    /// Go on from where [`Environment::save`] was called; whether the bytes are of that kind.
    fn load(&mut self, bytes: &[u8]) -> bool;

    /// Mean return and share of successes of some episodes that `policy` plays without exploring, which are not learned
    /// from; `None` where that is not told.
    ///
    /// # Errors
    /// The policy does not fit.
    fn judge(&mut self, _policy: &Policy, _episodes: usize, _seed: u64) -> Result<Option<(f32, f32)>, PolicyError> {
        Ok(None)
    }
}

/// Whether the last rewards can be learned from.
///
/// # Errors
/// [`TrainError::Data`] with the episode whose reward cannot be.
pub(super) fn check_rewards(environment: &dyn Environment, step: UpdateStep) -> Result<(), TrainError> {
    match environment.last().rewards.iter().position(|reward| !reward.is_finite()) {
        None => Ok(()),
        Some(row) => {
            Err(TrainError::Reward { scene: environment.name(), fault: environment.fault(row), update: step.index })
        }
    }
}

/// Whether anything is asked for that learning by acting would leave undone.
///
/// # Errors
/// [`TrainError::Config`] with the setting.
pub(super) fn check_settings(config: &TrainConfig) -> Result<(), TrainError> {
    let fail = |origin: &str, message: &str| Err(TrainError::Config { origin: origin.into(), message: message.into() });
    if config.data != DataConfig::default() {
        return fail(
            "data",
            "learning by acting sees what the scene shows and makes nothing else of demonstrations; leave data.* out",
        );
    }
    if config.network.shown > 0 {
        return fail(
            "network.shown",
            "learning by acting cannot be shown demonstrations; set it to 0, and leave policies of train one-shot out",
        );
    }
    if config.training.epochs > 0 {
        return fail("training.epochs", "learning by acting goes by updates; set training.steps");
    }
    if config.network.dropout > 0.0 {
        return fail("network.dropout", "learning by acting has none; set it to 0");
    }
    if config.adversarial.epsilon > 0.0 {
        return fail("adversarial.epsilon", "learning by acting has no adversarial training; leave it out");
    }
    Ok(())
}

/// What `policy` reaches in episodes that are not learned from, for the training loop.
///
/// # Errors
/// The policy does not fit.
pub(super) fn validated(
    environment: &mut dyn Environment,
    policy: &Policy,
    episodes: usize,
    seed: u64,
) -> Result<Option<Validation>, TrainError> {
    let judged = environment.judge(policy, episodes, seed)?;
    let validation = |(total, success): (f32, f32)| Validation {
        loss: -total,
        action_error: None,
        episodes: Some((total, success)),
    };
    Ok(judged.map(validation))
}

/// The files of the policy and the reward that a run of these settings builds on.
fn begun_from(config: &TrainConfig) -> impl Iterator<Item = Vec<u8>> {
    let policy =
        (!config.init.from.is_empty()).then(|| resolve_policy_dir(Path::new(&config.init.from)).ok()).flatten();
    let reward = (!config.reward.from.is_empty()).then(|| RewardModel::dir(Path::new(&config.reward.from))).flatten();
    let policy = policy.into_iter().flat_map(|dir| [WEIGHTS_FILE, ADAPTER_FILE].map(|file| dir.join(file)));
    let reward = reward.into_iter().flat_map(|dir| RewardModel::FILES.map(|file| dir.join(file)));
    policy.chain(reward).filter_map(|path| fs::read(path).ok())
}

/// Where a policy comes from that learns in `environment`; its hash holds the task and what else is `learned_from`.
pub(in crate::learn) fn provenance(
    config: &TrainConfig,
    environment: &dyn Environment,
    learned_from: &[u64],
) -> Provenance {
    let mut hasher = Xxh3::new();
    hasher.update(environment.name().as_bytes());
    for part in [environment.fingerprint()].iter().chain(learned_from) {
        hasher.update(&part.to_le_bytes());
    }
    // What stands in these folders may be gone on with while this run is stopped.
    for bytes in begun_from(config) {
        hasher.update(&bytes);
    }
    Provenance {
        dataset_hash: hex(hasher.digest()),
        scene: environment.name(),
        learner: config.training.learner.name().into(),
        seed: config.training.seed,
        version: env!("CARGO_PKG_VERSION").into(),
        ..Provenance::default()
    }
}

/// The reward inferred by the run `from`, for an agent of the policy's layouts.
///
/// # Errors
/// There is none, or it is of another agent.
fn applied(from: &str, spaces: &PolicyConfig) -> Result<RewardModel, TrainError> {
    let reward = RewardModel::load(Path::new(from))?;
    if reward.observation().fields == spaces.observation.fields && reward.action().fields == spaces.action.fields {
        return Ok(reward);
    }
    Err(TrainError::Config {
        origin: "reward.from".into(),
        message: format!("{from} is a reward of other fields than the scene's agent has"),
    })
}

/// Changes with what was done in an episode and what came of it.
fn fingerprint(episode: &Episode) -> u64 {
    let mut hasher = Xxh3::new();
    for number in episode.observations.iter().chain(&episode.actions).chain(&episode.rewards) {
        hasher.update(&number.to_bits().to_le_bytes());
    }
    hasher.update(&[u8::from(episode.succeeded())]);
    hasher.digest()
}

/// Train the learner that `config` asks for in `environment`.
///
/// # Errors
/// Unusable configuration, a folder that cannot be written or resumed, or training that diverges.
pub fn train_in(
    config: &TrainConfig,
    environment: Box<dyn Environment>,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    train_shown(config, environment, &[], options, progress)
}

/// The same with demonstrations, where there are any, which a deep Q-network learns from, too ([`Dqn::shown`]).
///
/// # Errors
/// As [`train_in`], or demonstrations of another agent or for another learner.
pub fn train_shown(
    config: &TrainConfig,
    environment: Box<dyn Environment>,
    episodes: &[Episode],
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let unusable = |origin: &str, message: String| Err(TrainError::Config { origin: origin.into(), message });
    let kind = config.training.learner;
    if kind != LearnerKind::Dqn && !episodes.is_empty() {
        return unusable(
            "training.learner",
            format!("{} does not learn from demonstrations beside its reward; dqn does", kind.name()),
        );
    }
    let spaces = environment.policy_config();
    // Without a dataset, task and layouts say whether a resumed run can go on.
    let mut learned_from = vec![spaces.observation.hash(), spaces.action.hash()];
    learned_from.extend(episodes.iter().map(fingerprint));
    let provenance = provenance(config, &*environment, &learned_from);
    let mut learner: Box<dyn Learner> = match kind {
        LearnerKind::Ppo | LearnerKind::Reinforce => {
            let learner = Ppo::new(config, environment, &options.device)?;
            match config.reward.from.as_str() {
                "" => Box::new(learner),
                from => Box::new(learner.rewarded_by(Box::new(applied(from, &spaces)?.sharing(config.reward.task)))),
            }
        }
        LearnerKind::Dqn if !config.reward.from.is_empty() => {
            return unusable(
                "reward.from",
                "train dqn learns from the task's reward alone; use train ppo --reward".into(),
            );
        }
        LearnerKind::Dqn => {
            let learner = Dqn::new(config, environment, &options.device)?;
            Box::new(if episodes.is_empty() { learner } else { learner.shown(episodes)? })
        }
        kind => return unusable("training.learner", format!("{} needs demonstrations", kind.name())),
    };
    run(learner.as_mut(), config, provenance, options, progress)
}
