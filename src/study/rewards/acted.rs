//! Policies that learned by acting in a scene, for cells.

use crate::learn::irl::imitate_in;
use crate::learn::rl::{Arenas, train_in};
use crate::learn::{Outcome, Progress, RunOptions, TrainConfig, TrainSummary, TrainingData};
use crate::policies::Policy;
use crate::rollout::VecEnvOptions;
use crate::scenes::Scene;
use crate::study::{Laboratory, StudyError};

/// The arenas of a cell. Cells run side by side, one on each core.
fn arenas(scene: &Scene, config: &TrainConfig) -> Box<Arenas> {
    Box::new(Arenas::new(scene, VecEnvOptions { arenas: config.ppo.arenas, agents: 1, threads: 1 }))
}

/// The policy of a run that was not interrupted.
pub(super) fn whole(laboratory: &Laboratory<'_>, summary: &TrainSummary) -> Result<Policy, StudyError> {
    if summary.outcome == Outcome::Interrupted {
        return Err(StudyError::Stopped);
    }
    laboratory.check_stop()?;
    Ok(Policy::load(&summary.policy_dir)?)
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
