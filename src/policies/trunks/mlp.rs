//! Hidden layers without memory.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::Activation;

/// Hidden layers: linear, optional layer normalisation, nonlinearity, optional dropout.
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
    /// Layers of the given widths over `inputs` numbers.
    pub(in crate::policies) fn new(
        widths: &[usize],
        activation: Activation,
        layer_norm: bool,
        inputs: usize,
        device: &Device,
    ) -> Self {
        let entrances = [inputs].into_iter().chain(widths.iter().copied());
        Self {
            layers: entrances.zip(widths).map(|(from, to)| LinearConfig::new(from, *to).init(device)).collect(),
            norms: widths.iter().filter(|_| layer_norm).map(|w| LayerNormConfig::new(*w).init(device)).collect(),
            activation,
        }
    }

    /// `[rows, inputs]` to `[rows, last width]`. `masks` holds one `[rows, width]` dropout mask (zero or
    /// `1 / (1 - probability)`) for each layer, or nothing.
    pub(in crate::policies) fn forward(&self, mut x: Tensor<2>, masks: &[Tensor<2>]) -> Tensor<2> {
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
