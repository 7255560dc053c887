//! Generative adversarial imitation learning (Ho & Ermon 2016, arXiv:1606.03476).

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::{RewardFn, RewardSpec, load_weights};
use super::spec::{REQUIREMENTS, RewardLearner, sections, set_reward_learner_defaults};
use super::train::train_job;
use super::transitions::Batch;
use crate::learn::core::discriminator::gradient_penalty;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Curve, Discriminator, DiscriminatorOutput, LearnedReward, LearnerSpec, Progress, Requirements, TrainConfig,
    TrainError, TrainJob, TrainReport,
};

/// A discriminator of expert and agent transitions, over observation and action.
#[derive(Module, Debug)]
pub(super) struct Gail {
    discriminator: Discriminator,
}

impl Gail {
    pub fn new(obs_dim: usize, act_dim: usize, config: &RewardConfig, device: &Device) -> Self {
        Self { discriminator: Discriminator::new(0, obs_dim + act_dim, &config.hidden_sizes, device) }
    }

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
pub struct GailLearner;

impl LearnerSpec for GailLearner {
    fn name(&self) -> &'static str {
        "gail"
    }

    fn about(&self) -> &'static str {
        "Generative adversarial imitation: reinforcement learning on the reward of a discriminator of demonstrations and agent"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene slalom --episodes 5 --dataset demos/five",
            "apprentice train gail --dataset demos/five --run runs/gail",
            "apprentice train gail --dataset demos/five --init-from runs/slalom --run runs/gail-pretrained",
            "apprentice eval --policy runs/gail --scene slalom --horizon 22",
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
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(self, job, progress)
    }
}

impl RewardLearner for GailLearner {
    fn needs_actions(&self) -> bool {
        true
    }

    fn reward_uses_actions(&self) -> bool {
        true
    }

    fn supports_recurrent(&self) -> bool {
        true
    }

    fn build_reward(&self, parts: RewardParts<'_>) -> Result<Box<dyn LearnedReward>, TrainError> {
        let network = network(parts.spec, parts.device);
        parts.with_network(network)
    }

    fn load_network(&self, spec: &RewardSpec, dir: &Path) -> Result<Option<Box<dyn RewardFn>>, TrainError> {
        load_weights(network(spec, &Device::flex()), dir).map(Some)
    }
}

fn network(spec: &RewardSpec, device: &Device) -> Gail {
    Gail::new(spec.observation.size(), spec.action.size(), &spec.reward, device)
}
