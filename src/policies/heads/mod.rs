//! Heads: the last part of a network. A head maps features to the distribution of an action chunk and defines the
//! training loss.
//!
//! A head predicts the actions of `chunk_size` ticks at once. Everywhere below, an action chunk is one row
//! `[chunk_size * actions]` of normalized numbers, tick after tick.

mod act;
mod categorical;
mod diffusion;
pub(super) mod dueling_q;
mod gaussian;
mod generator;
mod mixture;
mod squared_error;
mod vae;

pub use act::Act;
pub use categorical::Categorical;
pub use diffusion::Diffusion;
pub use dueling_q::DuelingQ;
pub use gaussian::Gaussian;
pub use generator::Generator;
pub use mixture::Mixture;
pub use squared_error::SquaredError;
pub use vae::Vae;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BatchRng, PolicyError};

/// Kind of head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// A deterministic action; the loss is the mean squared error.
    #[default]
    SquaredError,
    /// A diagonal Gaussian; the loss is the negative log-likelihood.
    Gaussian,
    /// A mixture of Gaussians (robomimic's `gmm`); the loss is the negative log-likelihood.
    Mixture,
    /// A categorical distribution over bins of each action number; the loss is the cross-entropy.
    Categorical,
    /// A conditional variational autoencoder.
    Vae,
    /// A denoising diffusion model (Diffusion Policy).
    Diffusion,
    /// Action chunking with transformers (ACT).
    Act,
    /// A generator of actions from noise; the loss is the energy score, or the discriminator's loss in `train gan`.
    Generator,
    /// A dueling Q-network over joint key actions; the policy is greedy, and the loss for demonstrations is the large
    /// margin loss of DQfD.
    DuelingQ,
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
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self {
            kind: HeadKind::SquaredError,
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
            ((1..=256).contains(&self.chunk_size), "head.chunk_size", "from 1 to 256"),
            (
                self.kind != HeadKind::DuelingQ || self.n_action_steps == self.chunk_size,
                "head.n_action_steps",
                "head.chunk_size with head.kind dueling_q, which repeats one action for so many ticks",
            ),
            (
                self.kind != HeadKind::DuelingQ || self.temporal_ensemble_coeff == 0.0,
                "head.temporal_ensemble_coeff",
                "0 with head.kind dueling_q, which repeats one action",
            ),
            ((1..=self.chunk_size).contains(&self.n_action_steps), "head.n_action_steps", "from 1 to head.chunk_size"),
            (
                self.temporal_ensemble_coeff.is_finite() && self.temporal_ensemble_coeff >= 0.0,
                "head.temporal_ensemble_coeff",
                "at least 0 (0 for none)",
            ),
            (
                self.temporal_ensemble_coeff == 0.0 || self.n_action_steps == 1,
                "head.n_action_steps",
                "1 with head.temporal_ensemble_coeff, which predicts a chunk at every tick",
            ),
            ((-20.0..0.0).contains(&low), "head.log_std_min", "at least -20 and below 0"),
            ((0.0..=20.0).contains(&high) && high > 0.0, "head.log_std_max", "above 0 and at most 20"),
            ((1..=256).contains(&self.num_modes), "head.num_modes", "from 1 to 256"),
            ((2..=1024).contains(&self.num_bins), "head.num_bins", "from 2 to 1024"),
            ((1..=1024).contains(&self.latent_dim), "head.latent_dim", "from 1 to 1024"),
            (self.kl_weight.is_finite() && self.kl_weight >= 0.0, "head.kl_weight", "at least 0"),
            ((1..=4096).contains(&self.hidden_size), "head.hidden_size", "from 1 to 4096"),
            ((1..=32).contains(&self.num_layers), "head.num_layers", "from 1 to 32"),
            (
                self.kind != HeadKind::Act || self.hidden_size.is_multiple_of(act::ATTENTION_HEADS),
                "head.hidden_size",
                "a multiple of 4 with head.kind act, which has 4 attention heads",
            ),
            ((1..=1000).contains(&self.num_train_timesteps), "head.num_train_timesteps", "from 1 to 1000"),
            (
                (1..=self.num_train_timesteps).contains(&self.num_inference_steps),
                "head.num_inference_steps",
                "from 1 to head.num_train_timesteps",
            ),
        ];
        match requirements.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, key, required)) => {
                let value = serde_json::to_value(self).unwrap_or_default()[&key["head.".len()..]].clone();
                Err(PolicyError::Network { message: format!("{key} is {value}; it must be {required}") })
            }
        }
    }

    /// The value of a Gaussian head's parameter `raw_log_std` for a state-independent standard deviation of `std`, in
    /// normalized action units.
    pub fn raw_log_std(&self, std: f32) -> f32 {
        gaussian::unbounded(bevy::math::ops::ln(std), (self.log_std_min, self.log_std_max))
    }

    /// Whether [`Head::predict`] samples, so that it needs random numbers.
    pub fn is_stochastic(&self) -> bool {
        !matches!(self.kind, HeadKind::SquaredError | HeadKind::Gaussian | HeadKind::DuelingQ)
    }
}

/// Sizes and bounds that a head is built for.
#[derive(Clone, Debug)]
pub(super) struct HeadSizes {
    /// Numbers of the features.
    pub features: usize,
    /// Numbers of one tick's action.
    pub actions: usize,
    /// Bounds of each action number, normalized.
    pub bounds: Vec<(f32, f32)>,
}

/// Demonstrated actions, the targets of a loss.
#[derive(Clone, Debug)]
pub struct Targets {
    /// `[rows, chunk_size * actions]`, normalized.
    pub actions: Tensor<2>,
    /// `[rows, chunk_size]`: 1 for demonstrated ticks, 0 for padding after the end of an episode (the inverse of LeRobot's
    /// `action_is_pad`); `None` without padding.
    pub mask: Option<Tensor<2>>,
    /// Ticks in a chunk.
    pub chunk_size: usize,
    /// `[rows, 1]`: sample weights, of mean 1; `None` for equal weights.
    pub weights: Option<Tensor<2>>,
}

impl Targets {
    /// The mask for each action number, `[rows, chunk_size * actions]`.
    fn element_mask(&self) -> Option<Tensor<2>> {
        let [rows, columns] = self.actions.dims();
        self.mask.clone().map(|mask| {
            let shape = [rows, self.chunk_size, columns / self.chunk_size];
            mask.unsqueeze_dim::<3>(2).expand(shape).reshape([rows, columns])
        })
    }

    /// `values` `[rows, chunk_size * actions]` with zeros for the padding.
    pub fn masked(&self, values: Tensor<2>) -> Tensor<2> {
        match self.element_mask() {
            Some(mask) => values * mask,
            None => values,
        }
    }

    /// Weighted mean of `values` `[rows, chunk_size * actions]` over all numbers but the padding: `[1]`.
    pub fn mean(&self, values: Tensor<2>) -> Tensor<1> {
        let values = match &self.weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        match self.element_mask() {
            Some(mask) => (values * mask.clone()).sum() / mask.sum(),
            None => values.mean(),
        }
    }

    /// Weighted mean of `values` `[rows, 1]` over the rows that are not padding: `[1]`.
    fn row_mean(&self, values: Tensor<2>) -> Tensor<1> {
        let rows = values.dims()[0];
        let values = match &self.weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        match &self.mask {
            Some(mask) => {
                let first = mask.clone().slice([0..rows, 0..1]);
                (values * first.clone()).sum() / first.sum()
            }
            None => values.mean(),
        }
    }
}

/// A loss `[1]` and its components for the metrics.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The loss that is minimized.
    pub total: Tensor<1>,
    /// Components by TensorBoard tag, such as `train/kl_loss`.
    pub components: Vec<(&'static str, Tensor<1>)>,
}

impl From<Tensor<1>> for Loss {
    /// A loss without components.
    fn from(total: Tensor<1>) -> Self {
        Self { total, components: Vec::new() }
    }
}

/// Log-probability of given actions and entropy of the distribution (the result of Stable-Baselines3's
/// `evaluate_actions`).
#[derive(Clone, Debug)]
pub struct ActionEvaluation {
    /// Log density, or log probability, of each row's action chunk: `[rows, 1]`.
    pub log_prob: Tensor<2>,
    /// Entropy of each row's distribution, nats: `[rows, 1]`.
    pub entropy: Tensor<2>,
}

/// The last part of a network. The variants are those of [`HeadKind`].
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a policy has one head, and Burn's modules cannot be boxed")]
pub enum Head {
    /// A deterministic action.
    SquaredError(SquaredError),
    /// A diagonal Gaussian.
    Gaussian(Gaussian),
    /// A mixture of Gaussians.
    Mixture(Mixture),
    /// A categorical distribution over bins.
    Categorical(Categorical),
    /// A conditional variational autoencoder.
    Vae(Vae),
    /// A denoising diffusion model.
    Diffusion(Diffusion),
    /// Action chunking with transformers.
    Act(Act),
    /// A generator of actions from noise.
    Generator(Generator),
    /// A dueling Q-network.
    DuelingQ(DuelingQ),
}

impl Head {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        match config.kind {
            HeadKind::SquaredError => Self::SquaredError(SquaredError::new(config, sizes, device)),
            HeadKind::Gaussian => Self::Gaussian(Gaussian::new(config, sizes, device)),
            HeadKind::Mixture => Self::Mixture(Mixture::new(config, sizes, device)),
            HeadKind::Categorical => Self::Categorical(Categorical::new(config, sizes, device)),
            HeadKind::Vae => Self::Vae(Vae::new(config, sizes, device)),
            HeadKind::Diffusion => Self::Diffusion(Diffusion::new(config, sizes, device)),
            HeadKind::Act => Self::Act(Act::new(config, sizes, device)),
            HeadKind::Generator => Self::Generator(Generator::new(config, sizes, device)),
            HeadKind::DuelingQ => Self::DuelingQ(DuelingQ::new(config, sizes, device)),
        }
    }

    /// Loss of demonstrated actions for features `[rows, features]`.
    pub fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss {
        match self {
            Self::SquaredError(head) => head.loss(features, targets).into(),
            Self::Gaussian(head) => head.loss(features, targets).into(),
            Self::Mixture(head) => head.loss(features, targets).into(),
            Self::Categorical(head) => head.loss(features, targets).into(),
            Self::Vae(head) => head.loss(features, targets, rng),
            Self::Diffusion(head) => head.loss(features, targets, rng).into(),
            Self::Act(head) => head.loss(features, targets, rng),
            Self::Generator(head) => head.loss(features, targets, rng).into(),
            Self::DuelingQ(head) => head.loss(features, targets).into(),
        }
    }

    /// An action chunk `[rows, chunk_size * actions]` for features `[rows, features]`, as at inference: the mode of a
    /// Gaussian or of Q-values, a sample of the other stochastic heads.
    pub fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        match self {
            Self::SquaredError(head) => head.forward(features),
            Self::Gaussian(head) => head.forward(features).0,
            Self::Mixture(head) => head.predict(features, rng),
            Self::Categorical(head) => head.predict(features, rng),
            Self::Vae(head) => head.predict(features, rng),
            Self::Diffusion(head) => head.predict(features, rng),
            Self::Act(head) => head.predict(features, rng),
            Self::Generator(head) => head.predict(features, rng),
            Self::DuelingQ(head) => head.predict(features),
        }
    }

    /// A sample of the action distribution, `[rows, chunk_size * actions]`, from standard normal `noise` of that shape, for
    /// exploration; `None` for a head without a log-probability.
    pub fn sample(&self, features: Tensor<2>, noise: Tensor<2>) -> Option<Tensor<2>> {
        match self {
            Self::Gaussian(head) => Some(head.sample(features, noise)),
            Self::Categorical(head) => Some(head.sample(features, noise)),
            _ => None,
        }
    }

    /// Log-probability of `actions` `[rows, chunk_size * actions]` and entropy of the distribution; `None` for a head
    /// without a log-probability.
    pub fn evaluate_actions(&self, features: Tensor<2>, actions: Tensor<2>) -> Option<ActionEvaluation> {
        match self {
            Self::Gaussian(head) => Some(head.evaluate_actions(features, actions)),
            Self::Categorical(head) => Some(head.evaluate_actions(features, &actions)),
            _ => None,
        }
    }

    /// Mean and log standard deviation of a Gaussian head; of other heads the prediction and `None`.
    pub(super) fn distribution(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> (Tensor<2>, Option<Tensor<2>>) {
        match self {
            Self::Gaussian(head) => {
                let (mean, log_std) = head.forward(features);
                (mean, Some(log_std))
            }
            head => (head.predict(features, rng), None),
        }
    }
}
