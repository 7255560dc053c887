//! Trunks: the hidden layers of a network, from observations to features; feedforward or with memory.

mod mlp;
mod recurrent;
mod transformer;

pub use mlp::Mlp;
pub use recurrent::{Cell, CellKind, Recurrent};
pub use transformer::Transformer;

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PolicyError;

/// Activation function after each hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(0, x)`: the fastest here, and as good as the others for behavior cloning.
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
            // tanh(x) = 2 sigmoid(2 x) - 1: the C library's tanh took two fifths of the time of `train ppo` on slalom.
            Self::Tanh => activation::sigmoid(x.mul_scalar(2.0)).mul_scalar(2.0).sub_scalar(1.0),
            Self::Gelu => activation::gelu(x),
            Self::Elu => activation::elu(x, 1.0),
        }
    }
}

/// Kind of trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// A multi-layer perceptron over the last `n_obs_steps` observations, concatenated.
    #[default]
    Mlp,
    /// A long short-term memory; its state is carried through the episode.
    Lstm,
    /// A gated recurrent unit; its state is carried through the episode.
    Gru,
    /// A causal transformer over the last `n_obs_steps` observations.
    Transformer,
}

/// `[network]`: settings of the encoders and the trunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Kind of trunk.
    pub kind: NetworkKind,
    /// MLP: units of each hidden layer (Stable-Baselines3's `net_arch`). Two layers of 256 fit tens of thousands of ticks
    /// of demonstrations and still infer within microseconds. Empty for a linear policy.
    pub hidden_sizes: Vec<usize>,
    /// MLP and transformer: number of observations that the policy receives, the current one last (LeRobot's
    /// `n_obs_steps`). LSTM and GRU: ticks of a training sequence, the length of backpropagation through time. 1 is the
    /// current observation alone.
    pub n_obs_steps: usize,
    /// LSTM and GRU: units of each layer (PyTorch's `hidden_size`). Transformer: size of its tokens (PyTorch's `d_model`),
    /// a multiple of `num_heads`.
    pub hidden_size: usize,
    /// LSTM, GRU and transformer: number of layers (PyTorch's `num_layers`).
    pub num_layers: usize,
    /// Transformer and demonstration encoder: attention heads of a layer (PyTorch's `nhead`).
    pub num_heads: usize,
    /// Names of observation fields that a 1-D convolution encodes (LeCun et al. 1998), such as the distances of a fan of
    /// range rays. Images are always encoded by a 2-D convolution.
    pub conv_features: Vec<String>,
    /// Size of the feature vector of each field that a convolution encodes (Stable-Baselines3's `features_dim`).
    pub feature_size: usize,
    /// One-shot imitation: number of frames to which the conditioning demonstration is subsampled; 0 for a policy without
    /// demonstration conditioning. The attention over them has `hidden_size` units and `num_heads` heads.
    pub n_demonstration_frames: usize,
    /// Activation function after each hidden layer; of LSTM, GRU: after the linear input layer only. The transformer's
    /// activation is always GELU.
    pub activation: Activation,
    /// MLP: layer normalization (Ba et al. 2016, arXiv:1607.06450) before each activation. Off by default, since
    /// observations are normalized already.
    pub layer_norm: bool,
    /// Dropout probability in training, in `0..1` (PyTorch's `p`): after every layer of an MLP, after the last layer of
    /// other trunks. Off by default, since observation noise regularizes better here.
    pub dropout: f32,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            kind: NetworkKind::Mlp,
            hidden_sizes: vec![256, 256],
            n_obs_steps: 1,
            hidden_size: 128,
            num_layers: 2,
            num_heads: 4,
            conv_features: Vec::new(),
            feature_size: 64,
            n_demonstration_frames: 0,
            activation: Activation::Relu,
            layer_norm: false,
            dropout: 0.0,
        }
    }
}

/// Largest number of units of a layer. Above it a typing error or a broken file is likelier than intent.
const MAX_HIDDEN_SIZE: usize = 16_384;
/// Largest number of layers.
const MAX_LAYERS: usize = 32;
/// Largest number of observation steps: a minute of ticks.
const MAX_OBS_STEPS: usize = 1800;

impl NetworkConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// A layer of 0 or more than 16,384 units; no layers or more than 32; `n_obs_steps` of 0, above 1,800, or of 1 for a
    /// trunk with memory; `n_demonstration_frames` of 1, above 1,800, or with a trunk that is not an MLP over one
    /// observation; a `hidden_size` that `num_heads` does not divide; a dropout outside `0..1`.
    pub fn check(&self) -> Result<(), PolicyError> {
        let fail = |message: String| Err(PolicyError::Network { message });
        if self.hidden_sizes.len() > MAX_LAYERS {
            return fail(format!(
                "network.hidden_sizes has {} layers; at most {MAX_LAYERS} are possible",
                self.hidden_sizes.len()
            ));
        }
        if let Some(units) = self.hidden_sizes.iter().find(|units| !(1..=MAX_HIDDEN_SIZE).contains(*units)) {
            return fail(format!(
                "network.hidden_sizes has a layer of {units} units; 1 to {MAX_HIDDEN_SIZE} are possible"
            ));
        }
        if !(1..=MAX_HIDDEN_SIZE).contains(&self.hidden_size) {
            return fail(format!(
                "network.hidden_size is {}; 1 to {MAX_HIDDEN_SIZE} units are possible",
                self.hidden_size
            ));
        }
        if !(1..=MAX_OBS_STEPS).contains(&self.n_obs_steps) {
            return fail(format!("network.n_obs_steps is {}; 1 to {MAX_OBS_STEPS} are possible", self.n_obs_steps));
        }
        if self.kind != NetworkKind::Mlp && self.n_obs_steps < 2 {
            return fail("network.n_obs_steps is 1; lstm, gru and transformer need at least 2".into());
        }
        if !(1..=MAX_LAYERS).contains(&self.num_layers) {
            return fail(format!("network.num_layers is {}; 1 to {MAX_LAYERS} are possible", self.num_layers));
        }
        if !(1..=MAX_HIDDEN_SIZE).contains(&self.feature_size) {
            return fail(format!("network.feature_size is {}; 1 to {MAX_HIDDEN_SIZE} are possible", self.feature_size));
        }
        let conditioned = self.n_demonstration_frames > 0;
        if self.n_demonstration_frames == 1 || self.n_demonstration_frames > MAX_OBS_STEPS {
            return fail(format!(
                "network.n_demonstration_frames is {}; 2 to {MAX_OBS_STEPS} frames are possible, or 0 for none",
                self.n_demonstration_frames
            ));
        }
        if conditioned && (self.kind != NetworkKind::Mlp || self.n_obs_steps > 1) {
            return fail("network.n_demonstration_frames needs network.kind mlp and network.n_obs_steps 1".into());
        }
        let heads = self.num_heads;
        if (conditioned || self.kind == NetworkKind::Transformer)
            && (heads == 0 || !self.hidden_size.is_multiple_of(heads))
        {
            return fail(format!(
                "network.hidden_size is {} and network.num_heads is {heads}; num_heads must divide hidden_size",
                self.hidden_size
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!("network.dropout is {}; it must be at least 0 and below 1", self.dropout));
        }
        Ok(())
    }

    /// Observations that are concatenated to one input (frame stacking, as Stable-Baselines3's `VecFrameStack`).
    pub fn n_stack(&self) -> usize {
        if self.kind == NetworkKind::Mlp { self.n_obs_steps } else { 1 }
    }

    /// Inputs in a training sequence; each gives features.
    pub fn sequence_length(&self) -> usize {
        if self.kind == NetworkKind::Mlp { 1 } else { self.n_obs_steps }
    }

    /// Whether the trunk has a state that is carried from tick to tick.
    pub fn is_recurrent(&self) -> bool {
        matches!(self.kind, NetworkKind::Lstm | NetworkKind::Gru)
    }

    /// Numbers of the features for one input of `inputs` numbers.
    pub(super) fn features_dim(&self, inputs: usize) -> usize {
        match self.kind {
            NetworkKind::Mlp => self.hidden_sizes.last().copied().unwrap_or(inputs),
            _ => self.hidden_size,
        }
    }

    /// Columns of each dropout mask that [`Trunk::forward`] takes; a mask has one row for each input.
    pub fn dropout_sizes(&self) -> &[usize] {
        match self.kind {
            _ if self.dropout <= 0.0 => &[],
            NetworkKind::Mlp => &self.hidden_sizes,
            _ => std::slice::from_ref(&self.hidden_size),
        }
    }
}

/// Recurrent state at the start of a sequence, and where episodes begin within it.
#[derive(Clone, Debug)]
pub struct RecurrentInput {
    /// `[rows, state]` before the first tick.
    pub state: Tensor<2>,
    /// `[rows, ticks]`: 0 at the first tick of an episode, where the state is reset, 1 elsewhere (the inverse of
    /// sb3-contrib's `episode_starts`); `None` without resets.
    pub continuation_mask: Option<Tensor<2>>,
}

/// The hidden layers of a network.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a policy has one trunk, and Burn's modules cannot be boxed")]
pub enum Trunk {
    /// Feedforward.
    Mlp(Mlp),
    /// LSTM or GRU.
    Recurrent(Recurrent),
    /// Causal transformer.
    Transformer(Transformer),
}

impl Trunk {
    /// A trunk for inputs of `inputs` numbers.
    pub(super) fn new(config: &NetworkConfig, inputs: usize, device: &Device) -> Self {
        let recurrent = |kind| Self::Recurrent(Recurrent::new(kind, inputs, config, device));
        match config.kind {
            NetworkKind::Mlp => {
                Self::Mlp(Mlp::new(&config.hidden_sizes, config.activation, config.layer_norm, inputs, device))
            }
            NetworkKind::Lstm => recurrent(CellKind::Lstm),
            NetworkKind::Gru => recurrent(CellKind::Gru),
            NetworkKind::Transformer => Self::Transformer(Transformer::new(inputs, config, device)),
        }
    }

    /// `[rows, ticks, inputs]` to features `[rows * ticks, features_dim]`. A recurrent trunk starts from a zero state.
    /// `masks`: dropout masks in training, otherwise empty.
    pub fn forward(&self, x: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        let [rows, ticks, _] = x.dims();
        let features = match self {
            Self::Mlp(mlp) => return mlp.forward(x.flatten(0, 1), masks),
            Self::Recurrent(recurrent) => {
                let state = Tensor::zeros([rows, recurrent.state_size()], &x.device());
                recurrent.forward(x, RecurrentInput { state, continuation_mask: None }).0
            }
            Self::Transformer(transformer) => transformer.forward(x),
        };
        let features_dim = features.dims()[2];
        let features = features.reshape([rows * ticks, features_dim]);
        match masks.first() {
            Some(mask) => features * mask.clone(),
            None => features,
        }
    }

    /// A recurrent trunk from a given state: `[rows, ticks, inputs]` to features `[rows * ticks, features_dim]` and the
    /// state after the last tick; `None` for a trunk without a state.
    pub(super) fn forward_recurrent(&self, x: Tensor<3>, initial: RecurrentInput) -> Option<(Tensor<2>, Tensor<2>)> {
        let Self::Recurrent(recurrent) = self else { return None };
        let (features, state) = recurrent.forward(x, initial);
        Some((features.flatten(0, 1), state))
    }

    /// Numbers of an agent's recurrent state; zero for a trunk without a state.
    pub fn state_size(&self) -> usize {
        if let Self::Recurrent(recurrent) = self { recurrent.state_size() } else { 0 }
    }
}
