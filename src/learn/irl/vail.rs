//! Variational adversarial imitation (Peng et al. 2019, arXiv:1810.00821): the judge sees what it judges through a
//! bottleneck, so that it cannot tell by what does not matter.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::gail::cross_entropy;
use super::judge::{Judge, Lost};
use super::moves::Batch;
use crate::learn::discriminator::{Hidden, Trunk, half_square};

/// Bounds of the logarithm of what passes' standard deviation.
const SPREAD: (f32, f32) = (-5.0, 1.0);

/// Judges what was seen and done by a noisy code of it.
#[derive(Module, Debug)]
pub(super) struct Vail {
    trunk: Trunk,
    mean: Linear,
    spread: Linear,
    score: Linear,
}

impl Vail {
    pub fn new((wide, narrow): (usize, usize), config: &RewardConfig, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let last = config.hidden[config.hidden.len() - 1];
        Self {
            trunk: Trunk::new((0, wide + narrow), &config.hidden, device),
            mean: linear(last, config.latent),
            spread: linear(last, config.latent),
            score: linear(config.latent, 1),
        }
    }

    fn hidden(&self, batch: &Batch) -> Hidden {
        self.trunk.forward(None, Tensor::cat(vec![batch.states.clone(), batch.actions.clone()], 1))
    }
}

impl Judge for Vail {
    const NARROW: bool = true;

    /// With a gradient penalty (the VAIL-GP of section 5.1), of the score at the mean of the code.
    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, noise: Tensor<2>) -> Lost {
        let rows = shown.states.dims()[0];
        let [all, latent] = noise.dims();
        let weights = self.mean.weight.val().matmul(self.score.weight.val());
        let code = |batch: &Batch, noise: Tensor<2>| {
            let hidden = self.hidden(batch);
            let penalty = half_square(self.trunk.slope(&hidden, weights.clone()));
            let mean = self.mean.forward(hidden.features.clone());
            let log = self.spread.forward(hidden.features).clamp(SPREAD.0, SPREAD.1);
            // Divergence from the standard normal.
            let passed = (mean.clone().square() + log.clone().mul_scalar(2.0).exp()).sub_scalar(1.0).mul_scalar(0.5)
                - log.clone();
            (self.score.forward(mean + log.exp() * noise), passed.sum_dim(1).mean(), penalty)
        };
        let (shown, first, shown_penalty) = code(shown, noise.clone().slice([0..rows, 0..latent]));
        let (acted, second, acted_penalty) = code(acted, noise.slice([rows..all, 0..latent]));
        let penalty = (shown_penalty + acted_penalty).mul_scalar(config.penalty);
        let loss = cross_entropy(&shown, &acted) + penalty;
        Lost { loss, shown, acted, passed: Some((first + second).mul_scalar(0.5)) }
    }

    /// `-log(1 - D)` at the mean of the code.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        activation::softplus(self.score.forward(self.mean.forward(self.hidden(acted).features)), 1.0)
    }
}
