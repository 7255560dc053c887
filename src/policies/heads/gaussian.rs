//! A diagonal Gaussian.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{ActionEvaluation, HeadConfig, HeadSizes, Targets};

/// Half the logarithm of 2π, the constant of the normal log density.
pub(super) const HALF_LN_TAU: f32 = 0.918_938_5;

/// A log standard deviation within its bounds: `low + (tanh(raw) + 1) / 2 (high - low)`. Unlike a clamp's, its gradient
/// is nowhere zero.
pub(super) fn bounded<const D: usize>(raw: Tensor<D>, (low, high): (f32, f32)) -> Tensor<D> {
    raw.tanh().add_scalar(1.0).mul_scalar(0.5 * (high - low)).add_scalar(low)
}

/// The inverse of [`bounded`].
pub(in crate::policies) fn unbounded(value: f32, (low, high): (f32, f32)) -> f32 {
    let scaled = 2.0 * (value - low) / (high - low) - 1.0;
    scaled.clamp(-0.999, 0.999).atanh()
}

/// Mean and standard deviation of each action number.
#[derive(Module, Debug)]
pub struct Gaussian {
    mean: Linear,
    /// State-dependent: raw log standard deviation from the features.
    log_std: Option<Linear>,
    /// State-independent: raw log standard deviation `[chunk_size * actions]`.
    raw_log_std: Option<Param<Tensor<1>>>,
    #[module(skip)]
    log_std_bounds: (f32, f32),
}

impl Gaussian {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let log_std_bounds = (config.log_std_min, config.log_std_max);
        let columns = config.chunk_size * sizes.actions;
        let linear = || LinearConfig::new(sizes.features, columns).init(device);
        // The initial standard deviation is 1, that of a normalized action.
        let init = unbounded(0.0, log_std_bounds);
        let state_independent = !config.state_dependent_std;
        Self {
            mean: linear(),
            log_std: config.state_dependent_std.then(linear),
            raw_log_std: state_independent.then(|| Param::from_tensor(Tensor::full([columns], init, device))),
            log_std_bounds,
        }
    }

    /// `[rows, features]` to means and log standard deviations, each `[rows, chunk_size * actions]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let mean = self.mean.forward(features.clone());
        let raw = match (&self.log_std, &self.raw_log_std) {
            (Some(layer), _) => layer.forward(features),
            (None, Some(parameter)) => parameter.val().unsqueeze::<2>().expand(mean.dims()),
            (None, None) => mean.zeros_like(),
        };
        (mean, bounded(raw, self.log_std_bounds))
    }

    /// A sample from standard normal `noise` `[rows, chunk_size * actions]`.
    pub(super) fn sample(&self, features: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
        let (mean, log_std) = self.forward(features);
        mean + log_std.exp() * noise
    }

    /// Log density of `actions` and entropy.
    pub(super) fn evaluate_actions(&self, features: Tensor<2>, actions: Tensor<2>) -> ActionEvaluation {
        let (mean, log_std) = self.forward(features);
        let squared = ((mean - actions) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
        ActionEvaluation {
            log_prob: (squared + log_std.clone()).add_scalar(HALF_LN_TAU).sum_dim(1).neg(),
            entropy: log_std.add_scalar(HALF_LN_TAU + 0.5).sum_dim(1),
        }
    }

    /// Negative log-likelihood of a tick's action, a mean over rows and ticks.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let (mean, log_std) = self.forward(features);
        negative_log_likelihood(mean, log_std, targets)
    }
}

/// Negative log density of a tick's action (the sum over its numbers), a mean over rows and ticks.
fn negative_log_likelihood(mean: Tensor<2>, log_std: Tensor<2>, targets: &Targets) -> Tensor<1> {
    let columns = mean.dims()[1];
    let squared = ((mean - targets.actions.clone()) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
    targets.mean((squared + log_std).add_scalar(HALF_LN_TAU)).mul_scalar((columns / targets.chunk_size) as f32)
}
