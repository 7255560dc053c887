//! A deterministic action, trained with the mean squared error.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::{HeadConfig, HeadSizes, Targets};

/// A linear layer from features to an action chunk.
#[derive(Module, Debug)]
pub struct SquaredError {
    mean: Linear,
}

impl SquaredError {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        Self { mean: LinearConfig::new(sizes.features, config.chunk_size * sizes.actions).init(device) }
    }

    /// `[rows, features]` to `[rows, chunk_size * actions]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.mean.forward(features)
    }

    /// Squared error, a mean over rows and numbers.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        targets.mean((self.forward(features) - targets.actions.clone()).square())
    }
}
