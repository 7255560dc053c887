//! A kind of network in the registry, and the settings that networks are built from.

use std::slice;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::activation::Activation;
use super::module::TrunkModule;
use crate::policies::PolicyError;
use crate::policies::registry::{Kind, NoSettings, parse_extra};

/// Kind of trunk.
pub type NetworkKind = Kind<dyn NetworkSpec>;

/// How the observations of `network.n_obs_steps` ticks reach a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkInput {
    /// Concatenated to one input.
    Stacked,
    /// As a sequence, all of them at every tick.
    Sequence,
    /// One at every tick, with a state that is carried from tick to tick; in training as a sequence.
    Recurrent,
}

/// A network (trunk) in the registry: one module that implements this and [`TrunkModule`], and one line in the list of
/// [`trunks`](crate::policies::trunks). See [`register_network`](crate::policies::register_network) for networks of other
/// crates.
pub trait NetworkSpec: Sync {
    /// Its name in `network.kind`, such as `mlp`.
    fn name(&self) -> &'static str;

    /// One sentence of documentation.
    fn about(&self) -> &'static str;

    /// Its name in the names of tensors, such as `Mlp`.
    fn type_name(&self) -> &'static str;

    /// How it reads observations.
    fn input(&self) -> TrunkInput;

    /// Path of the weight `[inputs, outputs]` of the layer that reads the observation, such as `layers.0.weight`, so that
    /// `--init-from` can match its rows to the fields of another observation; `None` where there is no such layer.
    fn input_weight(&self) -> Option<&'static str>;

    /// Numbers of the features for one input of `inputs` numbers; by default `network.hidden_size`.
    fn features_dim(&self, config: &NetworkConfig, _inputs: usize) -> usize {
        config.hidden_size
    }

    /// Columns of each dropout mask that [`TrunkModule::forward`] takes where `network.dropout` is above 0; by default one
    /// mask of `network.hidden_size` columns.
    fn dropout_sizes<'a>(&self, config: &'a NetworkConfig) -> &'a [usize] {
        slice::from_ref(&config.hidden_size)
    }

    /// Check the settings beyond their ranges.
    ///
    /// # Errors
    /// The first setting that the network cannot be built with.
    fn check(&self, _config: &NetworkConfig) -> Result<(), PolicyError> {
        Ok(())
    }

    /// Check the settings of its own in `network.extra`, with [`NetworkConfig::parse_extra`]. By default there are none.
    ///
    /// # Errors
    /// A key or value that the network does not accept.
    fn check_extra(&self, config: &NetworkConfig) -> Result<(), PolicyError> {
        config.parse_extra::<NoSettings>().map(|_| ())
    }

    /// A trunk for inputs of `inputs` numbers, with parameters of any values: they are replaced.
    ///
    /// # Errors
    /// Settings that the network cannot be built with.
    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError>;
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
    /// Settings of a network from another crate; empty for the built-in networks.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            kind: NetworkKind::default(),
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
            extra: Map::new(),
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
    /// trunk over sequences; `n_demonstration_frames` of 1, above 1,800, or with a trunk that is not an MLP over one
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
        let stacked = self.kind.input() == TrunkInput::Stacked;
        if !stacked && self.n_obs_steps < 2 {
            return fail(format!("network.n_obs_steps is 1; network.kind {} needs at least 2", self.kind));
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
        if conditioned && (!stacked || self.n_obs_steps > 1) {
            return fail("network.n_demonstration_frames needs network.kind mlp and network.n_obs_steps 1".into());
        }
        if conditioned {
            self.check_num_heads()?;
        }
        self.kind.check(self)?;
        self.kind.check_extra(self)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!("network.dropout is {}; it must be at least 0 and below 1", self.dropout));
        }
        Ok(())
    }

    /// Check that `num_heads` divides `hidden_size`, as attention needs.
    ///
    /// # Errors
    /// It does not.
    pub fn check_num_heads(&self) -> Result<(), PolicyError> {
        let (size, heads) = (self.hidden_size, self.num_heads);
        if heads > 0 && size.is_multiple_of(heads) {
            return Ok(());
        }
        let message = format!(
            "network.hidden_size is {size} and network.num_heads is {heads}; num_heads must divide hidden_size"
        );
        Err(PolicyError::Network { message })
    }

    /// The settings of a network from another crate, from [`NetworkConfig::extra`]. A struct with
    /// `#[serde(deny_unknown_fields, default)]` refuses typing errors and has defaults.
    ///
    /// # Errors
    /// A key or value that `T` does not accept.
    pub fn parse_extra<T: DeserializeOwned>(&self) -> Result<T, PolicyError> {
        parse_extra("network", &self.extra)
    }

    /// Observations that are concatenated to one input (frame stacking, as Stable-Baselines3's `VecFrameStack`).
    pub fn n_stack(&self) -> usize {
        if self.kind.input() == TrunkInput::Stacked { self.n_obs_steps } else { 1 }
    }

    /// Inputs in a training sequence; each gives features.
    pub fn sequence_length(&self) -> usize {
        if self.kind.input() == TrunkInput::Stacked { 1 } else { self.n_obs_steps }
    }

    /// Whether the trunk has a state that is carried from tick to tick.
    pub fn is_recurrent(&self) -> bool {
        self.kind.input() == TrunkInput::Recurrent
    }

    /// Columns of each dropout mask that [`TrunkModule::forward`] takes; a mask has one row for each input.
    pub fn dropout_sizes(&self) -> &[usize] {
        if self.dropout > 0.0 { self.kind.dropout_sizes(self) } else { &[] }
    }
}
