//! Adversarial motion priors (Peng et al. 2021, arXiv:2104.02180): what is judged is what happened, not what was done, so
//! that demonstrations need no actions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::judge::{Judge, Lost};
use super::moves::Batch;
use crate::learn::discriminator::half_square;
use crate::learn::{Discriminator, Judgement};

/// Tells demonstrated steps from one observation to the next from the agent's.
#[derive(Module, Debug)]
pub(super) struct Amp {
    discriminator: Discriminator,
}

impl Amp {
    pub fn new(wide: usize, config: &RewardConfig, device: &Device) -> Self {
        Self { discriminator: Discriminator::new((0, 2 * wide), &config.hidden, device) }
    }

    fn of(&self, batch: &Batch) -> Judgement {
        // The difference by itself, as it is small beside what is seen.
        let change = (batch.next.clone() - batch.states.clone()).mul_scalar(CHANGE);
        self.discriminator.forward(None, Tensor::cat(vec![batch.states.clone(), change], 1))
    }
}

/// How much larger the change within a tick is made before it is judged.
const CHANGE: f32 = 10.0;

impl Judge for Amp {
    /// Least squares, to 1 and -1 (equation 6), with the gradient penalty of equation 8 on both.
    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> Lost {
        let (shown, acted) = (self.of(shown), self.of(acted));
        let penalty = half_square(shown.slope) + half_square(acted.slope);
        let squares =
            shown.score.clone().sub_scalar(1.0).square().mean() + acted.score.clone().add_scalar(1.0).square().mean();
        Lost {
            loss: squares.mul_scalar(0.5) + penalty.mul_scalar(config.penalty),
            shown: shown.score,
            acted: acted.score,
            passed: None,
        }
    }

    /// Equation 7: between 0 and 1.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        let apart = self.of(acted).score.sub_scalar(1.0).square();
        apart.mul_scalar(-0.25).add_scalar(1.0).clamp_min(0.0)
    }
}
