//! A mixture of Gaussians (mixture density network; Bishop 1994), for multimodal demonstrations.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::log_std::{HALF_LN_TAU, bounded};
use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::{BatchRng, PolicyError};

/// `num_modes` diagonal Gaussians over a whole action chunk, and their mixture weights.
#[derive(Module, Debug)]
pub struct Mixture {
    /// Logits of the mixture weights.
    logits: Linear,
    means: Linear,
    /// Raw log standard deviations.
    log_stds: Linear,
    #[module(skip)]
    num_modes: usize,
    #[module(skip)]
    log_std_bounds: (f32, f32),
}

impl Mixture {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let linear = |outputs| LinearConfig::new(sizes.features, outputs).init(device);
        let outputs = config.num_modes * config.chunk_size * sizes.actions;
        Self {
            logits: linear(config.num_modes),
            means: linear(outputs),
            log_stds: linear(outputs),
            num_modes: config.num_modes,
            log_std_bounds: (config.log_std_min, config.log_std_max),
        }
    }

    /// `[rows, num_modes, chunk_size * actions]`.
    fn means(&self, features: Tensor<2>) -> Tensor<3> {
        let means = self.means.forward(features);
        let [rows, outputs] = means.dims();
        means.reshape([rows, self.num_modes, outputs / self.num_modes])
    }
}

impl HeadModule for Mixture {
    /// Negative log-likelihood of a chunk under the mixture (Bishop 1994, equation 8), a mean over rows.
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        let log_weights = activation::log_softmax(self.logits.forward(features.clone()), 1);
        let means = self.means(features.clone());
        let log_std = bounded(self.log_stds.forward(features).reshape(means.dims()), self.log_std_bounds);
        let error = means - targets.actions.clone().unsqueeze_dim::<3>(1);
        let squared = (error * log_std.clone().neg().exp()).square().mul_scalar(0.5);
        let mut negative_log_densities = (squared + log_std).add_scalar(HALF_LN_TAU);
        if let Some(mask) = targets.element_mask() {
            negative_log_densities = negative_log_densities * mask.unsqueeze_dim::<3>(1);
        }
        let logs = log_weights - negative_log_densities.sum_dim(2).squeeze_dim::<2>(2);
        targets.row_mean(log_sum_exp(logs).neg()).into()
    }

    /// The mean of one Gaussian, sampled by the mixture weights. No noise is added to it, since the standard deviation is
    /// mostly the demonstrator's own noise (robomimic's `low_noise_eval`).
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let weights = activation::softmax(self.logits.forward(features.clone()), 1);
        let mode = sample_one_hot(weights, 1, rng);
        (self.means(features) * mode.swap_dims(1, 2)).sum_dim(1).squeeze_dim(1)
    }
}

/// The kind `mixture`.
pub(super) struct MixtureSpec;

impl HeadKind {
    /// A mixture of Gaussians (robomimic's `gmm`); the loss is the negative log-likelihood.
    pub const MIXTURE: Self = Self::new(&MixtureSpec);
}

impl HeadSpec for MixtureSpec {
    fn name(&self) -> &'static str {
        "mixture"
    }

    fn about(&self) -> &'static str {
        "A mixture of Gaussians (robomimic's `gmm`); the loss is the negative log-likelihood."
    }

    fn type_name(&self) -> &'static str {
        "Mixture"
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
        Ok(Box::new(Mixture::new(config, sizes, device)))
    }
}

/// Logarithm of the sum of exponentials of each row, `[rows, 1]`.
fn log_sum_exp(logs: Tensor<2>) -> Tensor<2> {
    // The maximum is subtracted first, so that nothing overflows; it is a constant to the gradient.
    let max = logs.clone().detach().max_dim(1);
    (logs - max.clone()).exp().sum_dim(1).log() + max
}

/// Sample from categorical distributions. `probabilities` is `[rows, groups * values]`, where each group of a row sums to
/// 1; the result is one-hot, `[rows, groups, values]`.
pub(super) fn sample_one_hot(probabilities: Tensor<2>, groups: usize, rng: &mut BatchRng<'_>) -> Tensor<3> {
    let uniform = rng.uniform(probabilities.dims()[0], groups);
    one_hot_at(probabilities, groups, uniform)
}

/// The same from given `uniform` numbers in 0..1, `[rows * groups]`: the inverse of the cumulative distribution.
pub(super) fn one_hot_at(probabilities: Tensor<2>, groups: usize, uniform: Vec<f32>) -> Tensor<3> {
    let [rows, columns] = probabilities.dims();
    let (device, values) = (probabilities.device(), columns / groups);
    let probabilities: Vec<f32> = probabilities.into_data().iter::<f32>().collect();
    let mut one_hot = vec![0.0f32; rows * columns];
    for ((group, out), uniform) in probabilities.chunks(values).zip(one_hot.chunks_mut(values)).zip(uniform) {
        let mut rest = uniform;
        let index = group.iter().position(|p| {
            rest -= p;
            rest < 0.0
        });
        // Rounding may leave a small rest after the last value.
        out[index.unwrap_or(values - 1)] = 1.0;
    }
    Tensor::from_data(TensorData::new(one_hot, [rows, groups, values]), &device)
}
