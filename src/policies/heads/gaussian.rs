//! A Gaussian for each action number.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{HeadConfig, HeadSizes, Likelihood, Targets};

/// Half the logarithm of 2π, the constant of the normal density.
pub(super) const HALF_LN_TAU: f32 = 0.918_938_5;

/// A log standard deviation within its bounds: `low + (tanh(raw) + 1) / 2 (high - low)`, whose gradient, unlike a
/// clamp's, never vanishes altogether.
pub(super) fn bounded<const D: usize>(raw: Tensor<D>, (low, high): (f32, f32)) -> Tensor<D> {
    raw.tanh().add_scalar(1.0).mul_scalar(0.5 * (high - low)).add_scalar(low)
}

/// The number that [`bounded`] makes `value` of.
pub(in crate::policies) fn raw(value: f32, (low, high): (f32, f32)) -> f32 {
    let share = 2.0 * (value - low) / (high - low) - 1.0;
    share.clamp(-0.999, 0.999).atanh()
}

/// Mean and standard deviation of each action number.
#[derive(Module, Debug)]
pub struct Gaussian {
    mean: Linear,
    /// State-dependent: raw log standard deviation from the features.
    spread: Option<Linear>,
    /// State-independent: raw log standard deviation `[chunk * actions]`.
    raw_log_std: Option<Param<Tensor<1>>>,
    #[module(skip)]
    bounds: (f32, f32),
}

impl Gaussian {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let (low, high) = (config.log_std_min, config.log_std_max);
        let numbers = config.chunk * sizes.actions;
        let linear = || LinearConfig::new(sizes.features, numbers).init(device);
        // Start at a standard deviation of 1, the spread of a normalised action.
        let start = raw(0.0, (low, high));
        Self {
            mean: linear(),
            spread: config.state_dependent.then(linear),
            raw_log_std: (!config.state_dependent).then(|| Param::from_tensor(Tensor::full([numbers], start, device))),
            bounds: (low, high),
        }
    }

    /// `[rows, features]` to means and log standard deviations, each `[rows, chunk * actions]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let mean = self.mean.forward(features.clone());
        let raw = match (&self.spread, &self.raw_log_std) {
            (Some(layer), _) => layer.forward(features),
            (None, Some(parameter)) => parameter.val().unsqueeze::<2>().expand(mean.dims()),
            (None, None) => mean.zeros_like(),
        };
        (mean, bounded(raw, self.bounds))
    }

    /// A draw by normal noise `[rows, chunk * actions]`.
    pub(super) fn draw(&self, features: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
        let (mean, log_std) = self.forward(features);
        mean + log_std.exp() * noise
    }

    /// How likely `actions` are.
    pub(super) fn likelihood(&self, features: Tensor<2>, actions: Tensor<2>) -> Likelihood {
        let (mean, log_std) = self.forward(features);
        let squared = ((mean - actions) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
        Likelihood {
            log: (squared + log_std.clone()).add_scalar(HALF_LN_TAU).sum_dim(1).neg(),
            entropy: log_std.add_scalar(HALF_LN_TAU + 0.5).sum_dim(1),
        }
    }

    /// Mean over rows of the negative log-likelihood of a tick's action.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let (mean, log_std) = self.forward(features);
        negative_log_likelihood(mean, log_std, targets)
    }
}

/// Mean over rows and ticks of the negative log density of a tick's action, the sum over its numbers.
fn negative_log_likelihood(mean: Tensor<2>, log_std: Tensor<2>, targets: &Targets) -> Tensor<1> {
    let numbers = mean.dims()[1];
    let squared = ((mean - targets.actions.clone()) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
    targets.mean((squared + log_std).add_scalar(HALF_LN_TAU)).mul_scalar((numbers / targets.chunk) as f32)
}
