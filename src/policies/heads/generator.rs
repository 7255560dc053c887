//! A generator of actions from noise, trained with the energy score or against a discriminator (`train gan`).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{BatchRng, HeadConfig, HeadSizes, Targets};
use crate::policies::trunks::{Activation, Mlp};

/// An MLP from features and noise to an action chunk.
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Mlp,
    actions: Linear,
    #[module(skip)]
    latent_dim: usize,
}

impl Generator {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let hidden_sizes = vec![config.hidden_size; config.num_layers];
        Self {
            hidden: Mlp::new(&hidden_sizes, Activation::Relu, false, sizes.features + config.latent_dim, device),
            actions: LinearConfig::new(config.hidden_size, config.chunk_size * sizes.actions).init(device),
            latent_dim: config.latent_dim,
        }
    }

    /// Energy score (Gneiting & Raftery 2007, equation 21, with two samples): the distance of a sample from the
    /// demonstrated action minus half the distance between two samples, a mean over rows. As the likelihood, it is minimal
    /// where the samples have the distribution of the demonstrations; unlike an adversarial loss, it can be compared
    /// between training steps.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Tensor<1> {
        let distance = |a: &Tensor<2>, b: &Tensor<2>| {
            let square = targets.masked((a.clone() - b.clone()).square());
            // The small constant keeps the gradient of the square root finite where the two are equal.
            square.sum_dim(1).add_scalar(1e-8).sqrt()
        };
        let samples = [(); 2].map(|()| self.predict(features.clone(), rng));
        let to_target = distance(&samples[0], &targets.actions) + distance(&samples[1], &targets.actions);
        targets.row_mean((to_target - distance(&samples[0], &samples[1])).mul_scalar(0.5))
    }

    /// The generator's output for random noise.
    pub(super) fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let noise = rng.normal(features.dims()[0], self.latent_dim, &features.device());
        self.actions.forward(self.hidden.forward(Tensor::cat(vec![features, noise], 1), &[]))
    }
}
