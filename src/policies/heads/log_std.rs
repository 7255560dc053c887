//! Log standard deviations of Gaussians.

use burn::tensor::Tensor;

/// Half the logarithm of 2π, the constant of the normal log density.
pub(super) const HALF_LN_TAU: f32 = 0.918_938_5;

/// A log standard deviation within its bounds: `low + (tanh(raw) + 1) / 2 (high - low)`. Unlike a clamp's, its gradient
/// is nowhere zero.
pub(super) fn bounded<const D: usize>(raw: Tensor<D>, (low, high): (f32, f32)) -> Tensor<D> {
    raw.tanh().add_scalar(1.0).mul_scalar(0.5 * (high - low)).add_scalar(low)
}

/// The inverse of [`bounded`].
pub(super) fn unbounded(value: f32, (low, high): (f32, f32)) -> f32 {
    let scaled = 2.0 * (value - low) / (high - low) - 1.0;
    scaled.clamp(-0.999, 0.999).atanh()
}
