//! The last part of a network: features to an action, or to the coming actions, and the loss of demonstrated ones.
//!
//! A head decides `chunk` actions at once; everywhere below, `[rows, numbers]` are the normalised actions of a chunk,
//! tick after tick: `numbers = chunk * actions`.

mod act;
mod categorical;
mod diffusion;
mod gaussian;
mod generator;
mod mixture;
mod squared_error;
mod vae;
pub(super) mod values;

pub use act::Act;
pub use categorical::Categorical;
pub use diffusion::Diffusion;
pub use gaussian::Gaussian;
pub use generator::Generator;
pub use mixture::Mixture;
pub use squared_error::SquaredError;
pub use vae::Vae;
pub use values::Values;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Chance, PolicyError};

/// What is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// One action; the loss is the mean squared error.
    #[default]
    SquaredError,
    /// A Gaussian for each action number; the loss is the negative log-likelihood.
    Gaussian,
    /// A mixture of Gaussians over all action numbers together; the loss is the negative log-likelihood.
    Mixture,
    /// A categorical distribution over values of each action number; the loss is the cross-entropy.
    Categorical,
    /// A conditional variational autoencoder.
    Vae,
    /// A denoising diffusion model.
    Diffusion,
    /// Action chunking with transformers: a transformer that decodes a chunk, as a conditional variational autoencoder.
    Act,
    /// A generator of actions from noise; the loss is the energy score, or an adversary's judgement in `train gan`.
    Generator,
    /// The value of each joint action of few values for each number, of which the best is taken; the loss is a margin.
    Values,
}

/// Settings of the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// What is predicted.
    pub kind: HeadKind,
    /// Actions that are decided at once, the coming tick's first. Values: ticks that an action is held.
    pub chunk: usize,
    /// Actions of a chunk that are carried out before the next is decided; at most `chunk`.
    pub execute: usize,
    /// Temporal ensembling (Zhao et al. 2023, arXiv:2304.13705, section IV-B): a chunk is decided at every tick, and the
    /// action is the mean of what all chunks say about the tick, the oldest with weight 1, each younger one with
    /// `exp(-ensemble)` times as much as the one before. 0 for none; ACT's is 0.01.
    pub ensemble: f32,
    /// Gaussian only: the standard deviation depends on the observation. Otherwise it is one number for each action.
    pub state_dependent: bool,
    /// Gaussian and mixture: smallest log standard deviation, in normalised action units. -5 is 0.7 % of the action's
    /// spread; below it the likelihood of a keyboard's repeated values grows without end.
    pub log_std_min: f32,
    /// Gaussian and mixture: largest log standard deviation. 2 is 7 times the action's spread.
    pub log_std_max: f32,
    /// Mixture: how many Gaussians (robomimic's 5).
    pub components: usize,
    /// Categorical: values of each action number, spread evenly over its bounds.
    pub bins: usize,
    /// VAE, ACT and generator: numbers of the latent variable, or of noise.
    pub latent: usize,
    /// VAE and ACT: weight of the divergence between encoder and prior, against a reconstruction error that is a mean
    /// over action numbers (β of Higgins et al. 2017).
    pub kl_weight: f32,
    /// VAE, diffusion and generator: width of their own hidden layers; ACT: of its transformer.
    pub width: usize,
    /// VAE, diffusion, generator and ACT: their own hidden layers.
    pub layers: usize,
    /// Diffusion: steps from an action to noise in training.
    pub diffusion_steps: usize,
    /// Diffusion: steps from noise to an action in driving, at most `diffusion_steps`.
    pub sampling_steps: usize,
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self {
            kind: HeadKind::SquaredError,
            chunk: 1,
            execute: 1,
            ensemble: 0.0,
            state_dependent: false,
            log_std_min: -5.0,
            log_std_max: 2.0,
            components: 5,
            bins: 21,
            latent: 8,
            kl_weight: 0.05,
            width: 256,
            layers: 2,
            diffusion_steps: 50,
            sampling_steps: 10,
        }
    }
}

impl HeadConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// The first setting that is out of range, with what is possible.
    pub fn check(&self) -> Result<(), PolicyError> {
        let (low, high) = (self.log_std_min, self.log_std_max);
        let wants = [
            ((1..=256).contains(&self.chunk), "head.chunk", "within 1 and 256"),
            (
                self.kind != HeadKind::Values || self.execute == self.chunk,
                "head.execute",
                "head.chunk for values, which are of one action, held for so many ticks",
            ),
            (
                self.kind != HeadKind::Values || self.ensemble == 0.0,
                "head.ensemble",
                "0 for values, which are of one action",
            ),
            ((1..=self.chunk).contains(&self.execute), "head.execute", "within 1 and head.chunk"),
            (self.ensemble.is_finite() && self.ensemble >= 0.0, "head.ensemble", "at least 0 (0 for none)"),
            (
                self.ensemble == 0.0 || self.execute == 1,
                "head.execute",
                "1 with head.ensemble, which decides at every tick",
            ),
            ((-20.0..0.0).contains(&low), "head.log_std_min", "at least -20 and below 0"),
            ((0.0..=20.0).contains(&high) && high > 0.0, "head.log_std_max", "above 0 and at most 20"),
            ((1..=256).contains(&self.components), "head.components", "within 1 and 256"),
            ((2..=1024).contains(&self.bins), "head.bins", "within 2 and 1024"),
            ((1..=1024).contains(&self.latent), "head.latent", "within 1 and 1024"),
            (self.kl_weight.is_finite() && self.kl_weight >= 0.0, "head.kl_weight", "at least 0"),
            ((1..=4096).contains(&self.width), "head.width", "within 1 and 4096"),
            ((1..=32).contains(&self.layers), "head.layers", "within 1 and 32"),
            (
                self.kind != HeadKind::Act || self.width.is_multiple_of(act::ATTENTION_HEADS),
                "head.width",
                "a multiple of 4 for ACT, which has 4 attention heads",
            ),
            ((1..=1000).contains(&self.diffusion_steps), "head.diffusion_steps", "within 1 and 1000"),
            (
                (1..=self.diffusion_steps).contains(&self.sampling_steps),
                "head.sampling_steps",
                "within 1 and head.diffusion_steps",
            ),
        ];
        match wants.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, key, wanted)) => {
                let value = serde_json::to_value(self).unwrap_or_default()[&key["head.".len()..]].clone();
                Err(PolicyError::Network { message: format!("{key} is {value}; it must be {wanted}") })
            }
        }
    }

    /// The parameter of a Gaussian's standard deviation, in normalised action units, that does not depend on the state.
    pub fn raw_deviation(&self, deviation: f32) -> f32 {
        gaussian::raw(bevy::math::ops::ln(deviation), (self.log_std_min, self.log_std_max))
    }

    /// Whether a decision has chance in it.
    pub fn is_random(&self) -> bool {
        !matches!(self.kind, HeadKind::SquaredError | HeadKind::Gaussian | HeadKind::Values)
    }
}

/// What a head is built for.
#[derive(Clone, Debug)]
pub(super) struct HeadSizes {
    /// Numbers of the features.
    pub features: usize,
    /// Numbers of one tick's action.
    pub actions: usize,
    /// Bounds of each action number, normalised.
    pub bounds: Vec<(f32, f32)>,
}

/// Demonstrated actions that a loss is measured on.
#[derive(Clone, Debug)]
pub struct Targets {
    /// `[rows, chunk * actions]`, normalised.
    pub actions: Tensor<2>,
    /// `[rows, chunk]`: 1 for ticks that were demonstrated, 0 for those after an episode's end; `None` for all 1.
    pub mask: Option<Tensor<2>>,
    /// Ticks in a chunk.
    pub chunk: usize,
    /// `[rows, 1]`: importance of each row, of mean 1; `None` for all alike.
    pub weights: Option<Tensor<2>>,
}

impl Targets {
    /// The mask for every number, `[rows, chunk * actions]`.
    fn element_mask(&self) -> Option<Tensor<2>> {
        let [rows, numbers] = self.actions.dims();
        self.mask.clone().map(|mask| {
            let shape = [rows, self.chunk, numbers / self.chunk];
            mask.unsqueeze_dim::<3>(2).expand(shape).reshape([rows, numbers])
        })
    }

    /// `values` `[rows, chunk * actions]` with zeros after an episode's end, which so tells nothing.
    pub fn demonstrated(&self, values: Tensor<2>) -> Tensor<2> {
        match self.element_mask() {
            Some(mask) => values * mask,
            None => values,
        }
    }

    /// Mean over all demonstrated numbers of `values` `[rows, chunk * actions]`, each row with its weight: `[1]`.
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

    /// Mean of `values` `[rows, 1]` over the rows that were demonstrated, each with its weight.
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

/// A loss `[1]`, and named parts of it for the metrics.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is minimised.
    pub total: Tensor<1>,
    /// Such as `train/kl`.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl Loss {
    /// A loss without parts.
    fn whole(total: Tensor<1>) -> Self {
        Self { total, parts: Vec::new() }
    }
}

/// How likely actions are.
#[derive(Clone, Debug)]
pub struct Likelihood {
    /// Logarithm of the density, or of the probability, of each row's action: `[rows, 1]`.
    pub log: Tensor<2>,
    /// Entropy of each row's distribution, nats: `[rows, 1]`.
    pub entropy: Tensor<2>,
}

/// The last part of a network.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a policy has one, and Burn's modules do not go into boxes")]
pub enum Head {
    /// One action.
    SquaredError(SquaredError),
    /// A Gaussian.
    Gaussian(Gaussian),
    /// A mixture of Gaussians.
    Mixture(Mixture),
    /// Values with probabilities.
    Categorical(Categorical),
    /// A conditional variational autoencoder.
    Vae(Vae),
    /// A diffusion model.
    Diffusion(Diffusion),
    /// A transformer that decodes chunks.
    Act(Act),
    /// Actions from noise.
    Generator(Generator),
    /// Values of joint actions.
    Values(Values),
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
            HeadKind::Values => Self::Values(Values::new(config, sizes, device)),
        }
    }

    /// The loss of demonstrated actions given features `[rows, features]`.
    pub fn loss(&self, features: Tensor<2>, targets: &Targets, chance: &mut Chance<'_>) -> Loss {
        match self {
            Self::SquaredError(head) => Loss::whole(head.loss(features, targets)),
            Self::Gaussian(head) => Loss::whole(head.loss(features, targets)),
            Self::Mixture(head) => Loss::whole(head.loss(features, targets)),
            Self::Categorical(head) => Loss::whole(head.loss(features, targets)),
            Self::Vae(head) => head.loss(features, targets, chance),
            Self::Diffusion(head) => Loss::whole(head.loss(features, targets, chance)),
            Self::Act(head) => head.loss(features, targets, chance),
            Self::Generator(head) => Loss::whole(head.loss(features, targets, chance)),
            Self::Values(head) => Loss::whole(head.loss(features, targets)),
        }
    }

    /// A chunk of actions `[rows, chunk * actions]` for features `[rows, features]`.
    pub fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        match self {
            Self::SquaredError(head) => head.forward(features),
            Self::Gaussian(head) => head.forward(features).0,
            Self::Mixture(head) => head.decide(features, chance),
            Self::Categorical(head) => head.decide(features, chance),
            Self::Vae(head) => head.decide(features, chance),
            Self::Diffusion(head) => head.decide(features, chance),
            Self::Act(head) => head.decide(features, chance),
            Self::Generator(head) => head.decide(features, chance),
            Self::Values(head) => head.decide(features),
        }
    }

    /// A chunk of actions, `[rows, chunk * actions]`, drawn by standard normal `noise` of that shape; `None` of a head that
    /// knows no likelihood.
    pub fn draw(&self, features: Tensor<2>, noise: Tensor<2>) -> Option<Tensor<2>> {
        match self {
            Self::Gaussian(head) => Some(head.draw(features, noise)),
            Self::Categorical(head) => Some(head.draw(features, noise)),
            _ => None,
        }
    }

    /// How likely `actions` `[rows, chunk * actions]` are to be drawn; `None` of a head that knows no likelihood.
    pub fn likelihood(&self, features: Tensor<2>, actions: Tensor<2>) -> Option<Likelihood> {
        match self {
            Self::Gaussian(head) => Some(head.likelihood(features, actions)),
            Self::Categorical(head) => Some(head.likelihood(features, &actions)),
            _ => None,
        }
    }

    /// Mean and log standard deviation of a Gaussian head, else the decision alone.
    pub(super) fn distribution(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> (Tensor<2>, Option<Tensor<2>>) {
        match self {
            Self::Gaussian(head) => {
                let (mean, log_std) = head.forward(features);
                (mean, Some(log_std))
            }
            head => (head.decide(features, chance), None),
        }
    }
}
