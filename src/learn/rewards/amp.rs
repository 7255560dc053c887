//! Adversarial motion priors (Peng et al. 2021, arXiv:2104.02180): the discriminator sees state transitions only, so
//! the demonstrations need no actions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::adversarial::build_reward;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use super::stored_network::load_network;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::{Discriminator, DiscriminatorOutput};

/// A discriminator of expert and agent state transitions.
#[derive(Module, Debug)]
pub(super) struct Amp {
    discriminator: Discriminator,
}

impl Amp {
    fn forward(&self, batch: &Batch) -> DiscriminatorOutput {
        // The change is an input of its own, as it is small beside the observation.
        let change = (batch.next_observations.clone() - batch.observations.clone()).mul_scalar(CHANGE_SCALE);
        self.discriminator.forward(None, Tensor::cat(vec![batch.observations.clone(), change], 1))
    }
}

/// Factor on the change of the observation within a tick, before it enters the discriminator.
const CHANGE_SCALE: f32 = 10.0;

impl RewardNet for Amp {
    fn new(spec: &RewardSpec, device: &Device) -> Self {
        Self { discriminator: Discriminator::new(0, 2 * spec.observation.size(), &spec.reward.hidden_sizes, device) }
    }

    /// Least squares with the labels 1 and -1 (equation 6), with the gradient penalty of equation 8 on both.
    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> DiscriminatorLoss {
        let (expert, agent) = (self.forward(expert), self.forward(agent));
        let penalty = gradient_penalty(expert.input_gradient) + gradient_penalty(agent.input_gradient);
        let squares =
            expert.score.clone().sub_scalar(1.0).square().mean() + agent.score.clone().add_scalar(1.0).square().mean();
        DiscriminatorLoss {
            loss: squares.mul_scalar(0.5) + penalty.mul_scalar(config.gradient_penalty_coef),
            expert_scores: expert.score,
            agent_scores: agent.score,
            kl: None,
        }
    }

    /// Equation 7: between 0 and 1.
    fn reward_train(&self, agent: &Batch) -> Tensor<2> {
        let distance = self.forward(agent).score.sub_scalar(1.0).square();
        distance.mul_scalar(-0.25).add_scalar(1.0).clamp_min(0.0)
    }
}

/// `apprentice train amp`
pub(super) static AMP: RewardLearner = RewardLearner {
    name: "amp",
    about: "Adversarial motion priors: a discriminator of observed transitions (no actions needed), mixed with the task reward",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --states-only --dataset demos/observed",
        "apprentice train amp --dataset demos/observed --run runs/amp --set reward.task_reward_weight=0",
    ],
    needs_actions: false,
    reward_uses_actions: false,
    supports_recurrent: true,
    is_linear: false,
    set_defaults: |config| {
        // With a slower discriminator, humanoids linger on their way (`adversarial-courtyard` in docs/results.md).
        let reward = config.get_mut::<RewardConfig>();
        (reward.learning_rate, reward.task_reward_weight) = (1e-3, 0.5);
    },
    build_reward: build_reward::<Amp>,
    load_network: load_network::<Amp>,
};
