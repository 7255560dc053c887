//! A discriminator: a network that classifies its input as demonstrated or not.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

/// Negative slope of the leaky ReLU. Not zero, so that the gradient by the input never vanishes.
const NEGATIVE_SLOPE: f64 = 0.2;

/// Hidden layers whose gradient by their input is available in closed form.
#[derive(Module, Debug)]
pub(in crate::learn) struct Trunk {
    condition: Option<Linear>,
    input: Linear,
    layers: Vec<Linear>,
}

/// The output of the hidden layers.
pub(in crate::learn) struct TrunkOutput {
    /// Activations of the last layer, `[rows, hidden size]`.
    pub features: Tensor<2>,
    /// Derivatives of the activation functions, for each layer.
    activation_slopes: Vec<Tensor<2>>,
}

/// Scores an input `[rows, input_dim]`, given a condition `[rows, condition_dim]` where there is one. A score above
/// zero means "classified as demonstrated".
#[derive(Module, Debug)]
pub struct Discriminator {
    trunk: Trunk,
    score: Linear,
}

/// The output of a [`Discriminator`].
#[derive(Clone, Debug)]
pub struct DiscriminatorOutput {
    /// The score (logit), `[rows, 1]`.
    pub score: Tensor<2>,
    /// Gradient of the score by the input, `[rows, input_dim]`.
    pub input_gradient: Tensor<2>,
    /// Activations of the last hidden layer, `[rows, hidden size]`.
    pub features: Tensor<2>,
}

impl Trunk {
    /// Layers of the given sizes over an input and, with `condition_dim > 0`, a condition.
    pub(in crate::learn) fn new(
        condition_dim: usize,
        input_dim: usize,
        hidden_sizes: &[usize],
        device: &Device,
    ) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            condition: (condition_dim > 0).then(|| linear(condition_dim, hidden_sizes[0])),
            input: LinearConfig::new(input_dim, hidden_sizes[0]).with_bias(condition_dim == 0).init(device),
            layers: hidden_sizes.windows(2).map(|pair| linear(pair[0], pair[1])).collect(),
        }
    }

    pub(in crate::learn) fn forward(&self, condition: Option<Tensor<2>>, input: Tensor<2>) -> TrunkOutput {
        let mut x = self.input.forward(input);
        if let (Some(layer), Some(condition)) = (&self.condition, condition) {
            x = layer.forward(condition) + x;
        }
        let mut activation_slopes = vec![activation_slope(&x)];
        x = activation::leaky_relu(x, NEGATIVE_SLOPE);
        for layer in &self.layers {
            x = layer.forward(x);
            activation_slopes.push(activation_slope(&x));
            x = activation::leaky_relu(x, NEGATIVE_SLOPE);
        }
        TrunkOutput { features: x, activation_slopes }
    }

    /// Gradient, by the input, of the dot product of the features and `weights` `[hidden size, 1]`: `[rows,
    /// input_dim]`. It is computed as an explicit product of matrices, so that a penalty on it is differentiable with a
    /// single backward pass.
    pub(in crate::learn) fn input_gradient(&self, output: &TrunkOutput, weights: Tensor<2>) -> Tensor<2> {
        let rows = output.features.dims()[0];
        let weights = weights.swap_dims(0, 1);
        let mut gradient = weights.clone().expand([rows, weights.dims()[1]]);
        let transposed = |layer: &Linear| layer.weight.val().swap_dims(0, 1);
        for (layer, slope) in self.layers.iter().zip(&output.activation_slopes[1..]).rev() {
            gradient = (gradient * slope.clone()).matmul(transposed(layer));
        }
        (gradient * output.activation_slopes[0].clone()).matmul(transposed(&self.input))
    }
}

impl Discriminator {
    /// Layers of the given sizes. With `condition_dim` 0, it takes no condition.
    ///
    /// # Panics
    /// `hidden_sizes` is empty.
    pub fn new(condition_dim: usize, input_dim: usize, hidden_sizes: &[usize], device: &Device) -> Self {
        let score = LinearConfig::new(hidden_sizes[hidden_sizes.len() - 1], 1).init(device);
        Self { trunk: Trunk::new(condition_dim, input_dim, hidden_sizes, device), score }
    }

    /// Scores inputs `[rows, input_dim]`.
    pub fn forward(&self, condition: Option<Tensor<2>>, input: Tensor<2>) -> DiscriminatorOutput {
        let trunk = self.trunk.forward(condition, input);
        let input_gradient = self.trunk.input_gradient(&trunk, self.score.weight.val());
        let score = self.score.forward(trunk.features.clone());
        DiscriminatorOutput { score, input_gradient, features: trunk.features }
    }
}

/// Derivative of the leaky ReLU, detached from the graph.
fn activation_slope(x: &Tensor<2>) -> Tensor<2> {
    let positive = x.clone().detach().greater_elem(0.0).float();
    positive.mul_scalar(1.0 - NEGATIVE_SLOPE).add_scalar(NEGATIVE_SLOPE)
}

/// Half the mean squared norm of gradients `[rows, input_dim]` (R1 and R2 of Mescheder et al. 2018, arXiv:1801.04406).
pub fn gradient_penalty(gradient: Tensor<2>) -> Tensor<1> {
    gradient.square().sum_dim(1).mean().mul_scalar(0.5)
}
