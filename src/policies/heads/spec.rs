//! A kind of head in the registry, and the settings that heads are built from.

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::log_std::unbounded;
use super::module::HeadModule;
use crate::policies::PolicyError;
use crate::policies::registry::{Kind, NoSettings, parse_extra};

/// Kind of head.
pub type HeadKind = Kind<dyn HeadSpec>;

/// A head in the registry: one module that implements this and [`HeadModule`], and one line in the list of
/// [`heads`](crate::policies::heads). See [`register_head`](crate::policies::register_head) for heads of other crates.
pub trait HeadSpec: Sync {
    /// Its name in `head.kind`, such as `squared_error`.
    fn name(&self) -> &'static str;

    /// One sentence of documentation.
    fn about(&self) -> &'static str;

    /// Its name in the names of tensors, such as `SquaredError`; unique among the heads.
    fn type_name(&self) -> &'static str;

    /// Whether [`HeadModule::predict`] samples, so that it needs random numbers.
    fn is_stochastic(&self) -> bool;

    /// Whether its actions are one of a finite set, so that they have no gradient.
    fn is_discrete(&self) -> bool {
        false
    }

    /// Name of its linear layer whose output is the action, or the mean of a Gaussian, such as `mean`; `None` for a head
    /// whose action is no linear function of the features.
    fn mean_layer(&self) -> Option<&'static str> {
        None
    }

    /// Name of a Gaussian's parameter for the state-independent standard deviation, such as `raw_log_std`; `None` for
    /// other heads.
    fn std_parameter(&self) -> Option<&'static str> {
        None
    }

    /// Check the settings beyond their ranges.
    ///
    /// # Errors
    /// The first setting that the head cannot be built with.
    fn check(&self, _config: &HeadConfig) -> Result<(), PolicyError> {
        Ok(())
    }

    /// Check the settings of its own in `head.extra`, with [`HeadConfig::parse_extra`]. By default there are none.
    ///
    /// # Errors
    /// A key or value that the head does not accept.
    fn check_extra(&self, config: &HeadConfig) -> Result<(), PolicyError> {
        config.parse_extra::<NoSettings>().map(|_| ())
    }

    /// A head of these sizes, with parameters of any values: they are replaced.
    ///
    /// # Errors
    /// Sizes that the head cannot have.
    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError>;
}

impl HeadKind {
    /// Whether the head predicts a mean by a linear layer and no standard deviation, such as `squared_error`.
    pub fn is_mean_only(self) -> bool {
        self.mean_layer().is_some() && self.std_parameter().is_none()
    }

    /// Whether a head of this kind can take over the output of a head of the kind `base` as its mean, as `gaussian` does
    /// that of `squared_error`.
    pub fn takes_mean_of(self, base: Self) -> bool {
        self.mean_layer().is_some() && self.std_parameter().is_some() && base.is_mean_only()
    }
}

/// `[head]`: settings of the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// Kind of head: the distribution of the action and its loss.
    pub kind: HeadKind,
    /// Actions in a chunk, ticks; the first is for the current tick (LeRobot's `chunk_size`, Diffusion Policy's
    /// `horizon`). `dueling_q`: ticks for which an action is repeated.
    pub chunk_size: usize,
    /// Actions of a chunk that are executed before the next chunk is predicted, ticks; at most `chunk_size` (LeRobot's
    /// `n_action_steps`).
    pub n_action_steps: usize,
    /// Temporal ensembling (Zhao et al. 2023, arXiv:2304.13705, section IV-B): a chunk is predicted at every tick, and the
    /// action is the weighted mean of all chunks' actions for the tick, with weight `exp(-coeff * i)` for the `i`-th
    /// oldest chunk. 0 turns it off; ACT's value is 0.01 (LeRobot's `temporal_ensemble_coeff`).
    pub temporal_ensemble_coeff: f32,
    /// Gaussian: the standard deviation is an output of the network and depends on the observation. Otherwise it is one
    /// trainable parameter for each action number.
    pub state_dependent_std: bool,
    /// Gaussian and mixture: lower bound of the log standard deviation, in normalized action units. -5 is 0.7 % of the
    /// action's standard deviation; below it the likelihood of a keyboard's repeated values grows without bound.
    pub log_std_min: f32,
    /// Gaussian and mixture: upper bound of the log standard deviation, in normalized action units. 2 is 7 times the
    /// action's standard deviation.
    pub log_std_max: f32,
    /// Mixture: number of Gaussians (robomimic's `gmm.num_modes`, 5).
    pub num_modes: usize,
    /// Categorical: bins of each action number, evenly spaced from its lower to its upper bound.
    pub num_bins: usize,
    /// VAE and ACT: size of the latent variable (LeRobot's `latent_dim`). Generator: size of the noise input.
    pub latent_dim: usize,
    /// VAE and ACT: weight of the KL divergence between encoder and prior (LeRobot's `kl_weight`; β of Higgins et al.
    /// 2017). The reconstruction loss is a mean over action numbers.
    pub kl_weight: f32,
    /// VAE, diffusion and generator: units of each hidden layer of the head. ACT: size of its transformers' tokens, a
    /// multiple of 4 (LeRobot's `dim_model`).
    pub hidden_size: usize,
    /// VAE, diffusion and generator: hidden layers of the head. ACT: blocks of its encoder and of its decoder.
    pub num_layers: usize,
    /// Diffusion: noise levels of the forward process in training (LeRobot's `num_train_timesteps`).
    pub num_train_timesteps: usize,
    /// Diffusion: denoising steps at inference, at most `num_train_timesteps` (LeRobot's `num_inference_steps`).
    pub num_inference_steps: usize,
    /// Settings of a head from another crate; empty for the built-in heads.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self {
            kind: HeadKind::default(),
            chunk_size: 1,
            n_action_steps: 1,
            temporal_ensemble_coeff: 0.0,
            state_dependent_std: false,
            log_std_min: -5.0,
            log_std_max: 2.0,
            num_modes: 5,
            num_bins: 21,
            latent_dim: 8,
            kl_weight: 0.05,
            hidden_size: 256,
            num_layers: 2,
            num_train_timesteps: 50,
            num_inference_steps: 10,
            extra: Map::new(),
        }
    }
}

impl HeadConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// The first setting that is out of range, with the values that are possible.
    pub fn check(&self) -> Result<(), PolicyError> {
        let (low, high) = (self.log_std_min, self.log_std_max);
        let requirements = [
            ((1..=256).contains(&self.chunk_size), "chunk_size", "from 1 to 256"),
            ((1..=self.chunk_size).contains(&self.n_action_steps), "n_action_steps", "from 1 to head.chunk_size"),
            (
                self.temporal_ensemble_coeff.is_finite() && self.temporal_ensemble_coeff >= 0.0,
                "temporal_ensemble_coeff",
                "at least 0 (0 for none)",
            ),
            (
                self.temporal_ensemble_coeff == 0.0 || self.n_action_steps == 1,
                "n_action_steps",
                "1 with head.temporal_ensemble_coeff, which predicts a chunk at every tick",
            ),
            ((-20.0..0.0).contains(&low), "log_std_min", "at least -20 and below 0"),
            ((0.0..=20.0).contains(&high) && high > 0.0, "log_std_max", "above 0 and at most 20"),
            ((1..=256).contains(&self.num_modes), "num_modes", "from 1 to 256"),
            ((2..=1024).contains(&self.num_bins), "num_bins", "from 2 to 1024"),
            ((1..=1024).contains(&self.latent_dim), "latent_dim", "from 1 to 1024"),
            (self.kl_weight.is_finite() && self.kl_weight >= 0.0, "kl_weight", "at least 0"),
            ((1..=4096).contains(&self.hidden_size), "hidden_size", "from 1 to 4096"),
            ((1..=32).contains(&self.num_layers), "num_layers", "from 1 to 32"),
            ((1..=1000).contains(&self.num_train_timesteps), "num_train_timesteps", "from 1 to 1000"),
            (
                (1..=self.num_train_timesteps).contains(&self.num_inference_steps),
                "num_inference_steps",
                "from 1 to head.num_train_timesteps",
            ),
        ];
        requirements.into_iter().try_for_each(|(holds, key, required)| self.require(holds, key, required))?;
        self.kind.check(self)?;
        self.kind.check_extra(self)
    }

    /// Refuse the value of `key` unless a requirement `holds`.
    ///
    /// # Errors
    /// It does not; the message has the value, and the values that are possible.
    pub fn require(&self, holds: bool, key: &str, required: &str) -> Result<(), PolicyError> {
        if holds {
            return Ok(());
        }
        let value = serde_json::to_value(self).unwrap_or_default()[key].clone();
        Err(PolicyError::Network { message: format!("head.{key} is {value}; it must be {required}") })
    }

    /// The settings of a head from another crate, from [`HeadConfig::extra`]. A struct with
    /// `#[serde(deny_unknown_fields, default)]` refuses typing errors and has defaults.
    ///
    /// # Errors
    /// A key or value that `T` does not accept.
    pub fn parse_extra<T: DeserializeOwned>(&self) -> Result<T, PolicyError> {
        parse_extra("head", &self.extra)
    }

    /// The value of a Gaussian head's parameter `raw_log_std` for a state-independent standard deviation of `std`, in
    /// normalized action units.
    pub fn raw_log_std(&self, std: f32) -> f32 {
        unbounded(bevy::math::ops::ln(std), (self.log_std_min, self.log_std_max))
    }

    /// Whether the head samples at inference, so that it needs random numbers.
    pub fn is_stochastic(&self) -> bool {
        self.kind.is_stochastic()
    }
}

/// Sizes and bounds that a head is built for.
#[derive(Clone, Debug)]
pub struct HeadSizes {
    /// Numbers of the features.
    pub features: usize,
    /// Numbers of one tick's action.
    pub actions: usize,
    /// Bounds of each action number, normalized.
    pub bounds: Vec<(f32, f32)>,
}
