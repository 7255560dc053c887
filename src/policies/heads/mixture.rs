//! A mixture of Gaussians (Bishop 1994, Mixture Density Networks), which can hold several ways of acting.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::gaussian::{HALF_LN_TAU, bounded};
use super::{Chance, HeadConfig, HeadSizes, Targets};

/// `components` Gaussians over a whole chunk, each with a share.
#[derive(Module, Debug)]
pub struct Mixture {
    shares: Linear,
    means: Linear,
    spreads: Linear,
    #[module(skip)]
    components: usize,
    #[module(skip)]
    bounds: (f32, f32),
}

impl Mixture {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let linear = |numbers| LinearConfig::new(sizes.features, numbers).init(device);
        let numbers = config.components * config.chunk * sizes.actions;
        Self {
            shares: linear(config.components),
            means: linear(numbers),
            spreads: linear(numbers),
            components: config.components,
            bounds: (config.log_std_min, config.log_std_max),
        }
    }

    /// `[rows, components, chunk * actions]`.
    fn means(&self, features: Tensor<2>) -> Tensor<3> {
        let means = self.means.forward(features);
        let [rows, numbers] = means.dims();
        means.reshape([rows, self.components, numbers / self.components])
    }

    /// Negative log-likelihood of a chunk under the mixture, Bishop's equation 8, a mean over rows.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let log_shares = activation::log_softmax(self.shares.forward(features.clone()), 1);
        let means = self.means(features.clone());
        let log_std = bounded(self.spreads.forward(features).reshape(means.dims()), self.bounds);
        let error = means - targets.actions.clone().unsqueeze_dim::<3>(1);
        let squared = (error * log_std.clone().neg().exp()).square().mul_scalar(0.5);
        let mut costs = (squared + log_std).add_scalar(HALF_LN_TAU);
        if let Some(mask) = targets.element_mask() {
            costs = costs * mask.unsqueeze_dim::<3>(1);
        }
        let logs = log_shares - costs.sum_dim(2).squeeze_dim::<2>(2);
        targets.row_mean(log_sum_exp(logs).neg())
    }

    /// The mean of a Gaussian that is drawn by the shares. Its own spread is left out: it is mostly the noise of the
    /// demonstrator's hands (as robomimic's low-noise evaluation).
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let shares = activation::softmax(self.shares.forward(features.clone()), 1);
        let chosen = draw(shares, 1, chance);
        (self.means(features) * chosen.swap_dims(1, 2)).sum_dim(1).squeeze_dim(1)
    }
}

/// Logarithm of the sum of exponentials of each row, `[rows, 1]`.
fn log_sum_exp(logs: Tensor<2>) -> Tensor<2> {
    // The largest is taken out first, so that nothing overflows; it is a constant to the gradient.
    let largest = logs.clone().detach().max_dim(1);
    (logs - largest.clone()).exp().sum_dim(1).log() + largest
}

/// Draw from distributions: probabilities `[rows, groups * values]`, each group of a row adding up to 1, to ones and
/// zeros `[rows, groups, values]`.
pub(super) fn draw(probabilities: Tensor<2>, groups: usize, chance: &mut Chance<'_>) -> Tensor<3> {
    let uniform = chance.uniform(probabilities.dims()[0], groups);
    drawn(probabilities, groups, uniform)
}

/// The same by given numbers, `[rows * groups]`, uniform in 0..1.
pub(super) fn drawn(probabilities: Tensor<2>, groups: usize, uniform: Vec<f32>) -> Tensor<3> {
    let [rows, columns] = probabilities.dims();
    let (device, values) = (probabilities.device(), columns / groups);
    let probabilities: Vec<f32> = probabilities.into_data().iter::<f32>().collect();
    let mut chosen = vec![0.0f32; rows * columns];
    for ((group, out), uniform) in probabilities.chunks(values).zip(chosen.chunks_mut(values)).zip(uniform) {
        let mut left = uniform;
        let index = group.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        // Rounding may leave a little after the last.
        out[index.unwrap_or(values - 1)] = 1.0;
    }
    Tensor::from_data(TensorData::new(chosen, [rows, groups, values]), &device)
}
