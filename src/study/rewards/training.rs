//! Reinforcement-learning runs for cells.

use crate::demos::Episode;
use crate::learn::reinforcement::{DqnConfig, LearnedRewardConfig, PpoConfig, RlInputs, SceneEnv, train_rl_with};
use crate::learn::rewards::{RewardModel, train_on_inferred_reward};
use crate::learn::{
    EvalResult, Outcome, Progress, RunOptions, TrainConfig, TrainSummary, TrainingData, ValidationReport,
};
use crate::policies::Policy;
use crate::rollout::{Evaluation, VecEnvOptions};
use crate::scenes::Scene;
use crate::study::{CellMetrics, StudyError, StudyRunner};

/// The environment of a cell. It uses one thread, since cells run in parallel on all cores.
fn scene_env(scene: &Scene, config: &TrainConfig) -> Box<SceneEnv> {
    let dqn = config.training.learner == "dqn";
    let arenas = if dqn { config.get::<DqnConfig>().n_envs } else { config.get::<PpoConfig>().n_envs };
    Box::new(SceneEnv::new(scene, VecEnvOptions { arenas, agents: 1, threads: 1 }))
}

/// The policy of a run that was not interrupted.
pub(super) fn finished_policy(runner: &StudyRunner<'_>, summary: &TrainSummary) -> Result<Policy, StudyError> {
    if summary.outcome == Outcome::Interrupted {
        return Err(StudyError::Stopped);
    }
    runner.check_stop()?;
    Ok(Policy::load(&summary.policy_dir)?)
}

/// The metrics of a cell: mean return divided by `unit`, and success rate.
pub(super) fn evaluation_metrics(evaluation: &Evaluation, unit: f64) -> CellMetrics {
    [("return", evaluation.return_mean / unit), ("success", evaluation.success_rate)]
        .map(|(key, n)| (key.into(), n))
        .into()
}

/// Resume the run if it exists.
pub(super) fn resumed(options: RunOptions) -> RunOptions {
    RunOptions { resume: options.dir.join("config.toml").exists(), ..options }
}

/// Train a policy on the task's reward, or on the learned reward that `config` names.
pub(super) fn train_on_reward(
    runner: &StudyRunner<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    progress: &mut dyn Progress,
) -> Result<Policy, StudyError> {
    let settings = config.get::<LearnedRewardConfig>();
    let mut inputs = RlInputs::default();
    if !settings.from.is_empty() {
        let spaces = scene.blueprint.spaces();
        let weight = settings.task_reward_weight;
        inputs.reward = Some(RewardModel::stored(&settings.from, &spaces.observation, &spaces.action, weight)?);
    }
    let summary = train_rl_with(config, scene_env(scene, config), inputs, &resumed(options), progress)?;
    finished_policy(runner, &summary)
}

/// Records the first update whose evaluation satisfies a condition.
struct FirstUpdate<F> {
    condition: F,
    update: Option<u64>,
}

impl<F: Fn(EvalResult) -> bool> Progress for FirstUpdate<F> {
    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        if report.validation.episodes.is_some_and(&self.condition) {
            self.update.get_or_insert(report.step);
        }
    }
}

/// Train a policy on the task's reward with these demonstrations. Returns it with the fraction of the updates until the
/// result of an evaluation satisfied `condition`; 1 if none did.
pub(super) fn train_until(
    runner: &StudyRunner<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    demonstrations: &[Episode],
    condition: impl Fn(EvalResult) -> bool,
) -> Result<(Policy, f64), StudyError> {
    if options.dir.exists() {
        // A resumed run would not repeat its earlier evaluations.
        std::fs::remove_dir_all(&options.dir).map_err(|source| StudyError::Io {
            action: "remove",
            path: options.dir.clone(),
            source,
        })?;
    }
    let mut first = FirstUpdate { condition, update: None };
    let options = RunOptions { resume: false, ..options };
    let inputs = RlInputs { episodes: demonstrations, reward: None };
    let summary = train_rl_with(config, scene_env(scene, config), inputs, &options, &mut first)?;
    let fraction = first.update.map_or(1.0, |update| update as f64 / config.training.steps as f64);
    Ok((finished_policy(runner, &summary)?, fraction))
}

/// Train a policy on a reward that is inferred from demonstrations.
pub(super) fn train_on_demonstrations(
    runner: &StudyRunner<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<Policy, StudyError> {
    let summary = train_on_inferred_reward(config, scene_env(scene, config), data, &resumed(options), &mut ())?;
    finished_policy(runner, &summary)
}
