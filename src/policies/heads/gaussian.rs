//! A diagonal Gaussian.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::log_std::{HALF_LN_TAU, bounded, unbounded};
use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{ActionEvaluation, Loss, Targets};
use crate::policies::{BatchRng, PolicyError};

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
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
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
    fn forward(&self, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let mean = self.mean.forward(features.clone());
        let raw = match (&self.log_std, &self.raw_log_std) {
            (Some(layer), _) => layer.forward(features),
            (None, Some(parameter)) => parameter.val().unsqueeze::<2>().expand(mean.dims()),
            (None, None) => mean.zeros_like(),
        };
        (mean, bounded(raw, self.log_std_bounds))
    }
}

impl HeadModule for Gaussian {
    /// Negative log-likelihood of a tick's action, a mean over rows and ticks.
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        let (mean, log_std) = self.forward(features);
        negative_log_likelihood(mean, log_std, targets).into()
    }

    fn predict(&self, features: Tensor<2>, _rng: &mut BatchRng<'_>) -> Tensor<2> {
        self.forward(features).0
    }

    /// A sample from standard normal `noise` `[rows, chunk_size * actions]`.
    fn sample(&self, features: Tensor<2>, noise: Tensor<2>) -> Option<Tensor<2>> {
        let (mean, log_std) = self.forward(features);
        Some(mean + log_std.exp() * noise)
    }

    /// Log density of `actions` and entropy.
    fn evaluate_actions(&self, features: Tensor<2>, actions: Tensor<2>) -> Option<ActionEvaluation> {
        let (mean, log_std) = self.forward(features);
        let squared = ((mean - actions) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
        Some(ActionEvaluation {
            log_prob: (squared + log_std.clone()).add_scalar(HALF_LN_TAU).sum_dim(1).neg(),
            entropy: log_std.add_scalar(HALF_LN_TAU + 0.5).sum_dim(1),
        })
    }

    /// The negative log-likelihood with the standard deviation fixed at 1: otherwise the loss would also reduce the
    /// standard deviation, and with it the exploration.
    fn bc_loss(&self, features: Tensor<2>, targets: Tensor<2>) -> Option<Tensor<1>> {
        let (mean, _) = self.forward(features);
        Some((mean - targets).square().sum_dim(1).mean().mul_scalar(0.5))
    }

    fn distribution(&self, features: Tensor<2>, _rng: &mut BatchRng<'_>) -> (Tensor<2>, Option<Tensor<2>>) {
        let (mean, log_std) = self.forward(features);
        (mean, Some(log_std))
    }
}

/// The kind `gaussian`.
pub(super) struct GaussianSpec;

impl HeadKind {
    /// A diagonal Gaussian; the loss is the negative log-likelihood.
    pub const GAUSSIAN: Self = Self::new(&GaussianSpec);
}

impl HeadSpec for GaussianSpec {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn about(&self) -> &'static str {
        "A diagonal Gaussian; the loss is the negative log-likelihood."
    }

    fn type_name(&self) -> &'static str {
        "Gaussian"
    }

    fn is_stochastic(&self) -> bool {
        false
    }

    fn mean_layer(&self) -> Option<&'static str> {
        Some("mean")
    }

    fn std_parameter(&self) -> Option<&'static str> {
        Some("raw_log_std")
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(Gaussian::new(config, sizes, device)))
    }
}

/// Negative log density of a tick's action (the sum over its numbers), a mean over rows and ticks.
fn negative_log_likelihood(mean: Tensor<2>, log_std: Tensor<2>, targets: &Targets) -> Tensor<1> {
    let columns = mean.dims()[1];
    let squared = ((mean - targets.actions.clone()) * log_std.clone().neg().exp()).square().mul_scalar(0.5);
    targets.mean((squared + log_std).add_scalar(HALF_LN_TAU)).mul_scalar((columns / targets.chunk_size) as f32)
}
