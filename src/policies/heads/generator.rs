//! A generator of actions from noise, trained with the energy score or against a discriminator (`train gan`).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::trunks::{Activation, Mlp};
use crate::policies::{BatchRng, PolicyError};

/// An MLP from features and noise to an action chunk.
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Mlp,
    actions: Linear,
    #[module(skip)]
    latent_dim: usize,
}

impl Generator {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let hidden_sizes = vec![config.hidden_size; config.num_layers];
        Self {
            hidden: Mlp::new(&hidden_sizes, Activation::Relu, false, sizes.features + config.latent_dim, device),
            actions: LinearConfig::new(config.hidden_size, config.chunk_size * sizes.actions).init(device),
            latent_dim: config.latent_dim,
        }
    }
}

impl HeadModule for Generator {
    /// Energy score (Gneiting & Raftery 2007, equation 21, with two samples): the distance of a sample from the
    /// demonstrated action minus half the distance between two samples, a mean over rows. As the likelihood, it is minimal
    /// where the samples have the distribution of the demonstrations; unlike an adversarial loss, it can be compared
    /// between training steps.
    fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss {
        let distance = |a: &Tensor<2>, b: &Tensor<2>| {
            let square = targets.masked((a.clone() - b.clone()).square());
            // The small constant keeps the gradient of the square root finite where the two are equal.
            square.sum_dim(1).add_scalar(1e-8).sqrt()
        };
        let samples = [(); 2].map(|()| self.predict(features.clone(), rng));
        let to_target = distance(&samples[0], &targets.actions) + distance(&samples[1], &targets.actions);
        targets.row_mean((to_target - distance(&samples[0], &samples[1])).mul_scalar(0.5)).into()
    }

    /// The generator's output for random noise.
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let noise = rng.normal(features.dims()[0], self.latent_dim, &features.device());
        self.actions.forward(self.hidden.forward(Tensor::cat(vec![features, noise], 1), &[]))
    }
}

/// The kind `generator`.
pub(super) struct GeneratorSpec;

impl HeadKind {
    /// A generator of actions from noise; the loss is the energy score, or the discriminator's loss in `train gan`.
    pub const GENERATOR: Self = Self::new(&GeneratorSpec);
}

impl HeadSpec for GeneratorSpec {
    fn name(&self) -> &'static str {
        "generator"
    }

    fn about(&self) -> &'static str {
        "A generator of actions from noise; the loss is the energy score, or the discriminator's loss in `train gan`."
    }

    fn type_name(&self) -> &'static str {
        "Generator"
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
        Ok(Box::new(Generator::new(config, sizes, device)))
    }
}
