//! Maximum-entropy inverse reinforcement learning with a network (Ziebart et al. 2008; Wulfmeier et al. 2015,
//! arXiv:1507.04888). The expectation under the agent is estimated from the rollouts of the policy while it trains on
//! the reward (Finn et al. 2016, guided cost learning, arXiv:1603.00448, equation 5 with equal weights).

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::airl::clip_log_prob;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::{RewardFn, RewardSpec, load_weights};
use super::spec::{REQUIREMENTS, RewardLearner, sections, set_reward_learner_defaults};
use super::train::train_job;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::{
    Curve, Discriminator, DiscriminatorOutput, LearnedReward, LearnerSpec, Progress, Requirements, TrainConfig,
    TrainError, TrainJob, TrainReport,
};

/// A reward of the next observation.
#[derive(Module, Debug)]
pub(super) struct MaxEnt {
    reward: Discriminator,
}

impl MaxEnt {
    pub fn new(obs_dim: usize, config: &RewardConfig, device: &Device) -> Self {
        Self { reward: Discriminator::new(0, obs_dim, &config.hidden_sizes, device) }
    }

    fn forward(&self, batch: &Batch) -> DiscriminatorOutput {
        self.reward.forward(None, batch.next_observations.clone())
    }
}

impl RewardNet for MaxEnt {
    const USES_LOG_PROB: bool = true;

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
pub struct MaxEntLearner;

impl LearnerSpec for MaxEntLearner {
    fn name(&self) -> &'static str {
        "maxent-irl"
    }

    fn about(&self) -> &'static str {
        "Maximum-entropy inverse reinforcement learning with a reward network"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["apprentice train maxent-irl --dataset demos/five --run runs/maxent"]
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
        (reward.gradient_penalty_coef, reward.learning_rate) = (0.3, 3e-4);
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(self, job, progress)
    }
}

impl RewardLearner for MaxEntLearner {
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

fn network(spec: &RewardSpec, device: &Device) -> MaxEnt {
    MaxEnt::new(spec.observation.size(), &spec.reward, device)
}
