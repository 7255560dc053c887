//! What the learners that infer a reward have in common.

use std::path::Path;

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::reward_spec::{RewardFn, RewardSpec};
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::reinforcement::ppo::spec::{REQUIREMENTS as PPO_REQUIREMENTS, set_ppo_defaults};
use crate::learn::{LearnedReward, LearnerSpec, Need, Requirements, TrainConfig, TrainError};

/// A learner that trains a policy on a reward which it infers from demonstrations at the same time.
pub(super) trait RewardLearner: LearnerSpec {
    /// Whether the demonstrations must have actions.
    fn needs_actions(&self) -> bool;

    /// Whether the inferred reward depends on the actions, not on the observations alone.
    fn reward_uses_actions(&self) -> bool;

    /// Whether the policy may be recurrent. Not where the likelihood of a single demonstrated action is needed.
    fn supports_recurrent(&self) -> bool {
        true
    }

    /// Whether the reward is a weighted sum of features.
    fn is_linear(&self) -> bool {
        false
    }

    /// The untrained reward.
    ///
    /// # Errors
    /// The device fails.
    fn build_reward(&self, parts: RewardParts<'_>) -> Result<Box<dyn LearnedReward>, TrainError>;

    /// The reward network with the weights in `dir`; `None` for a linear reward.
    ///
    /// # Errors
    /// A file is missing or damaged.
    fn load_network(&self, spec: &RewardSpec, dir: &Path) -> Result<Option<Box<dyn RewardFn>>, TrainError>;
}

/// The inputs of a learner that infers a reward.
pub(super) const REQUIREMENTS: Requirements =
    Requirements { dataset: Need::Required, scene: Need::Optional, reward: false, ..PPO_REQUIREMENTS };

/// The sections of a learner that infers a reward.
pub(super) fn sections() -> Vec<Box<dyn AnySection>> {
    vec![Box::new(PpoConfig::default()), Box::new(RewardConfig::default())]
}

/// The defaults of a learner that infers a reward.
pub(super) fn set_reward_learner_defaults(config: &mut TrainConfig) {
    set_ppo_defaults(config);
    // The inferred reward is dense, so an effective horizon of two seconds is enough. With a longer one the agent stands still,
    // to avoid states off the road that the discriminator rejects.
    config.get_mut::<PpoConfig>().gamma = 0.98;
    // The task's own score does not select the policy.
    config.training.select_after = 1.0;
}
