//! Adversarial inverse reinforcement learning (Fu et al. 2018, arXiv:1710.11248): a judge of such a form that a part of it
//! is a reward of the state alone, which serves elsewhere, too.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::RewardConfig;
use super::gail::cross_entropy;
use super::judge::{Judge, Lost};
use super::moves::Batch;

/// What is least and most likely is told apart no further than this, in nats: keys press pedals to their bounds, where a
/// Gaussian has hardly any density.
const LIKELIHOODS: (f32, f32) = (-8.0, 8.0);

pub(super) fn bounded(logs: &Tensor<2>) -> Tensor<2> {
    logs.clone().clamp(LIKELIHOODS.0, LIKELIHOODS.1)
}

/// A network of one number.
#[derive(Module, Debug)]
struct Worth {
    layers: Vec<Linear>,
    last: Linear,
}

impl Worth {
    fn new(wide: usize, widths: &[usize], device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let all: Vec<usize> = [wide].into_iter().chain(widths.iter().copied()).collect();
        Self {
            layers: all.windows(2).map(|pair| linear(pair[0], pair[1])).collect(),
            last: linear(all[all.len() - 1], 1),
        }
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for layer in &self.layers {
            x = activation::relu(layer.forward(x));
        }
        self.last.forward(x)
    }
}

/// `f(s, s') = g(s') + discount h(s') - h(s)` against the policy's likelihood (equations 4 and 5). The paper's `g` is of
/// the state before; a tick's reward here is for what it led to.
#[derive(Module, Debug)]
pub(super) struct Airl {
    reward: Worth,
    shaping: Worth,
    #[module(skip)]
    discount: f32,
}

impl Airl {
    pub fn new(wide: usize, discount: f32, config: &RewardConfig, device: &Device) -> Self {
        let worth = || Worth::new(wide, &config.hidden, device);
        Self { reward: worth(), shaping: worth(), discount }
    }

    fn of(&self, batch: &Batch) -> Tensor<2> {
        let shaping = self.shaping.forward(batch.next.clone()).mul_scalar(self.discount)
            - self.shaping.forward(batch.states.clone());
        self.reward.forward(batch.next.clone()) + shaping - bounded(&batch.logs)
    }
}

impl Judge for Airl {
    const LIKELY: bool = true;

    fn loss(&self, shown: &Batch, acted: &Batch, _config: &RewardConfig, _noise: Tensor<2>) -> Lost {
        let (shown, acted) = (self.of(shown), self.of(acted));
        Lost { loss: cross_entropy(&shown, &acted), shown, acted, passed: None }
    }

    /// `log D - log(1 - D)`.
    fn reward(&self, acted: &Batch) -> Tensor<2> {
        self.of(acted)
    }

    /// `g` alone.
    fn worth(&self, moves: &Batch) -> Tensor<2> {
        self.reward.forward(moves.next.clone())
    }
}
