//! Generative adversarial imitation learning (Ho & Ermon 2016, arXiv:1606.03476).

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::adversarial::build_reward;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use super::stored_network::load_network;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::{Discriminator, DiscriminatorOutput};

/// A discriminator of expert and agent transitions, over observation and action.
#[derive(Module, Debug)]
pub(super) struct Gail {
    discriminator: Discriminator,
}

impl Gail {
    fn forward(&self, batch: &Batch) -> DiscriminatorOutput {
        let inputs = Tensor::cat(vec![batch.observations.clone(), batch.actions.clone()], 1);
        self.discriminator.forward(None, inputs)
    }
}

/// Binary cross-entropy of the scores (logits): the label of expert transitions is 1, that of the agent's is 0.
pub(super) fn cross_entropy(expert: &Tensor<2>, agent: &Tensor<2>) -> Tensor<1> {
    (activation::softplus(expert.clone().neg(), 1.0).mean() + activation::softplus(agent.clone(), 1.0).mean())
        .mul_scalar(0.5)
}

impl RewardNet for Gail {
    fn new(spec: &RewardSpec, device: &Device) -> Self {
        Self {
            discriminator: Discriminator::new(
                0,
                spec.observation.size() + spec.action.size(),
                &spec.reward.hidden_sizes,
                device,
            ),
        }
    }

    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> DiscriminatorLoss {
        let (expert, agent) = (self.forward(expert), self.forward(agent));
        let penalty = gradient_penalty(expert.input_gradient) + gradient_penalty(agent.input_gradient);
        DiscriminatorLoss {
            loss: cross_entropy(&expert.score, &agent.score) + penalty.mul_scalar(config.gradient_penalty_coef),
            expert_scores: expert.score,
            agent_scores: agent.score,
            kl: None,
        }
    }

    /// `-log(1 - D)`, never negative.
    fn reward_train(&self, agent: &Batch) -> Tensor<2> {
        activation::softplus(self.forward(agent).score, 1.0)
    }
}

/// `apprentice train gail`
pub(super) static GAIL: RewardLearner = RewardLearner {
    name: "gail",
    about: "Generative adversarial imitation: reinforcement learning on the reward of a discriminator of demonstrations and agent",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --dataset demos/five",
        "apprentice train gail --dataset demos/five --run runs/gail",
        "apprentice train bc --dataset demos/five --run runs/slalom",
        "apprentice train gail --dataset demos/five --init-from runs/slalom --run runs/gail-pretrained",
        "apprentice eval --policy runs/gail --scene slalom --horizon 22",
    ],
    needs_actions: true,
    reward_uses_actions: true,
    supports_recurrent: true,
    is_linear: false,
    set_defaults: |_| {},
    build_reward: build_reward::<Gail>,
    load_network: load_network::<Gail>,
};
