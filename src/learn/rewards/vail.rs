//! Variational adversarial imitation learning (Peng et al. 2019, arXiv:1810.00821): the discriminator sees its input
//! through an information bottleneck, so that it cannot use irrelevant details.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::adversarial::build_reward;
use super::gail::cross_entropy;
use super::reward_net::{DiscriminatorLoss, RewardNet};
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use super::stored_network::load_network;
use super::transitions::Batch;
use crate::learn::core::discriminator::{Trunk, TrunkOutput, gradient_penalty};

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
    fn trunk(&self, batch: &Batch) -> TrunkOutput {
        self.trunk.forward(None, Tensor::cat(vec![batch.observations.clone(), batch.actions.clone()], 1))
    }
}

impl RewardNet for Vail {
    const HAS_BOTTLENECK: bool = true;

    fn new(spec: &RewardSpec, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let last = spec.reward.hidden_sizes[spec.reward.hidden_sizes.len() - 1];
        Self {
            trunk: Trunk::new(0, spec.observation.size() + spec.action.size(), &spec.reward.hidden_sizes, device),
            mean: linear(last, spec.reward.latent_dim),
            log_std: linear(last, spec.reward.latent_dim),
            score: linear(spec.reward.latent_dim, 1),
        }
    }

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
pub(super) static VAIL: RewardLearner = RewardLearner {
    name: "vail",
    about: "GAIL with a variational information bottleneck in the discriminator",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --dataset demos/five",
        "apprentice train vail --dataset demos/five --run runs/vail",
        "apprentice reward show runs/vail --scene slalom --map vail.png",
    ],
    needs_actions: true,
    reward_uses_actions: true,
    supports_recurrent: true,
    is_linear: false,
    set_defaults: |_| {},
    build_reward: build_reward::<Vail>,
    load_network: load_network::<Vail>,
};
