//! A training run of a learner that acts in an environment.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use xxhash_rust::xxh3::Xxh3;

use super::learned_reward::LearnedRewardConfig;
use super::{Dqn, DqnConfig, Ppo, PpoConfig, SceneEnv, VecEnvironment};
use crate::demos::Episode;
use crate::learn::core::learned_reward::StoredReward;
use crate::learn::core::training::run;
use crate::learn::{
    Learner, Progress, RunOptions, Schedule, TrainConfig, TrainError, TrainJob, TrainReport, TrainSummary,
};
use crate::policies::artifact::{WEIGHTS_FILE, hex};
use crate::policies::{ADAPTER_FILE, Provenance, resolve_policy_dir};
use crate::rollout::VecEnvOptions;
use crate::scenes::Scene;

/// What a run in an environment is trained from, beside the environment's rewards.
#[derive(Default)]
pub struct RlInputs<'a> {
    /// Demonstrations for deep Q-learning ([`Dqn::with_demonstrations`]).
    pub episodes: &'a [Episode],
    /// A learned reward that replaces the environment's; `ppo` and `reinforce` only.
    pub reward: Option<StoredReward>,
}

/// Defaults of all learners that act in a scene: evaluated and saved every `eval_freq` updates.
pub(in crate::learn) fn reinforcement_defaults(config: &mut TrainConfig, eval_freq: u64) {
    config.optimizer.schedule = Schedule::Constant;
    config.optimizer.warmup_steps = 0;
    config.optimizer.weight_decay = 0.0;
    let training = &mut config.training;
    (training.eval_freq, training.save_freq, training.log_freq) = (eval_freq, eval_freq, eval_freq.div_ceil(20));
    (training.select_after, training.patience, training.save_total_limit) = (0.0, 0, 1);
}

/// Check for settings that reinforcement learning does not support.
///
/// # Errors
/// [`TrainError::Config`] with the setting.
pub(super) fn check_settings(config: &TrainConfig) -> Result<(), TrainError> {
    let fail = |origin: &str, message: &str| Err(TrainError::Config { origin: origin.into(), message: message.into() });
    if config.network.n_demonstration_frames > 0 {
        return fail(
            "network.n_demonstration_frames",
            "reinforcement learning does not support policies of train one-shot; set it to 0",
        );
    }
    if config.training.epochs > 0 {
        return fail("training.epochs", "reinforcement learning counts updates, not epochs; set training.steps");
    }
    if config.network.dropout > 0.0 {
        return fail("network.dropout", "reinforcement learning does not support dropout; set it to 0");
    }
    Ok(())
}

/// Provenance of a policy that is trained in `environment`. Its dataset hash covers the task, the pretrained policy, `files`,
/// and `inputs`, the hashes of layouts and demonstrations.
pub(in crate::learn) fn provenance(
    config: &TrainConfig,
    environment: &dyn VecEnvironment,
    inputs: &[u64],
    files: &[PathBuf],
) -> Provenance {
    let mut hasher = Xxh3::new();
    hasher.update(environment.name().as_bytes());
    for part in [environment.fingerprint()].iter().chain(inputs) {
        hasher.update(&part.to_le_bytes());
    }
    let pretrained = Path::new(&config.init.from);
    let pretrained = (!config.init.from.is_empty()).then(|| resolve_policy_dir(pretrained).ok()).flatten();
    let pretrained = pretrained.into_iter().flat_map(|dir| [WEIGHTS_FILE, ADAPTER_FILE].map(|file| dir.join(file)));
    // The run that wrote these files may continue, and change them, while this run is stopped.
    for bytes in pretrained.chain(files.iter().cloned()).filter_map(|path| fs::read(path).ok()) {
        hasher.update(&bytes);
    }
    Provenance {
        dataset_hash: hex(hasher.digest()),
        scene: environment.name(),
        learner: config.spec().name().into(),
        seed: config.training.seed,
        version: env!("CARGO_PKG_VERSION").into(),
        ..Provenance::default()
    }
}

/// Hash of the observations, actions, rewards and success of an episode.
fn fingerprint(episode: &Episode) -> u64 {
    let mut hasher = Xxh3::new();
    for number in episode.observations.iter().chain(&episode.actions).chain(&episode.rewards) {
        hasher.update(&number.to_bits().to_le_bytes());
    }
    hasher.update(&[u8::from(episode.succeeded())]);
    hasher.digest()
}

/// Train the learner of `config` on the rewards of `environment`.
///
/// # Errors
/// As [`train_rl_with`].
pub fn train_rl(
    config: &TrainConfig,
    environment: Box<dyn VecEnvironment>,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    train_rl_with(config, environment, RlInputs::default(), options, progress)
}

/// Train the learner of `config` in `environment`, with demonstrations or a learned reward.
///
/// # Errors
/// Invalid settings, inputs for another agent or learner, a run folder that cannot be written or resumed, or training that
/// diverges.
pub fn train_rl_with(
    config: &TrainConfig,
    environment: Box<dyn VecEnvironment>,
    inputs: RlInputs<'_>,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let name = config.spec().name();
    let fail = |origin: &str, message: String| Err(TrainError::Config { origin: origin.into(), message });
    let uses_dqn = config.find::<DqnConfig>().is_some();
    if !uses_dqn && !inputs.episodes.is_empty() {
        return fail(
            "training.learner",
            format!("{name} does not support demonstrations in addition to the reward; dqn does"),
        );
    }
    if config.find::<LearnedRewardConfig>().is_some_and(|settings| !settings.from.is_empty()) && inputs.reward.is_none()
    {
        return fail("reward.from", "load that reward (RewardModel::stored) and pass it in RlInputs".into());
    }
    let spaces = environment.policy_config();
    // There is no dataset whose hash could identify the run: a run can be resumed with the same task and layouts.
    let mut hashes = vec![spaces.observation.hash(), spaces.action.hash()];
    hashes.extend(inputs.episodes.iter().map(fingerprint));
    let files = inputs.reward.as_ref().map_or(&[][..], |reward| &reward.files);
    let provenance = provenance(config, &*environment, &hashes, files);
    let pretrained = options.pretrained(&config.init)?;
    let mut learner: Box<dyn Learner> = if uses_dqn {
        let learner = Dqn::new(config, environment, &options.device)?;
        Box::new(if inputs.episodes.is_empty() { learner } else { learner.with_demonstrations(inputs.episodes)? })
    } else if config.find::<PpoConfig>().is_some() {
        let learner = Ppo::new(config, environment, pretrained.as_deref(), &options.device)?;
        Box::new(match inputs.reward {
            Some(stored) => learner.with_reward(stored.reward),
            None => learner,
        })
    } else {
        return fail("training.learner", format!("{name} is not trained by reinforcement learning"));
    };
    run(learner.as_mut(), config, provenance, options, progress)
}

/// The environments of a run: as many arenas of the scene as the settings say.
pub(in crate::learn) fn scene_env(scene: &Scene, config: &TrainConfig) -> Box<SceneEnv> {
    let n_envs = config.find::<DqnConfig>().map_or_else(|| config.get::<PpoConfig>().n_envs, |dqn| dqn.n_envs);
    Box::new(SceneEnv::new(scene, VecEnvOptions { arenas: n_envs, agents: 1, threads: 0 }))
}

/// The scene with episodes of `ticks` ticks; reports the length.
pub(in crate::learn) fn with_horizon(scene: &Scene, ticks: u64, progress: &mut dyn Progress) -> Scene {
    let seconds = ticks as f32 * scene.blueprint.control_dt();
    progress.message(&format!(
        "every episode has {ticks} ticks ({seconds:.1} s): an early end would leak whether it succeeded"
    ));
    scene.with_horizon(ticks)
}

/// [`train_rl_with`] in the scene of the job, with the result as a report.
///
/// # Errors
/// As [`train_rl_with`].
pub(in crate::learn) fn train_job(mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
    let mut scene = job.take_scene()?;
    let config = &job.config;
    if let Some(settings) = config.find::<LearnedRewardConfig>().filter(|settings| !settings.from.is_empty()) {
        let horizon = if settings.horizon > 0 { settings.horizon } else { scene.tick_limit() };
        scene = with_horizon(&scene, horizon, progress);
    }
    let failed = job.episodes.iter().filter(|episode| !episode.succeeded()).count();
    if failed > 0 {
        progress.message(&format!("{failed} of {} demonstrations failed and are left out", job.episodes.len()));
    }
    let inputs = RlInputs { episodes: &job.episodes, reward: job.reward };
    let summary = train_rl_with(config, scene_env(&scene, config), inputs, &job.options, progress)?;
    Ok(report(summary, config))
}

/// The report of a run in a scene: the return by the task's reward of the policy that was selected.
pub(in crate::learn) fn report(summary: TrainSummary, config: &TrainConfig) -> TrainReport {
    // With a learned reward the newest policy is used: the task's own score does not select it.
    let newest = config.training.select_after >= 1.0;
    let which = if newest { "newest policy" } else { "best policy" };
    // The loss of an evaluation is minus the mean return.
    let mean_reward = summary.best_loss.map(|loss| -loss);
    let headline = match mean_reward {
        Some(mean) => {
            format!("{which}: mean reward {mean:.3} by the task's reward, after update {}", summary.best_step)
        }
        None if newest => "the newest policy is evaluated after the last update".to_owned(),
        None => "not evaluated yet".to_owned(),
    };
    let numbers = json!({ "mean_reward": mean_reward, "best_step": summary.best_step });
    TrainReport::new(summary, headline, numbers)
}
