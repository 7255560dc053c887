//! Adversarial inverse reinforcement learning (Fu et al. 2018, arXiv:1710.11248). The discriminator has a form of which
//! one part is a reward of the state alone, which transfers to other dynamics.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::gail::cross_entropy;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::{RewardFn, RewardSpec, load_weights};
use super::spec::{REQUIREMENTS, RewardLearner, sections, set_reward_learner_defaults};
use super::train::train_job;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::{
    Curve, Discriminator, LearnedReward, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob,
    TrainReport,
};

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
    pub fn new(obs_dim: usize, gamma: f32, config: &RewardConfig, device: &Device) -> Self {
        let network = || Discriminator::new(0, obs_dim, &config.hidden_sizes, device);
        Self { reward: network(), shaping: network(), gamma }
    }

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
pub struct AirlLearner;

impl LearnerSpec for AirlLearner {
    fn name(&self) -> &'static str {
        "airl"
    }

    fn about(&self) -> &'static str {
        "Adversarial inverse reinforcement learning: a reward of the state alone, which transfers to other scenes"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice train airl --dataset demos/five --run runs/airl",
            "apprentice reward show runs/airl --scene slalom --map airl.png",
            "apprentice train ppo --scene slalom --reward runs/airl --run runs/retrained",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_reward_learner_defaults(config);
        // The inferred reward contains an entropy term.
        config.get_mut::<PpoConfig>().ent_coef = 0.0;
        let reward = config.get_mut::<RewardConfig>();
        (reward.gradient_penalty_coef, reward.learning_rate) = (0.01, 1e-3);
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(self, job, progress)
    }
}

impl RewardLearner for AirlLearner {
    fn needs_actions(&self) -> bool {
        true
    }

    fn reward_uses_actions(&self) -> bool {
        false
    }

    fn supports_recurrent(&self) -> bool {
        false
    }

    fn build_reward(&self, parts: RewardParts<'_>) -> Result<Box<dyn LearnedReward>, TrainError> {
        let network = network(parts.spec, parts.device);
        parts.with_network(network)
    }

    fn load_network(&self, spec: &RewardSpec, dir: &Path) -> Result<Option<Box<dyn RewardFn>>, TrainError> {
        load_weights(network(spec, &Device::flex()), dir).map(Some)
    }
}

fn network(spec: &RewardSpec, device: &Device) -> Airl {
    Airl::new(spec.observation.size(), spec.gamma, &spec.reward, device)
}
