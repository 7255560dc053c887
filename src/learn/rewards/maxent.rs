//! Maximum-entropy inverse reinforcement learning with a network (Ziebart et al. 2008; Wulfmeier et al. 2015,
//! arXiv:1507.04888). The expectation under the agent is estimated from the rollouts of the policy while it trains on
//! the reward (Finn et al. 2016, guided cost learning, arXiv:1603.00448, equation 5 with equal weights).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::adversarial::build_reward;
use super::airl::clip_log_prob;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use super::stored_network::load_network;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::{Discriminator, DiscriminatorOutput};

/// A reward of the next observation.
#[derive(Module, Debug)]
pub(super) struct MaxEnt {
    reward: Discriminator,
}

impl MaxEnt {
    fn forward(&self, batch: &Batch) -> DiscriminatorOutput {
        self.reward.forward(None, batch.next_observations.clone())
    }
}

impl RewardNet for MaxEnt {
    const USES_LOG_PROB: bool = true;

    fn new(spec: &RewardSpec, device: &Device) -> Self {
        Self { reward: Discriminator::new(0, spec.observation.size(), &spec.reward.hidden_sizes, device) }
    }

    /// The gradient of the demonstrations' log-likelihood: raises the expert's reward, lowers the agent's.
    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> DiscriminatorLoss {
        let (expert, agent) = (self.forward(expert), self.forward(agent));
        let penalty = gradient_penalty(expert.input_gradient) + gradient_penalty(agent.input_gradient);
        let middle = (expert.score.clone().mean() + agent.score.clone().mean()).mul_scalar(0.5);
        let middle = middle.unsqueeze::<2>();
        DiscriminatorLoss {
            loss: agent.score.clone().mean() - expert.score.clone().mean()
                + penalty.mul_scalar(config.gradient_penalty_coef),
            expert_scores: expert.score - middle.clone(),
            agent_scores: agent.score - middle,
            kl: None,
        }
    }

    /// The reward with an entropy bonus at a temperature of 1: the reward minus the log-probability of the action.
    fn reward_train(&self, agent: &Batch) -> Tensor<2> {
        self.forward(agent).score - clip_log_prob(&agent.log_prob)
    }

    /// The reward alone.
    fn reward_test(&self, batch: &Batch) -> Tensor<2> {
        self.forward(batch).score
    }
}

/// `apprentice train maxent-irl`
pub(super) static MAXENT_IRL: RewardLearner = RewardLearner {
    name: "maxent-irl",
    about: "Maximum-entropy inverse reinforcement learning with a reward network",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --dataset demos/five",
        "apprentice train maxent-irl --dataset demos/five --run runs/maxent",
        "apprentice reward show runs/maxent --scene slalom --map maxent.png",
    ],
    needs_actions: true,
    reward_uses_actions: false,
    supports_recurrent: false,
    is_linear: false,
    set_defaults: |config| {
        // The inferred reward contains an entropy term.
        config.get_mut::<PpoConfig>().ent_coef = 0.0;
        let reward = config.get_mut::<RewardConfig>();
        (reward.gradient_penalty_coef, reward.learning_rate) = (0.3, 3e-4);
    },
    build_reward: build_reward::<MaxEnt>,
    load_network: load_network::<MaxEnt>,
};
