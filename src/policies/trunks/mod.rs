//! The hidden part of a network: what was observed to features, with or without memory.

mod mlp;
mod recurrent;
mod transformer;

pub use mlp::Mlp;
pub use recurrent::{Cell, CellKind, Recurrent};
pub use transformer::Transformer;

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::PolicyError;

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
    pub(super) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(x),
            // The same function: the C library's own was two fifths of the time of `train ppo` on slalom.
            Self::Tanh => activation::sigmoid(x.mul_scalar(2.0)).mul_scalar(2.0).sub_scalar(1.0),
            Self::Gelu => activation::gelu(x),
            Self::Elu => activation::elu(x, 1.0),
        }
    }
}

/// What the hidden part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// A multi-layer perceptron over the last `history` observations side by side.
    #[default]
    Mlp,
    /// Long short-term memory, whose state is carried through the episode.
    Lstm,
    /// Gated recurrent units, whose state is carried through the episode.
    Gru,
    /// A causal transformer over the last `history` observations.
    Transformer,
}

/// Shape of the hidden part of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// What it is.
    pub kind: NetworkKind,
    /// MLP: width of each hidden layer. Two layers of 256 hold tens of thousands of ticks of demonstration and still
    /// infer in microseconds. Empty makes a linear policy.
    pub hidden: Vec<usize>,
    /// MLP and transformer: observations that a decision sees. LSTM and GRU: ticks of a training sequence, since what
    /// lies further back is not learned from. 1 is the newest alone.
    pub history: usize,
    /// LSTM, GRU and transformer: units of a layer.
    pub width: usize,
    /// LSTM, GRU and transformer: how many layers.
    pub layers: usize,
    /// Transformer: parts that the width is split into, each attending by itself.
    pub attention_heads: usize,
    /// Observed lists of numbers, such as a fan of range rays, that a convolution looks over (LeCun et al. 1998) instead of
    /// passing as they are; images always are looked over so.
    pub convolve: Vec<String>,
    /// Numbers that each convolved field becomes.
    pub encoded: usize,
    /// Moments of a demonstration that the policy is shown and asks what to do; 0 for none. Takes `width` and
    /// `attention_heads`.
    pub shown: usize,
    /// Nonlinearity after each hidden layer; in LSTM and GRU after the first, linear one alone.
    pub activation: Activation,
    /// MLP: layer normalisation (Ba et al. 2016, arXiv:1607.06450) before each nonlinearity. Off: observations are
    /// normalised already.
    pub layer_norm: bool,
    /// Probability of dropping a hidden unit in training, in `0..1`: of every layer of an MLP, of the last of the
    /// others. Off: observation noise regularises better here.
    pub dropout: f32,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            kind: NetworkKind::Mlp,
            hidden: vec![256, 256],
            history: 1,
            width: 128,
            layers: 2,
            attention_heads: 4,
            convolve: Vec::new(),
            encoded: 64,
            shown: 0,
            activation: Activation::Relu,
            layer_norm: false,
            dropout: 0.0,
        }
    }
}

/// Widest layer that is accepted. Above it a typing error or a broken file is likelier than intent.
const WIDEST: usize = 16_384;
/// Most hidden layers that are accepted.
const DEEPEST: usize = 32;
/// Longest history that is accepted: a minute of ticks.
const LONGEST: usize = 1800;

impl NetworkConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// A width of zero or above 16,384, no or more than 32 layers, a history of 0 or above 1,800, or of 1 for a network
    /// with memory, a transformer's width that its heads do not divide, or a dropout outside `0..1`.
    pub fn check(&self) -> Result<(), PolicyError> {
        let fail = |message: String| Err(PolicyError::Network { message });
        if self.hidden.len() > DEEPEST {
            return fail(format!("network.hidden has {} layers; at most {DEEPEST}", self.hidden.len()));
        }
        if let Some(width) = self.hidden.iter().find(|w| **w == 0 || **w > WIDEST) {
            return fail(format!("network.hidden has a layer of {width} units; 1 to {WIDEST} are possible"));
        }
        if !(1..=WIDEST).contains(&self.width) {
            return fail(format!("network.width is {}; 1 to {WIDEST} units are possible", self.width));
        }
        if !(1..=LONGEST).contains(&self.history) {
            return fail(format!("network.history is {}; 1 to {LONGEST} ticks are possible", self.history));
        }
        if self.kind != NetworkKind::Mlp && self.history < 2 {
            return fail("network.history is 1; a network with memory needs at least 2 ticks to learn from".into());
        }
        if !(1..=DEEPEST).contains(&self.layers) {
            return fail(format!("network.layers is {}; 1 to {DEEPEST} are possible", self.layers));
        }
        if !(1..=WIDEST).contains(&self.encoded) {
            return fail(format!("network.encoded is {}; 1 to {WIDEST} are possible", self.encoded));
        }
        if self.shown == 1 || self.shown > LONGEST {
            return fail(format!("network.shown is {}; 2 to {LONGEST} moments are possible, or 0", self.shown));
        }
        if self.shown > 0 && (self.kind != NetworkKind::Mlp || self.history > 1) {
            return fail("network.shown needs network.kind mlp and network.history 1".into());
        }
        let heads = self.attention_heads;
        if (self.shown > 0 || self.kind == NetworkKind::Transformer)
            && (heads == 0 || !self.width.is_multiple_of(heads))
        {
            return fail(format!(
                "network.width is {} and network.attention_heads {heads}; the heads must divide the width",
                self.width
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!("network.dropout is {}; it must be at least 0 and below 1", self.dropout));
        }
        Ok(())
    }

    /// Observations that stand side by side in one input.
    pub fn stacked(&self) -> usize {
        if self.kind == NetworkKind::Mlp { self.history } else { 1 }
    }

    /// Inputs in a training sequence, each of which gives features.
    pub fn sequence(&self) -> usize {
        if self.kind == NetworkKind::Mlp { 1 } else { self.history }
    }

    /// Whether a state is carried from tick to tick.
    pub fn is_recurrent(&self) -> bool {
        matches!(self.kind, NetworkKind::Lstm | NetworkKind::Gru)
    }

    /// Numbers of the features for `inputs` numbers of one input.
    pub(super) fn features(&self, inputs: usize) -> usize {
        match self.kind {
            NetworkKind::Mlp => self.hidden.last().copied().unwrap_or(inputs),
            _ => self.width,
        }
    }

    /// Widths of the dropout masks of `[rows, width]` that [`Trunk::forward`] takes, rows counted in inputs.
    pub fn dropped(&self) -> &[usize] {
        match self.kind {
            _ if self.dropout <= 0.0 => &[],
            NetworkKind::Mlp => &self.hidden,
            _ => std::slice::from_ref(&self.width),
        }
    }
}

/// What a recurrent network brings along to a sequence of ticks.
#[derive(Clone, Debug)]
pub struct Carried {
    /// `[rows, state]` before the first tick.
    pub state: Tensor<2>,
    /// `[rows, ticks]`: 0 where a tick begins with nothing remembered, 1 elsewhere; `None` for 1 everywhere.
    pub keeps: Option<Tensor<2>>,
}

/// The hidden part of a network.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a policy has one, and Burn's modules do not go into boxes")]
pub enum Trunk {
    /// Without memory.
    Mlp(Mlp),
    /// With a state.
    Recurrent(Recurrent),
    /// With a window.
    Transformer(Transformer),
}

impl Trunk {
    /// A trunk over inputs of `inputs` numbers.
    pub(super) fn new(config: &NetworkConfig, inputs: usize, device: &Device) -> Self {
        let sizes = (inputs, config.width, config.layers);
        let recurrent = |kind| Self::Recurrent(Recurrent::new(kind, sizes, config.activation, device));
        match config.kind {
            NetworkKind::Mlp => {
                Self::Mlp(Mlp::new(&config.hidden, config.activation, config.layer_norm, inputs, device))
            }
            NetworkKind::Lstm => recurrent(CellKind::Lstm),
            NetworkKind::Gru => recurrent(CellKind::Gru),
            NetworkKind::Transformer => {
                Self::Transformer(Transformer::new(sizes, (config.attention_heads, config.history), device))
            }
        }
    }

    /// `[rows, ticks, inputs]` to features `[rows * ticks, width]`. A recurrent trunk starts from the state zero.
    /// `masks`: dropout masks, or nothing.
    pub fn forward(&self, x: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        let [rows, ticks, _] = x.dims();
        let features = match self {
            Self::Mlp(mlp) => return mlp.forward(x.flatten(0, 1), masks),
            Self::Recurrent(recurrent) => {
                let state = Tensor::zeros([rows, recurrent.state_size()], &x.device());
                recurrent.forward(x, state, None).0
            }
            Self::Transformer(transformer) => transformer.forward(x),
        };
        let width = features.dims()[2];
        let features = features.reshape([rows * ticks, width]);
        match masks.first() {
            Some(mask) => features * mask.clone(),
            None => features,
        }
    }

    /// A recurrent trunk that goes on: `[rows, ticks, inputs]` to features `[rows * ticks, width]` and the state after
    /// the last tick; `None` for a trunk without a state.
    pub(super) fn go_on(&self, x: Tensor<3>, carried: Carried) -> Option<(Tensor<2>, Tensor<2>)> {
        let Self::Recurrent(recurrent) = self else { return None };
        let (features, state) = recurrent.forward(x, carried.state, carried.keeps.as_ref());
        Some((features.flatten(0, 1), state))
    }

    /// Numbers in an agent's state; zero for a trunk without one.
    pub fn state_size(&self) -> usize {
        if let Self::Recurrent(recurrent) = self { recurrent.state_size() } else { 0 }
    }
}
