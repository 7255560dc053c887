//! A network that tells demonstrated actions from others.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

/// Slope of the rectifier below zero. Not zero, so that the gradient by the action never vanishes.
const LEAK: f64 = 0.2;

/// Hidden layers whose gradient by what they see can be written out.
#[derive(Module, Debug)]
pub(super) struct Trunk {
    condition: Option<Linear>,
    action: Linear,
    layers: Vec<Linear>,
}

/// What the hidden layers make of actions.
pub(super) struct Hidden {
    /// The last layer, `[rows, width]`.
    pub features: Tensor<2>,
    /// Slopes of each layer's rectifiers.
    slopes: Vec<Tensor<2>>,
}

/// Scores a condition `[rows, conditions]`, where there is one, with an action `[rows, actions]`; above zero speaks for a
/// demonstrated one.
#[derive(Module, Debug)]
pub struct Discriminator {
    trunk: Trunk,
    score: Linear,
}

/// What a discriminator makes of actions.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// `[rows, 1]`.
    pub score: Tensor<2>,
    /// Gradient of the score by the actions, `[rows, actions]`.
    pub slope: Tensor<2>,
    /// The last hidden layer, `[rows, width]`.
    pub features: Tensor<2>,
}

impl Trunk {
    /// Layers of the given widths over `actions` numbers and, with more than 0, `conditions` others.
    pub(super) fn new((conditions, actions): (usize, usize), widths: &[usize], device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            condition: (conditions > 0).then(|| linear(conditions, widths[0])),
            action: LinearConfig::new(actions, widths[0]).with_bias(conditions == 0).init(device),
            layers: widths.windows(2).map(|pair| linear(pair[0], pair[1])).collect(),
        }
    }

    pub(super) fn forward(&self, condition: Option<Tensor<2>>, action: Tensor<2>) -> Hidden {
        let mut x = self.action.forward(action);
        if let (Some(layer), Some(condition)) = (&self.condition, condition) {
            x = layer.forward(condition) + x;
        }
        let mut slopes = vec![slope(&x)];
        x = activation::leaky_relu(x, LEAK);
        for layer in &self.layers {
            x = layer.forward(x);
            slopes.push(slope(&x));
            x = activation::leaky_relu(x, LEAK);
        }
        Hidden { features: x, slopes }
    }

    /// Gradient, by the actions, of the sum of the features with `weights` `[width, 1]`: `[rows, actions]`. It is written
    /// out as products, so that a penalty on it can itself be differentiated, once and as usual.
    pub(super) fn slope(&self, hidden: &Hidden, weights: Tensor<2>) -> Tensor<2> {
        let rows = hidden.features.dims()[0];
        let weights = weights.swap_dims(0, 1);
        let mut gradient = weights.clone().expand([rows, weights.dims()[1]]);
        let transposed = |layer: &Linear| layer.weight.val().swap_dims(0, 1);
        for (layer, slope) in self.layers.iter().zip(&hidden.slopes[1..]).rev() {
            gradient = (gradient * slope.clone()).matmul(transposed(layer));
        }
        (gradient * hidden.slopes[0].clone()).matmul(transposed(&self.action))
    }
}

impl Discriminator {
    /// Layers of the given widths. With `conditions` of 0 there is none.
    ///
    /// # Panics
    /// Without a width.
    pub fn new(sizes: (usize, usize), widths: &[usize], device: &Device) -> Self {
        let score = LinearConfig::new(widths[widths.len() - 1], 1).init(device);
        Self { trunk: Trunk::new(sizes, widths, device), score }
    }

    /// Judge actions `[rows, actions]`.
    pub fn forward(&self, condition: Option<Tensor<2>>, action: Tensor<2>) -> Judgement {
        let hidden = self.trunk.forward(condition, action);
        let slope = self.trunk.slope(&hidden, self.score.weight.val());
        Judgement { score: self.score.forward(hidden.features.clone()), slope, features: hidden.features }
    }
}

/// Slope of the rectifier, a constant to the gradient.
fn slope(x: &Tensor<2>) -> Tensor<2> {
    let positive = x.clone().detach().greater_elem(0.0).float();
    positive.mul_scalar(1.0 - LEAK).add_scalar(LEAK)
}

/// Half the mean square of gradients `[rows, numbers]`.
pub fn half_square(gradient: Tensor<2>) -> Tensor<1> {
    gradient.square().sum_dim(1).mean().mul_scalar(0.5)
}
