//! Settings of proximal policy optimization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::core::section::Section;

/// Proximal policy optimization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// Number of parallel arenas.
    #[schemars(range(min = 1, max = 65_536))]
    pub n_envs: usize,
    /// Ticks of a rollout in each arena. An update trains on `n_envs * n_steps` ticks.
    #[schemars(range(min = 1, max = 65_536))]
    pub n_steps: usize,
    /// Epochs over the rollout in each update, in minibatches of `training.batch_size`, each epoch in a new order.
    #[schemars(range(min = 1, max = 1000))]
    pub n_epochs: u64,
    /// Discount factor per tick.
    #[schemars(range(min = 0, max = 1))]
    pub gamma: f32,
    /// Lambda of generalized advantage estimation: 0 is the one-step temporal-difference error, 1 the Monte Carlo return.
    #[schemars(range(min = 0, max = 1))]
    pub gae_lambda: f32,
    /// Clip range of the probability ratio; 0 for the plain policy gradient.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub clip_range: f32,
    /// Coefficient of the entropy bonus; a larger one keeps more exploration. It follows `optimizer.schedule`, as the
    /// learning rate does: a policy trained with constant noise can depend on that noise.
    #[schemars(range(min = 0))]
    pub ent_coef: f32,
    /// Correlation of the exploration noise between consecutive ticks, 0 to below 1. Correlated noise moves the agent
    /// somewhere; independent noise averages out (after Hollenstein et al. 2024, arXiv:2312.11091).
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub noise_correlation: f32,
    /// Target KL divergence of an update in nats, to which the learning rate adapts; 0 for the learning rate of
    /// `optimizer` (Rudin et al. 2021, arXiv:2109.11978, appendix A).
    #[schemars(range(min = 0))]
    pub desired_kl: f32,
    /// With `init.from`: initial coefficient of the behavior cloning loss towards the actions of the pretrained policy
    /// (Rajeswaran et al. 2017, DAPG, arXiv:1709.10087, equation 5).
    #[schemars(range(min = 0))]
    pub bc_coef: f32,
    /// With `init.from`: factor by which `bc_coef` decays after each update. The GAE lambda decays in the same way from 1 to
    /// `gae_lambda`: a critic that has seen only the trajectories of one policy is wrong about other states.
    #[schemars(range(min = 0, max = 1))]
    pub bc_coef_decay: f32,
    /// With `init.from`: initial updates in which only the critic is trained. The advantages of an untrained critic would
    /// destroy the pretrained policy.
    pub critic_warmup_updates: u64,
    /// Episodes of an evaluation.
    #[schemars(range(min = 1, max = 100_000))]
    pub n_eval_episodes: usize,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            n_envs: 64,
            n_steps: 64,
            n_epochs: 4,
            gamma: 0.99,
            gae_lambda: 0.95,
            clip_range: 0.2,
            ent_coef: 0.0,
            noise_correlation: 0.5,
            desired_kl: 0.01,
            bc_coef: 0.1,
            bc_coef_decay: 0.98,
            critic_warmup_updates: 3,
            n_eval_episodes: 20,
        }
    }
}

impl Section for PpoConfig {
    const NAME: &'static str = "ppo";
}
