//! A network that tells demonstrated actions from others.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

/// Slope of the rectifier below zero. Not zero, so that the gradient by the action never vanishes.
const LEAK: f64 = 0.2;

/// Scores a condition `[rows, conditions]`, where there is one, with an action `[rows, actions]`; above zero speaks for a
/// demonstrated one.
#[derive(Module, Debug)]
pub struct Discriminator {
    condition: Option<Linear>,
    action: Linear,
    layers: Vec<Linear>,
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

impl Discriminator {
    /// Layers of the given widths. With `conditions` of 0 there is none.
    ///
    /// # Panics
    /// Without a width.
    pub fn new((conditions, actions): (usize, usize), widths: &[usize], device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            condition: (conditions > 0).then(|| linear(conditions, widths[0])),
            action: LinearConfig::new(actions, widths[0]).with_bias(conditions == 0).init(device),
            layers: widths.windows(2).map(|pair| linear(pair[0], pair[1])).collect(),
            score: linear(widths[widths.len() - 1], 1),
        }
    }

    /// Judge actions `[rows, actions]`. The gradients are written out as products, so that a penalty on them can itself be
    /// differentiated, once and as usual.
    pub fn forward(&self, condition: Option<Tensor<2>>, action: Tensor<2>) -> Judgement {
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
        let rows = x.dims()[0];
        let weight = self.score.weight.val().swap_dims(0, 1);
        let mut gradient = weight.clone().expand([rows, weight.dims()[1]]);
        let transposed = |layer: &Linear| layer.weight.val().swap_dims(0, 1);
        for (layer, slope) in self.layers.iter().zip(&slopes[1..]).rev() {
            gradient = (gradient * slope.clone()).matmul(transposed(layer));
        }
        gradient = (gradient * slopes[0].clone()).matmul(transposed(&self.action));
        Judgement { score: self.score.forward(x.clone()), slope: gradient, features: x }
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
