//! A conditional variational autoencoder of the action (Kingma & Welling 2013, arXiv:1312.6114; Sohn et al. 2015): what
//! the demonstrator might as well have done differently is told by a latent variable.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::gaussian::bounded;
use super::{Chance, HeadConfig, HeadSizes, Loss, Targets};
use crate::policies::trunks::{Activation, Mlp};

/// Bounds of the encoder's log standard deviation: wide enough not to matter, finite so that nothing overflows.
pub(super) const LATENT_BOUNDS: (f32, f32) = (-6.0, 2.0);

/// Encoder `q(z | features, actions)`, decoder `p(actions | features, z)`, prior `N(0, 1)`.
#[derive(Module, Debug)]
pub struct Vae {
    encoder: Mlp,
    mean: Linear,
    spread: Linear,
    decoder: Mlp,
    actions: Linear,
    #[module(skip)]
    latent: usize,
    #[module(skip)]
    kl_weight: f32,
}

impl Vae {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let numbers = config.chunk * sizes.actions;
        let widths = vec![config.width; config.layers];
        let mlp = |inputs| Mlp::new(&widths, Activation::Relu, false, inputs, device);
        let linear = |outputs| LinearConfig::new(config.width, outputs).init(device);
        Self {
            encoder: mlp(sizes.features + numbers),
            mean: linear(config.latent),
            spread: linear(config.latent),
            decoder: mlp(sizes.features + config.latent),
            actions: linear(numbers),
            latent: config.latent,
            kl_weight: config.kl_weight,
        }
    }

    fn decode(&self, features: Tensor<2>, latent: Tensor<2>) -> Tensor<2> {
        self.actions.forward(self.decoder.forward(Tensor::cat(vec![features, latent], 1), &[]))
    }

    /// Squared error of the reconstruction, a mean over numbers, and `kl_weight` times the divergence of the encoder's
    /// Gaussian from the prior (Kingma & Welling, appendix B), a mean over rows.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets, chance: &mut Chance<'_>) -> Loss {
        let seen = targets.demonstrated(targets.actions.clone());
        let hidden = self.encoder.forward(Tensor::cat(vec![features.clone(), seen], 1), &[]);
        let mean = self.mean.forward(hidden.clone());
        let log_std = bounded(self.spread.forward(hidden), LATENT_BOUNDS);
        let latent = reparameterized(mean.clone(), log_std.clone(), chance);
        let reconstruction = targets.mean((self.decode(features, latent) - targets.actions.clone()).square());
        let kl = targets.row_mean(divergence(mean, log_std));
        let total = reconstruction.clone() + kl.clone().mul_scalar(self.kl_weight);
        Loss { total, parts: vec![("train/reconstruction", reconstruction), ("train/kl", kl)] }
    }

    /// What the decoder makes of a latent variable drawn from the prior.
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let latent = chance.normal(features.dims()[0], self.latent, &features.device());
        self.decode(features, latent)
    }
}

/// A draw from a Gaussian through which gradients pass (Kingma & Welling, section 2.4).
pub(super) fn reparameterized(mean: Tensor<2>, log_std: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
    let [rows, columns] = mean.dims();
    let noise = chance.normal(rows, columns, &mean.device());
    mean + log_std.exp() * noise
}

/// Divergence of Gaussians `[rows, latent]` from the standard normal, summed over the latent numbers: `[rows, 1]`.
pub(super) fn divergence(mean: Tensor<2>, log_std: Tensor<2>) -> Tensor<2> {
    let variance = log_std.clone().mul_scalar(2.0).exp();
    (mean.square() + variance).sub_scalar(1.0).mul_scalar(0.5).sub(log_std).sum_dim(1)
}
