//! Settings of inferred rewards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::core::section::Section;

/// The reward that is inferred from demonstrations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Size of each hidden layer of the reward networks.
    #[schemars(length(min = 1), inner(range(min = 1, max = 4096)))]
    pub hidden_sizes: Vec<usize>,
    /// Learning rate of the reward networks, with a cosine decay to a twentieth.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// Discriminator updates for each update of the policy; 0 keeps the initial weights, so that demonstrations have no
    /// effect.
    #[schemars(range(max = 10_000))]
    pub n_disc_updates: u64,
    /// Transitions of the demonstrations in a discriminator's batch; the batch has as many of the agent's.
    #[schemars(range(min = 2, max = 65_536))]
    pub batch_size: usize,
    /// Coefficient of the gradient penalty: half the squared gradient of the score by the discriminator's input, at the
    /// demonstrations and at the agent's transitions (R1 and R2 of Mescheder et al. 2018, arXiv:1801.04406). It keeps
    /// the reward smooth. For `airl`, it is on the reward of the state alone.
    #[schemars(range(min = 0))]
    pub gradient_penalty_coef: f32,
    /// Coefficient of half the squared logits, which keeps them bounded.
    #[schemars(range(min = 0))]
    pub logit_reg_coef: f32,
    /// Size of the discriminator's replay buffer, in transitions of the agent. Half of the agent's batch comes from it,
    /// so that the discriminator does not forget earlier policies. 0 for no buffer.
    #[schemars(range(max = 4_194_304))]
    pub disc_buffer_size: usize,
    /// Names of the observation fields that the reward is computed from; a name that ends in `*` is a prefix. Empty for
    /// all fields. A reward of few fields transfers to scenes where the other fields differ from the demonstrations.
    pub features: Vec<String>,
    /// `vail` only: capacity of the information bottleneck, in nats (I_c of the paper).
    #[schemars(range(min = 0))]
    pub kl_bottleneck: f32,
    /// `vail` only: dimension of the bottleneck's code.
    #[schemars(range(min = 1, max = 1024))]
    pub latent_dim: usize,
    /// `apprenticeship` only: updates of the policy after which its feature expectations are projected and the feature
    /// weights change.
    #[schemars(range(min = 1, max = 10_000))]
    pub projection_interval: u64,
    /// Weight of the task's own reward, between 0 and 1; the inferred reward has the rest.
    #[schemars(range(min = 0, max = 1))]
    pub task_reward_weight: f32,
    /// Infer the reward from the failed demonstrations, too. Without it they are left out where at least three succeeded.
    pub include_failed: bool,
    /// Length of every episode, in ticks. All episodes have the same length, since with a variable horizon the end of
    /// an episode leaks whether it succeeded. 0 for the length of the shortest successful demonstration.
    #[schemars(range(max = 1_048_576))]
    pub horizon: u64,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            hidden_sizes: vec![128, 128],
            learning_rate: 3e-4,
            n_disc_updates: 8,
            batch_size: 512,
            gradient_penalty_coef: 1.0,
            logit_reg_coef: 0.01,
            disc_buffer_size: 16_384,
            features: Vec::new(),
            kl_bottleneck: 0.5,
            latent_dim: 16,
            projection_interval: 10,
            task_reward_weight: 0.0,
            include_failed: false,
            horizon: 0,
        }
    }
}

impl Section for RewardConfig {
    const NAME: &'static str = "reward";
}
