//! Generative adversarial imitation learning (Ho & Ermon 2016, arXiv:1606.03476).

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::judge::{Judge, Lost};
use super::moves::Batch;
use crate::learn::discriminator::half_square;
use crate::learn::{Discriminator, Judgement};

/// Tells what demonstrators did from what the agent does, by what was seen and done.
#[derive(Module, Debug)]
pub(super) struct Gail {
    discriminator: Discriminator,
}

impl Gail {
    pub fn new((wide, narrow): (usize, usize), config: &RewardConfig, device: &Device) -> Self {
        Self { discriminator: Discriminator::new((0, wide + narrow), &config.hidden, device) }
    }

    fn of(&self, batch: &Batch) -> Judgement {
        self.discriminator.forward(None, Tensor::cat(vec![batch.states.clone(), batch.actions.clone()], 1))
    }
}

/// Binary cross-entropy of scores: those of demonstrations are to be above zero, the agent's below.
pub(super) fn cross_entropy(shown: &Tensor<2>, acted: &Tensor<2>) -> Tensor<1> {
    (activation::softplus(shown.clone().neg(), 1.0).mean() + activation::softplus(acted.clone(), 1.0).mean())
        .mul_scalar(0.5)
}

impl Judge for Gail {
    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> Lost {
        let (shown, acted) = (self.of(shown), self.of(acted));
        let penalty = half_square(shown.slope) + half_square(acted.slope);
        Lost {
            loss: cross_entropy(&shown.score, &acted.score) + penalty.mul_scalar(config.penalty),
            shown: shown.score,
            acted: acted.score,
            passed: None,
        }
    }

    /// `-log(1 - D)`, never negative.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        activation::softplus(self.of(acted).score, 1.0)
    }
}
