//! Multi-layer perceptron.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::activation::Activation;
use super::module::TrunkModule;
use super::spec::{NetworkConfig, NetworkKind, NetworkSpec, TrunkInput};
use crate::policies::PolicyError;

/// Hidden layers: linear, optional layer normalization, activation, optional dropout.
#[derive(Module, Debug)]
pub struct Mlp {
    /// Linear layers; weights are `[inputs, outputs]`.
    layers: Vec<Linear>,
    /// One for each layer, or none.
    norms: Vec<LayerNorm>,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    /// Layers of `hidden_sizes` units over `inputs` numbers.
    pub fn new(
        hidden_sizes: &[usize],
        activation: Activation,
        layer_norm: bool,
        inputs: usize,
        device: &Device,
    ) -> Self {
        let layer_inputs = [inputs].into_iter().chain(hidden_sizes.iter().copied());
        Self {
            layers: layer_inputs
                .zip(hidden_sizes)
                .map(|(from, to)| LinearConfig::new(from, *to).init(device))
                .collect(),
            norms: hidden_sizes.iter().filter(|_| layer_norm).map(|n| LayerNormConfig::new(*n).init(device)).collect(),
            activation,
        }
    }

    /// `[rows, inputs]` to `[rows, last hidden size]`. `masks` has one dropout mask `[rows, hidden size]` for each layer,
    /// with elements 0 or `1 / (1 - p)`, or is empty.
    pub fn forward(&self, mut x: Tensor<2>, masks: &[Tensor<2>]) -> Tensor<2> {
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if let Some(norm) = self.norms.get(i) {
                x = norm.forward(x);
            }
            x = self.activation.apply(x);
            if let Some(mask) = masks.get(i) {
                x = x * mask.clone();
            }
        }
        x
    }
}

impl TrunkModule for Mlp {
    fn forward(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        Self::forward(self, inputs.flatten(0, 1), masks)
    }
}

/// The kind `mlp`.
pub(super) struct MlpSpec;

impl NetworkKind {
    /// A multi-layer perceptron over the last `n_obs_steps` observations, concatenated.
    pub const MLP: Self = Self::new(&MlpSpec);
}

impl NetworkSpec for MlpSpec {
    fn name(&self) -> &'static str {
        "mlp"
    }

    fn about(&self) -> &'static str {
        "A multi-layer perceptron over the last `n_obs_steps` observations, concatenated."
    }

    fn type_name(&self) -> &'static str {
        "Mlp"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Stacked
    }

    fn input_weight(&self) -> Option<&'static str> {
        Some("layers.0.weight")
    }

    fn features_dim(&self, config: &NetworkConfig, inputs: usize) -> usize {
        config.hidden_sizes.last().copied().unwrap_or(inputs)
    }

    fn dropout_sizes<'a>(&self, config: &'a NetworkConfig) -> &'a [usize] {
        &config.hidden_sizes
    }

    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError> {
        Ok(Box::new(Mlp::new(&config.hidden_sizes, config.activation, config.layer_norm, inputs, device)))
    }
}
