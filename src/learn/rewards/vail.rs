//! Variational adversarial imitation learning (Peng et al. 2019, arXiv:1810.00821): the discriminator sees its input
//! through an information bottleneck, so that it cannot use irrelevant details.

use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::gail::cross_entropy;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::{RewardFn, RewardSpec, load_weights};
use super::spec::{REQUIREMENTS, RewardLearner, sections, set_reward_learner_defaults};
use super::train::train_job;
use super::transitions::Batch;
use crate::learn::core::discriminator::{Trunk, TrunkOutput, gradient_penalty};
use crate::learn::core::section::AnySection;
use crate::learn::{
    Curve, LearnedReward, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};

/// Bounds of the logarithm of the code's standard deviation.
const LOG_STD_BOUNDS: (f32, f32) = (-5.0, 1.0);

/// A discriminator over a stochastic code of observation and action.
#[derive(Module, Debug)]
pub(super) struct Vail {
    trunk: Trunk,
    mean: Linear,
    log_std: Linear,
    score: Linear,
}

impl Vail {
    pub fn new(obs_dim: usize, act_dim: usize, config: &RewardConfig, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let last = config.hidden_sizes[config.hidden_sizes.len() - 1];
        Self {
            trunk: Trunk::new(0, obs_dim + act_dim, &config.hidden_sizes, device),
            mean: linear(last, config.latent_dim),
            log_std: linear(last, config.latent_dim),
            score: linear(config.latent_dim, 1),
        }
    }

    fn trunk(&self, batch: &Batch) -> TrunkOutput {
        self.trunk.forward(None, Tensor::cat(vec![batch.observations.clone(), batch.actions.clone()], 1))
    }
}

impl RewardNet for Vail {
    const HAS_BOTTLENECK: bool = true;

    /// With a gradient penalty (the VAIL-GP of section 5.1), of the score at the mean of the code.
    fn loss(&self, expert: &Batch, agent: &Batch, config: &RewardConfig, noise: Tensor<2>) -> DiscriminatorLoss {
        let rows = expert.observations.dims()[0];
        let [all, latent] = noise.dims();
        let weights = self.mean.weight.val().matmul(self.score.weight.val());
        let encode = |batch: &Batch, noise: Tensor<2>| {
            let trunk = self.trunk(batch);
            let penalty = gradient_penalty(self.trunk.input_gradient(&trunk, weights.clone()));
            let mean = self.mean.forward(trunk.features.clone());
            let log_std = self.log_std.forward(trunk.features).clamp(LOG_STD_BOUNDS.0, LOG_STD_BOUNDS.1);
            // KL divergence from the standard normal.
            let kl = (mean.clone().square() + log_std.clone().mul_scalar(2.0).exp()).sub_scalar(1.0).mul_scalar(0.5)
                - log_std.clone();
            (self.score.forward(mean + log_std.exp() * noise), kl.sum_dim(1).mean(), penalty)
        };
        let (expert_scores, expert_kl, expert_penalty) = encode(expert, noise.clone().slice([0..rows, 0..latent]));
        let (agent_scores, agent_kl, agent_penalty) = encode(agent, noise.slice([rows..all, 0..latent]));
        let penalty = (expert_penalty + agent_penalty).mul_scalar(config.gradient_penalty_coef);
        let loss = cross_entropy(&expert_scores, &agent_scores) + penalty;
        DiscriminatorLoss { loss, expert_scores, agent_scores, kl: Some((expert_kl + agent_kl).mul_scalar(0.5)) }
    }

    /// `-log(1 - D)` at the mean of the code.
    fn reward_train(&self, agent: &Batch) -> Tensor<2> {
        activation::softplus(self.score.forward(self.mean.forward(self.trunk(agent).features)), 1.0)
    }
}

/// `apprentice train vail`
pub struct VailLearner;

impl LearnerSpec for VailLearner {
    fn name(&self) -> &'static str {
        "vail"
    }

    fn about(&self) -> &'static str {
        "GAIL with a variational information bottleneck in the discriminator"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["apprentice train vail --dataset demos/five --run runs/vail"]
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

impl RewardLearner for VailLearner {
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

fn network(spec: &RewardSpec, device: &Device) -> Vail {
    Vail::new(spec.observation.size(), spec.action.size(), &spec.reward, device)
}
