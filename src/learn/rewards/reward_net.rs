//! The interface of a reward network.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::reward_spec::RewardSpec;
use super::transitions::Batch;

/// Loss of a reward network on one batch of expert and agent transitions.
pub(super) struct DiscriminatorLoss {
    /// The loss to minimize, `[1]`.
    pub loss: Tensor<1>,
    /// Scores of the expert transitions, `[rows, 1]`; above zero means "classified as expert".
    pub expert_scores: Tensor<2>,
    /// Scores of the agent's transitions, `[rows, 1]`.
    pub agent_scores: Tensor<2>,
    /// KL divergence of the bottleneck's code from the standard normal, in nats; `None` without a bottleneck.
    pub kl: Option<Tensor<1>>,
}

/// A network that infers a reward from demonstrations, by discriminating expert transitions from the agent's.
pub(super) trait RewardNet: Module + Clone + Send + 'static {
    /// Whether it needs the log-probability of the actions under the policy.
    const USES_LOG_PROB: bool = false;
    /// Whether it has a variational bottleneck.
    const HAS_BOTTLENECK: bool = false;

    /// The untrained network for the layouts and settings of `spec`.
    fn new(spec: &RewardSpec, device: &Device) -> Self;

    /// The discriminator's loss. `noise`: standard normal, `[rows of both, latent]`.
    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, noise: Tensor<2>) -> DiscriminatorLoss;

    /// The reward that the policy is trained on, for the agent's own transitions, `[rows, 1]`.
    fn reward_train(&self, agent: &Batch) -> Tensor<2>;

    /// The reward of any transitions, which does not depend on a policy, `[rows, 1]`.
    fn reward_test(&self, batch: &Batch) -> Tensor<2> {
        self.reward_train(batch)
    }
}
