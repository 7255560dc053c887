//! Maximum-entropy inverse reinforcement learning with a network (Ziebart et al. 2008; Wulfmeier et al. 2015,
//! arXiv:1507.04888), its expectation over the agent taken from what the agent does while it learns from the reward (Finn et
//! al. 2016, guided cost learning, arXiv:1603.00448, equation 5 with even weights).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::RewardConfig;
use super::airl::bounded;
use super::judge::{Judge, Lost};
use super::moves::Batch;
use crate::learn::discriminator::half_square;
use crate::learn::{Discriminator, Judgement};

/// The reward of what was seen after a tick.
#[derive(Module, Debug)]
pub(super) struct MaxEnt {
    reward: Discriminator,
}

impl MaxEnt {
    pub fn new(wide: usize, config: &RewardConfig, device: &Device) -> Self {
        Self { reward: Discriminator::new((0, wide), &config.hidden, device) }
    }

    fn of(&self, batch: &Batch) -> Judgement {
        self.reward.forward(None, batch.next.clone())
    }
}

impl Judge for MaxEnt {
    const LIKELY: bool = true;

    /// The gradient of the demonstrations' log-likelihood: their reward up, the agent's down.
    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, _noise: Tensor<2>) -> Lost {
        let (shown, acted) = (self.of(shown), self.of(acted));
        let penalty = half_square(shown.slope) + half_square(acted.slope);
        let middle = (shown.score.clone().mean() + acted.score.clone().mean()).mul_scalar(0.5);
        let middle = middle.unsqueeze::<2>();
        Lost {
            loss: acted.score.clone().mean() - shown.score.clone().mean() + penalty.mul_scalar(config.penalty),
            shown: shown.score - middle.clone(),
            acted: acted.score - middle,
            passed: None,
        }
    }

    /// The reward and the entropy, at a temperature of 1: less how likely the agent was to do what it did.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        self.of(acted).score - bounded(&acted.logs)
    }

    /// The reward alone.
    fn worth(&self, moves: &Batch) -> Tensor<2> {
        self.of(moves).score
    }
}
