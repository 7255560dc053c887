//! Policies that learned by acting in a scene, for cells.

use crate::demos::Episode;
use crate::learn::irl::imitate_in;
use crate::learn::rl::{Arenas, train_in, train_shown};
use crate::learn::{
    LearnerKind, Outcome, Progress, RunOptions, TrainConfig, TrainSummary, TrainingData, ValidationReport,
};
use crate::policies::Policy;
use crate::rollout::{Evaluation, VecEnvOptions};
use crate::scenes::Scene;
use crate::study::{Laboratory, Numbers, StudyError};

/// The arenas of a cell. Cells run side by side, one on each core.
fn arenas(scene: &Scene, config: &TrainConfig) -> Box<Arenas> {
    let dqn = config.training.learner == LearnerKind::Dqn;
    let arenas = if dqn { config.dqn.arenas } else { config.ppo.arenas };
    Box::new(Arenas::new(scene, VecEnvOptions { arenas, agents: 1, threads: 1 }))
}

/// The policy of a run that was not interrupted.
pub(super) fn whole(laboratory: &Laboratory<'_>, summary: &TrainSummary) -> Result<Policy, StudyError> {
    if summary.outcome == Outcome::Interrupted {
        return Err(StudyError::Stopped);
    }
    laboratory.check_stop()?;
    Ok(Policy::load(&summary.policy_dir)?)
}

/// The numbers of a cell: the return in units of `unit`, and success.
pub(super) fn reached(evaluation: &Evaluation, unit: f64) -> Numbers {
    [("return", evaluation.return_mean / unit), ("success", evaluation.success_rate)]
        .map(|(key, n)| (key.into(), n))
        .into()
}

/// Go on with a run where there is one.
pub(super) fn resumed(options: RunOptions) -> RunOptions {
    RunOptions { resume: options.dir.join("config.toml").exists(), ..options }
}

/// A policy that acted for the task's reward, or for the one that `config` names.
pub(super) fn rewarded(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    progress: &mut dyn Progress,
) -> Result<Policy, StudyError> {
    let summary = train_in(config, arenas(scene, config), &resumed(options), progress)?;
    whole(laboratory, &summary)
}

/// Notes after which update the judged episodes' return and success were enough for the first time.
struct Reached<F> {
    enough: F,
    at: Option<u64>,
}

impl<F: Fn(f32, f32) -> bool> Progress for Reached<F> {
    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        if report.validation.episodes.is_some_and(|(total, success)| (self.enough)(total, success)) {
            self.at.get_or_insert(report.step);
        }
    }
}

/// A policy that acted for the task's reward, with these demonstrations, and the share of the updates until the return and
/// success of the judged episodes were enough, 1 where they never were.
pub(super) fn until(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    demonstrations: &[Episode],
    enough: impl Fn(f32, f32) -> bool,
) -> Result<(Policy, f64), StudyError> {
    if options.dir.exists() {
        // When it was good enough is known of a whole run alone.
        std::fs::remove_dir_all(&options.dir).map_err(|source| StudyError::Io {
            action: "remove",
            path: options.dir.clone(),
            source,
        })?;
    }
    let mut reached = Reached { enough, at: None };
    let options = RunOptions { resume: false, ..options };
    let summary = train_shown(config, arenas(scene, config), demonstrations, &options, &mut reached)?;
    let share = reached.at.map_or(1.0, |at| at as f64 / config.training.steps as f64);
    Ok((whole(laboratory, &summary)?, share))
}

/// A policy that acted for what the demonstrations seem to want.
pub(super) fn imitating(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<Policy, StudyError> {
    let summary = imitate_in(config, arenas(scene, config), data, &resumed(options), &mut ())?;
    whole(laboratory, &summary)
}
