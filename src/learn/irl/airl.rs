//! Adversarial inverse reinforcement learning (Fu et al. 2018, arXiv:1710.11248): a judge of such a form that a part of it
//! is a reward of the state alone, which serves elsewhere, too.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::gail::cross_entropy;
use super::judge::{Judge, Lost};
use super::moves::Batch;
use crate::learn::Discriminator;
use crate::learn::discriminator::half_square;

/// What is least and most likely is told apart no further than this, in nats: keys press pedals to their bounds, where a
/// Gaussian has hardly any density.
const LIKELIHOODS: (f32, f32) = (-8.0, 8.0);

pub(super) fn bounded(logs: &Tensor<2>) -> Tensor<2> {
    logs.clone().clamp(LIKELIHOODS.0, LIKELIHOODS.1)
}

/// `f(s, s') = g(s') + discount h(s') - h(s)` against the policy's likelihood (equations 4 and 5). The paper's `g` is of
/// the state before; a tick's reward here is for what it led to.
#[derive(Module, Debug)]
pub(super) struct Airl {
    reward: Discriminator,
    shaping: Discriminator,
    #[module(skip)]
    discount: f32,
}

impl Airl {
    pub fn new(wide: usize, discount: f32, config: &RewardConfig, device: &Device) -> Self {
        let worth = || Discriminator::new((0, wide), &config.hidden, device);
        Self { reward: worth(), shaping: worth(), discount }
    }

    /// How demonstrated it is, and the gradient of `g`.
    fn of(&self, batch: &Batch) -> (Tensor<2>, Tensor<2>) {
        let potential = |states: &Tensor<2>| self.shaping.forward(None, states.clone()).score;
        let shaping = potential(&batch.next).mul_scalar(self.discount) - potential(&batch.states);
        let reward = self.reward.forward(None, batch.next.clone());
        (reward.score + shaping - bounded(&batch.logs), reward.slope)
    }
}

impl Judge for Airl {
    const LIKELY: bool = true;

    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> Lost {
        let ((shown, first), (acted, second)) = (self.of(shown), self.of(acted));
        let penalty = half_square(first) + half_square(second);
        let loss = cross_entropy(&shown, &acted) + penalty.mul_scalar(config.penalty);
        Lost { loss, shown, acted, passed: None }
    }

    /// `log D - log(1 - D)`.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        self.of(acted).0
    }

    /// `g` alone.
    fn worth(&self, moves: &Batch) -> Tensor<2> {
        self.reward.forward(None, moves.next.clone()).score
    }
}
