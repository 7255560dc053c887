//! Variational adversarial imitation (Peng et al. 2019, arXiv:1810.00821): the judge sees what it judges through a
//! bottleneck, so that it cannot tell by what does not matter.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::gail::cross_entropy;
use super::judge::{Judge, Lost};
use super::moves::Batch;

/// Bounds of the logarithm of what passes' standard deviation.
const SPREAD: (f32, f32) = (-5.0, 1.0);

/// Judges what was seen and done by a noisy code of it.
#[derive(Module, Debug)]
pub(super) struct Vail {
    layers: Vec<Linear>,
    mean: Linear,
    spread: Linear,
    score: Linear,
}

impl Vail {
    pub fn new((wide, narrow): (usize, usize), config: &RewardConfig, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let widths: Vec<usize> = [wide + narrow].into_iter().chain(config.hidden.iter().copied()).collect();
        let last = widths[widths.len() - 1];
        Self {
            layers: widths.windows(2).map(|pair| linear(pair[0], pair[1])).collect(),
            mean: linear(last, config.latent),
            spread: linear(last, config.latent),
            score: linear(config.latent, 1),
        }
    }

    /// Mean and logarithm of the standard deviation of the code, each `[rows, latent]`.
    fn code(&self, batch: &Batch) -> (Tensor<2>, Tensor<2>) {
        let mut x = Tensor::cat(vec![batch.states.clone(), batch.actions.clone()], 1);
        for layer in &self.layers {
            x = activation::relu(layer.forward(x));
        }
        (self.mean.forward(x.clone()), self.spread.forward(x).clamp(SPREAD.0, SPREAD.1))
    }
}

impl Judge for Vail {
    const NARROW: bool = true;

    fn loss(&self, shown: &Batch, acted: &Batch, _config: &RewardConfig, noise: Tensor<2>) -> Lost {
        let rows = shown.states.dims()[0];
        let [all, latent] = noise.dims();
        let code = |batch: &Batch, noise: Tensor<2>| {
            let (mean, log) = self.code(batch);
            // Divergence from the standard normal.
            let passed = (mean.clone().square() + log.clone().mul_scalar(2.0).exp()).sub_scalar(1.0).mul_scalar(0.5)
                - log.clone();
            (self.score.forward(mean + log.exp() * noise), passed.sum_dim(1).mean())
        };
        let (shown, first) = code(shown, noise.clone().slice([0..rows, 0..latent]));
        let (acted, second) = code(acted, noise.slice([rows..all, 0..latent]));
        Lost { loss: cross_entropy(&shown, &acted), shown, acted, passed: Some((first + second).mul_scalar(0.5)) }
    }

    /// `-log(1 - D)` at the mean of the code.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        activation::softplus(self.score.forward(self.code(acted).0), 1.0)
    }
}
