//! A deterministic action, trained with the mean squared error.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::{BatchRng, PolicyError};

/// A linear layer from features to an action chunk.
#[derive(Module, Debug)]
pub struct SquaredError {
    mean: Linear,
}

impl SquaredError {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        Self { mean: LinearConfig::new(sizes.features, config.chunk_size * sizes.actions).init(device) }
    }
}

impl HeadModule for SquaredError {
    /// Squared error, a mean over rows and numbers.
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        targets.mean((self.mean.forward(features) - targets.actions.clone()).square()).into()
    }

    fn predict(&self, features: Tensor<2>, _rng: &mut BatchRng<'_>) -> Tensor<2> {
        self.mean.forward(features)
    }
}

/// The kind `squared_error`.
pub(super) struct SquaredErrorSpec;

impl HeadKind {
    /// A deterministic action; the loss is the mean squared error.
    pub const SQUARED_ERROR: Self = Self::new(&SquaredErrorSpec);
}

impl HeadSpec for SquaredErrorSpec {
    fn name(&self) -> &'static str {
        "squared_error"
    }

    fn about(&self) -> &'static str {
        "A deterministic action; the loss is the mean squared error."
    }

    fn type_name(&self) -> &'static str {
        "SquaredError"
    }

    fn is_stochastic(&self) -> bool {
        false
    }

    fn mean_layer(&self) -> Option<&'static str> {
        Some("mean")
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(SquaredError::new(config, sizes, device)))
    }
}
