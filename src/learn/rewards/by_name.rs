//! Training on an inferred reward, by the learner of a configuration.

use burn::tensor::Device;

use super::registry::find_reward_learner;
use super::train;
use crate::learn::reinforcement::VecEnvironment;
use crate::learn::{LearnedReward, Progress, RunOptions, TrainConfig, TrainError, TrainSummary, TrainingData};
use crate::spaces::Layout;

/// The untrained reward that `config` asks for, with the demonstrations in `data`, for an agent with the layouts
/// `observation` and `action`.
///
/// # Errors
/// The demonstrations have other layouts or lack actions that the learner needs, or the learner infers no reward.
pub fn inferred_reward(
    config: &TrainConfig,
    data: &TrainingData,
    (observation, action): (&Layout, &Layout),
    device: &Device,
) -> Result<Box<dyn LearnedReward>, TrainError> {
    let learner = find_reward_learner(config.spec().name())?;
    train::inferred_reward(learner, config, data, (observation, action), device)
}

/// Trains a policy in `environment` on the reward that `config` asks to infer from `data`.
///
/// # Errors
/// Unusable configuration or demonstrations, a folder that cannot be written or resumed, or training that diverges.
pub fn train_on_inferred_reward(
    config: &TrainConfig,
    environment: Box<dyn VecEnvironment>,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    let learner = find_reward_learner(config.spec().name())?;
    train::train_on_inferred_reward(learner, config, environment, data, options, progress)
}
