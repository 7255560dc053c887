//! Adversarial inverse reinforcement learning (Fu et al. 2018, arXiv:1710.11248). The discriminator has a form of which
//! one part is a reward of the state alone, which transfers to other dynamics.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::adversarial::build_reward;
use super::gail::cross_entropy;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use super::stored_network::load_network;
use super::transitions::Batch;
use crate::learn::Discriminator;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::reinforcement::PpoConfig;

/// Bounds of the log-probability, in nats: keys press pedals to the bounds of the action, where a Gaussian has hardly
/// any density.
const LOG_PROB_BOUNDS: (f32, f32) = (-8.0, 8.0);

pub(super) fn clip_log_prob(log_prob: &Tensor<2>) -> Tensor<2> {
    log_prob.clone().clamp(LOG_PROB_BOUNDS.0, LOG_PROB_BOUNDS.1)
}

/// `f(s, s') = g(s') + gamma h(s') - h(s)` against the policy's log-probability (equations 4 and 5). In the paper, `g`
/// is a function of the state before the action; here a tick's reward is for the state that it led to.
#[derive(Module, Debug)]
pub(super) struct Airl {
    reward: Discriminator,
    shaping: Discriminator,
    #[module(skip)]
    gamma: f32,
}

impl Airl {
    /// The logit `f - log pi`, and the gradient of `g` by its input.
    fn forward(&self, batch: &Batch) -> (Tensor<2>, Tensor<2>) {
        let potential = |observations: &Tensor<2>| self.shaping.forward(None, observations.clone()).score;
        let shaping = potential(&batch.next_observations).mul_scalar(self.gamma) - potential(&batch.observations);
        let reward = self.reward.forward(None, batch.next_observations.clone());
        (reward.score + shaping - clip_log_prob(&batch.log_prob), reward.input_gradient)
    }
}

impl RewardNet for Airl {
    const USES_LOG_PROB: bool = true;

    fn new(spec: &RewardSpec, device: &Device) -> Self {
        let network = || Discriminator::new(0, spec.observation.size(), &spec.reward.hidden_sizes, device);
        Self { reward: network(), shaping: network(), gamma: spec.gamma }
    }

    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> DiscriminatorLoss {
        let ((expert_scores, expert_gradient), (agent_scores, agent_gradient)) =
            (self.forward(expert), self.forward(agent));
        let penalty = gradient_penalty(expert_gradient) + gradient_penalty(agent_gradient);
        let loss = cross_entropy(&expert_scores, &agent_scores) + penalty.mul_scalar(config.gradient_penalty_coef);
        DiscriminatorLoss { loss, expert_scores, agent_scores, kl: None }
    }

    /// `log D - log(1 - D)`.
    fn reward_train(&self, agent: &Batch) -> Tensor<2> {
        self.forward(agent).0
    }

    /// `g` alone.
    fn reward_test(&self, batch: &Batch) -> Tensor<2> {
        self.reward.forward(None, batch.next_observations.clone()).score
    }
}

/// `apprentice train airl`
pub(super) static AIRL: RewardLearner = RewardLearner {
    name: "airl",
    about: "Adversarial inverse reinforcement learning: a reward of the state alone, which transfers to other scenes",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --dataset demos/five",
        "apprentice train airl --dataset demos/five --run runs/airl",
        "apprentice reward show runs/airl --scene slalom --map airl.png",
        "apprentice train ppo --scene slalom --reward runs/airl --run runs/retrained",
    ],
    needs_actions: true,
    reward_uses_actions: false,
    supports_recurrent: false,
    is_linear: false,
    set_defaults: |config| {
        // The inferred reward contains an entropy term.
        config.get_mut::<PpoConfig>().ent_coef = 0.0;
        let reward = config.get_mut::<RewardConfig>();
        (reward.gradient_penalty_coef, reward.learning_rate) = (0.01, 1e-3);
    },
    build_reward: build_reward::<Airl>,
    load_network: load_network::<Airl>,
};
