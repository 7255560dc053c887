//! A conditional variational autoencoder of the action (Kingma & Welling 2013, arXiv:1312.6114; Sohn et al. 2015). The
//! latent variable represents the modes of the demonstrations.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::log_std::bounded;
use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::trunks::{Activation, Mlp};
use crate::policies::{BatchRng, PolicyError};

/// Bounds of the encoder's log standard deviation: far enough apart not to matter, finite so that nothing overflows.
pub(super) const LATENT_LOG_STD_BOUNDS: (f32, f32) = (-6.0, 2.0);

/// Encoder `q(z | features, actions)`, decoder `p(actions | features, z)`, prior `N(0, 1)`.
#[derive(Module, Debug)]
pub struct Vae {
    encoder: Mlp,
    mean: Linear,
    log_std: Linear,
    decoder: Mlp,
    actions: Linear,
    #[module(skip)]
    latent_dim: usize,
    #[module(skip)]
    kl_weight: f32,
}

impl Vae {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let columns = config.chunk_size * sizes.actions;
        let hidden_sizes = vec![config.hidden_size; config.num_layers];
        let mlp = |inputs| Mlp::new(&hidden_sizes, Activation::Relu, false, inputs, device);
        let linear = |outputs| LinearConfig::new(config.hidden_size, outputs).init(device);
        Self {
            encoder: mlp(sizes.features + columns),
            mean: linear(config.latent_dim),
            log_std: linear(config.latent_dim),
            decoder: mlp(sizes.features + config.latent_dim),
            actions: linear(columns),
            latent_dim: config.latent_dim,
            kl_weight: config.kl_weight,
        }
    }

    fn decode(&self, features: Tensor<2>, latent: Tensor<2>) -> Tensor<2> {
        self.actions.forward(self.decoder.forward(Tensor::cat(vec![features, latent], 1), &[]))
    }
}

impl HeadModule for Vae {
    /// Squared reconstruction error, a mean over numbers, plus `kl_weight` times the KL divergence of the encoder's
    /// Gaussian from the prior (Kingma & Welling, appendix B), a mean over rows.
    fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss {
        let actions = targets.masked(targets.actions.clone());
        let hidden = self.encoder.forward(Tensor::cat(vec![features.clone(), actions], 1), &[]);
        let mean = self.mean.forward(hidden.clone());
        let log_std = bounded(self.log_std.forward(hidden), LATENT_LOG_STD_BOUNDS);
        let latent = reparameterize(mean.clone(), log_std.clone(), rng);
        let reconstruction = targets.mean((self.decode(features, latent) - targets.actions.clone()).square());
        let kl = targets.row_mean(kl_divergence(mean, log_std));
        let total = reconstruction.clone() + kl.clone().mul_scalar(self.kl_weight);
        Loss { total, components: vec![("train/reconstruction_loss", reconstruction), ("train/kl_loss", kl)] }
    }

    /// The decoder's output for a latent variable sampled from the prior.
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let latent = rng.normal(features.dims()[0], self.latent_dim, &features.device());
        self.decode(features, latent)
    }
}

/// The kind `vae`.
pub(super) struct VaeSpec;

impl HeadKind {
    /// A conditional variational autoencoder.
    pub const VAE: Self = Self::new(&VaeSpec);
}

impl HeadSpec for VaeSpec {
    fn name(&self) -> &'static str {
        "vae"
    }

    fn about(&self) -> &'static str {
        "A conditional variational autoencoder."
    }

    fn type_name(&self) -> &'static str {
        "Vae"
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(Vae::new(config, sizes, device)))
    }
}

/// A sample of a Gaussian through which gradients flow (reparameterization trick; Kingma & Welling, section 2.4).
pub(super) fn reparameterize(mean: Tensor<2>, log_std: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
    let [rows, columns] = mean.dims();
    let noise = rng.normal(rows, columns, &mean.device());
    mean + log_std.exp() * noise
}

/// KL divergence of Gaussians `[rows, latent_dim]` from the standard normal, the sum over `latent_dim`: `[rows, 1]`.
pub(super) fn kl_divergence(mean: Tensor<2>, log_std: Tensor<2>) -> Tensor<2> {
    let variance = log_std.clone().mul_scalar(2.0).exp();
    (mean.square() + variance).sub_scalar(1.0).mul_scalar(0.5).sub(log_std).sum_dim(1)
}
