//! Settings of training on a stored learned reward.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PpoConfig;
use crate::learn::TrainConfig;
use crate::learn::core::section::Section;

/// Discount factor of a policy that trains on an inferred reward. Such a reward is dense but does not look ahead: with an
/// effective horizon below three seconds, the policy enters bends too fast.
const GAMMA: f32 = 0.99;

/// A learned reward that replaces the task's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LearnedRewardConfig {
    /// Folder of the run that learned the reward (`--reward`); empty for the task's reward.
    pub from: String,
    /// Weight of the task's own reward, between 0 and 1; the learned reward has the rest.
    #[schemars(range(min = 0, max = 1))]
    pub task_reward_weight: f32,
    /// With a learned reward: length of every episode, in ticks; 0 for the time limit of the scene. All episodes have the same
    /// length: a reward that is negative everywhere would be maximized by an early end.
    #[schemars(range(max = 1_048_576))]
    pub horizon: u64,
}

impl Section for LearnedRewardConfig {
    const NAME: &'static str = "reward";
}

impl TrainConfig {
    /// Train on the reward that the run in the folder `from` learned; the task's own score does not select the policy.
    pub fn set_learned_reward(&mut self, from: &str) {
        self.get_mut::<LearnedRewardConfig>().from = from.to_owned();
        self.training.select_after = 1.0;
        self.get_mut::<PpoConfig>().gamma = GAMMA;
    }
}
