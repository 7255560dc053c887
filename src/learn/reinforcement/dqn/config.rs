//! Settings of deep Q-learning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::core::section::Section;
use crate::learn::reinforcement::ReplayConfig;

/// Deep Q-learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DqnConfig {
    /// Number of parallel arenas.
    #[schemars(range(min = 1, max = 65_536))]
    pub n_envs: usize,
    /// Ticks in each arena per update.
    #[schemars(range(min = 1, max = 65_536))]
    pub train_freq: usize,
    /// Gradient steps per update, each on a minibatch of `training.batch_size`.
    #[schemars(range(max = 65_536))]
    pub gradient_steps: u64,
    /// Ticks of all arenas with random actions before the first gradient step.
    #[schemars(range(max = 16_777_216))]
    pub learning_starts: usize,
    /// Discount factor per tick.
    #[schemars(range(min = 0, max = 1))]
    pub gamma: f32,
    /// Decisions, each held for `head.chunk_size` ticks, of an n-step return.
    #[schemars(range(min = 1, max = 1000))]
    pub n_step_returns: usize,
    /// Initial probability epsilon of a random action.
    #[schemars(range(min = 0, max = 1))]
    pub exploration_initial_eps: f32,
    /// Final probability epsilon of a random action.
    #[schemars(range(min = 0, max = 1))]
    pub exploration_final_eps: f32,
    /// Fraction of the run over which epsilon decreases linearly.
    #[schemars(range(min = 0, max = 1))]
    pub exploration_fraction: f32,
    /// Probability that a random action is repeated for another decision: an action held for longer moves the agent
    /// somewhere.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub exploration_repeat_prob: f32,
    /// Gradient steps between updates of the target network.
    #[schemars(range(min = 1))]
    pub target_update_interval: u64,
    /// Episodes of an evaluation.
    #[schemars(range(min = 1, max = 100_000))]
    pub n_eval_episodes: usize,
    /// With demonstrations: gradient steps on demonstrations only, after `learning_starts`.
    #[schemars(range(max = 16_777_216))]
    pub pretrain_steps: u64,
    /// With demonstrations: coefficient of the large margin loss, by which the Q-value of a demonstrated action exceeds
    /// those of all other actions (Hester et al. 2017, DQfD, arXiv:1704.03732, equation 3).
    #[schemars(range(min = 0))]
    pub margin_loss_coef: f32,
    /// The replay buffer.
    pub replay: ReplayConfig,
}

impl DqnConfig {
    /// Default of `exploration_initial_eps` with demonstrations.
    pub const EXPLORATION_INITIAL_EPS_WITH_DEMOS: f32 = 0.1;
}

impl Default for DqnConfig {
    fn default() -> Self {
        Self {
            n_envs: 16,
            train_freq: 8,
            gradient_steps: 4,
            learning_starts: 4000,
            gamma: 0.997,
            n_step_returns: 3,
            exploration_initial_eps: 1.0,
            exploration_final_eps: 0.02,
            exploration_fraction: 0.3,
            exploration_repeat_prob: 0.8,
            target_update_interval: 500,
            n_eval_episodes: 20,
            pretrain_steps: 2000,
            margin_loss_coef: 1.0,
            replay: ReplayConfig::default(),
        }
    }
}

impl Section for DqnConfig {
    const NAME: &'static str = "dqn";
}
