//! The description of a learner that infers a reward.

use std::path::Path;

use super::adversarial::RewardParts;
use super::reward_spec::RewardSpec;
use super::stored_network::RewardFn;
use crate::learn::{LearnedReward, TrainConfig, TrainError};

/// A learner that trains a policy on a reward which it infers from demonstrations at the same time.
pub(super) struct RewardLearner {
    /// Its name on the command line and in stored rewards.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Example commands.
    pub examples: &'static [&'static str],
    /// Whether the demonstrations must have actions.
    pub needs_actions: bool,
    /// Whether the inferred reward depends on the actions, not on the observations alone.
    pub reward_uses_actions: bool,
    /// Whether the policy may be recurrent. Not where the likelihood of a single demonstrated action is needed.
    pub supports_recurrent: bool,
    /// Whether the reward is a weighted sum of features.
    pub is_linear: bool,
    /// Its own defaults, after those of every learner that infers a reward.
    pub set_defaults: fn(&mut TrainConfig),
    /// The untrained reward. Fails with the device.
    pub build_reward: fn(RewardParts<'_>) -> Result<Box<dyn LearnedReward>, TrainError>,
    /// The reward network with the weights in a folder; `None` for a linear reward. Fails when a file is missing or damaged.
    pub load_network: fn(&RewardSpec, &Path) -> Result<Option<Box<dyn RewardFn>>, TrainError>,
}
