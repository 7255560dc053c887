//! A learner that infers a reward: its description, and what all of them have in common.

use std::path::Path;

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::reward_spec::{RewardFn, RewardSpec};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::reinforcement::ppo::spec::{REQUIREMENTS as PPO_REQUIREMENTS, set_ppo_defaults};
use crate::learn::{
    Curve, LearnedReward, LearnerSpec, Need, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};

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

impl LearnerSpec for RewardLearner {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn examples(&self) -> &'static [&'static str] {
        self.examples
    }

    fn requirements(&self) -> Requirements {
        Requirements { dataset: Need::Required, scene: Need::Optional, reward: false, ..PPO_REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(PpoConfig::default()), Box::new(RewardConfig::default())]
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_ppo_defaults(config);
        // The inferred reward is dense, so an effective horizon of two seconds is enough. With a longer one the agent
        // stands still, to avoid states off the road that the discriminator rejects.
        config.get_mut::<PpoConfig>().gamma = 0.98;
        // The task's own score does not select the policy.
        config.training.select_after = 1.0;
        (self.set_defaults)(config);
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(self, job, progress)
    }
}
