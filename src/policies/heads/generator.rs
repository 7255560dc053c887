//! A generator of actions from noise, whose distribution is whatever it was trained towards.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{Chance, HeadConfig, HeadSizes, Targets};
use crate::policies::trunks::{Activation, Mlp};

/// Features and noise to actions.
#[derive(Module, Debug)]
pub struct Generator {
    hidden: Mlp,
    actions: Linear,
    #[module(skip)]
    latent: usize,
}

impl Generator {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let widths = vec![config.width; config.layers];
        Self {
            hidden: Mlp::new(&widths, Activation::Relu, false, sizes.features + config.latent, device),
            actions: LinearConfig::new(config.width, config.chunk * sizes.actions).init(device),
            latent: config.latent,
        }
    }

    /// The energy score (Gneiting & Raftery 2007, equation 21, with two draws): the distance of a draw from the
    /// demonstrated action, less half the distance of two draws, a mean over rows. At its least, as the likelihood, when
    /// the draws are distributed as the demonstrations; unlike an adversary's loss it can be compared between steps.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets, chance: &mut Chance<'_>) -> Tensor<1> {
        let distance = |a: &Tensor<2>, b: &Tensor<2>| {
            let square = targets.demonstrated((a.clone() - b.clone()).square());
            // The small number keeps the root's gradient finite where two draws meet.
            square.sum_dim(1).add_scalar(1e-8).sqrt()
        };
        let draws = [(); 2].map(|()| self.decide(features.clone(), chance));
        let off = distance(&draws[0], &targets.actions) + distance(&draws[1], &targets.actions);
        targets.row_mean((off - distance(&draws[0], &draws[1])).mul_scalar(0.5))
    }

    /// What the generator makes of noise.
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let noise = chance.normal(features.dims()[0], self.latent, &features.device());
        self.actions.forward(self.hidden.forward(Tensor::cat(vec![features, noise], 1), &[]))
    }
}
