//! The multi-layer perceptron that maps observations to actions.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::{Head, HeadConfig, HeadOutput, PolicyError};

/// Nonlinearity after each hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(0, x)`: the fastest here, and as good as the others for cloning.
    #[default]
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// `x Φ(x)` (Hendrycks & Gimpel 2016, arXiv:1606.08415).
    Gelu,
    /// `x` above zero, `exp(x) - 1` below (Clevert et al. 2015, arXiv:1511.07289).
    Elu,
}

impl Activation {
    fn apply(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Tanh => activation::tanh(x),
            Self::Gelu => activation::gelu(x),
            Self::Elu => activation::elu(x, 1.0),
        }
    }
}

/// Shape of the hidden part of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Width of each hidden layer. Two layers of 256 hold tens of thousands of ticks of demonstration and still infer
    /// in microseconds. Empty makes a linear policy.
    pub hidden: Vec<usize>,
    /// Nonlinearity after each hidden layer.
    pub activation: Activation,
    /// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) before each nonlinearity. Off: observations are
    /// normalised already.
    pub layer_norm: bool,
    /// Probability of dropping a hidden unit in training, in `0..1`. Off: observation noise regularises better here.
    pub dropout: f32,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { hidden: vec![256, 256], activation: Activation::Relu, layer_norm: false, dropout: 0.0 }
    }
}

/// Widest layer that is accepted. Above it a typing error or a broken file is likelier than intent.
const WIDEST: usize = 16_384;
/// Most hidden layers that are accepted.
const DEEPEST: usize = 32;

impl NetworkConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// A width of zero or above 16,384, more than 32 layers, or a dropout outside `0..1`.
    pub fn check(&self) -> Result<(), PolicyError> {
        let fail = |message: String| Err(PolicyError::Network { message });
        if self.hidden.len() > DEEPEST {
            return fail(format!("network.hidden has {} layers; at most {DEEPEST}", self.hidden.len()));
        }
        if let Some(width) = self.hidden.iter().find(|w| **w == 0 || **w > WIDEST) {
            return fail(format!("network.hidden has a layer of {width} units; 1 to {WIDEST} are possible"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!("network.dropout is {}; it must be at least 0 and below 1", self.dropout));
        }
        Ok(())
    }
}

/// How a parameter starts before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Uniform in `-bound..bound`.
    Uniform(f32),
    /// Every element the same.
    Constant(f32),
}

/// Gives a parameter's elements (row-major) by name and shape: from a generator for a new network, from a file for a
/// stored one.
pub trait ParameterSource {
    /// The `shape`'s elements for the parameter `name`.
    ///
    /// # Errors
    /// When the source lacks the parameter or has it in another shape.
    fn parameter(&mut self, name: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError>;
}

/// A parameter of rank `D` from `source`.
pub(super) fn parameter<const D: usize>(
    source: &mut dyn ParameterSource,
    name: &str,
    shape: [usize; D],
    initial: Initial,
    device: &Device,
) -> Result<Param<Tensor<D>>, PolicyError> {
    let values = source.parameter(name, &shape, initial)?;
    Ok(Param::from_data(TensorData::new(values, shape), device))
}

/// A linear layer `[inputs] -> [outputs]` from `source`. Starts as `U(-1/sqrt(inputs), 1/sqrt(inputs))`, as PyTorch's.
pub(super) fn linear(
    source: &mut dyn ParameterSource,
    name: &str,
    inputs: usize,
    outputs: usize,
    device: &Device,
) -> Result<Linear, PolicyError> {
    let initial = Initial::Uniform(1.0 / (inputs as f32).sqrt());
    Ok(Linear {
        weight: parameter(source, &format!("{name}.weight"), [inputs, outputs], initial, device)?,
        bias: Some(parameter(source, &format!("{name}.bias"), [outputs], initial, device)?),
    })
}

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
    fn new(
        config: &NetworkConfig,
        inputs: usize,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut layers = Vec::with_capacity(config.hidden.len());
        let mut norms = Vec::new();
        let mut width = inputs;
        for (i, &next) in config.hidden.iter().enumerate() {
            layers.push(linear(source, &format!("trunk.layers.{i}"), width, next, device)?);
            if config.layer_norm {
                let mut norm = LayerNormConfig::new(next).init(device);
                let name = format!("trunk.norms.{i}");
                norm.gamma = parameter(source, &format!("{name}.gamma"), [next], Initial::Constant(1.0), device)?;
                norm.beta = Some(parameter(source, &format!("{name}.beta"), [next], Initial::Constant(0.0), device)?);
                norms.push(norm);
            }
            width = next;
        }
        Ok(Self { layers, norms, activation: config.activation })
    }

    /// `[rows, inputs]` to `[rows, last width]`. `masks` holds one `[rows, width]` dropout mask (zero or
    /// `1 / (1 - probability)`) for each layer, or nothing.
    fn forward(&self, mut x: Tensor<2>, masks: &[Tensor<2>]) -> Tensor<2> {
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

/// Hidden layers and head: normalised observations in, the distribution of normalised actions out.
#[derive(Module, Debug)]
pub struct Network {
    trunk: Mlp,
    head: Head,
}

impl Network {
    /// Build a network of `inputs` observation numbers and `outputs` action numbers on `device`.
    ///
    /// # Errors
    /// Settings out of range, or a parameter that `source` cannot give.
    pub fn new(
        network: &NetworkConfig,
        head: &HeadConfig,
        (inputs, outputs): (usize, usize),
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        network.check()?;
        head.check()?;
        let trunk = Mlp::new(network, inputs, source, device)?;
        let width = network.hidden.last().copied().unwrap_or(inputs);
        Ok(Self { trunk, head: Head::new(head, width, outputs, source, device)? })
    }

    /// `[rows, inputs]` normalised observations to the head's output for `[rows, outputs]` normalised actions. `masks`:
    /// one dropout mask `[rows, width]` for each hidden layer in training, empty otherwise.
    pub fn forward(&self, observations: Tensor<2>, masks: &[Tensor<2>]) -> HeadOutput {
        self.head.forward(self.trunk.forward(observations, masks))
    }

    /// The most likely normalised action `[rows, outputs]` alone.
    pub fn mean(&self, observations: Tensor<2>) -> Tensor<2> {
        self.head.mean(self.trunk.forward(observations, &[]))
    }
}
