//! What a network says about the action, and the loss of a demonstrated action under it.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::network::{linear, parameter};
use super::{Initial, ParameterSource, PolicyError};

/// Half the logarithm of 2π, the constant of the normal density.
const HALF_LN_TAU: f32 = 0.918_938_5;

/// What is predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// One action; the loss is the mean squared error.
    #[default]
    SquaredError,
    /// A Gaussian for each action number; the loss is the negative log-likelihood.
    Gaussian,
}

/// Settings of the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// What is predicted.
    pub kind: HeadKind,
    /// Gaussian only: the standard deviation depends on the observation. Otherwise it is one number for each action.
    pub state_dependent: bool,
    /// Gaussian only: smallest log standard deviation, in normalised action units. -5 is 0.7 % of the action's spread;
    /// below it the likelihood of a keyboard's repeated values grows without end.
    pub log_std_min: f32,
    /// Gaussian only: largest log standard deviation. 2 is 7 times the action's spread.
    pub log_std_max: f32,
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self { kind: HeadKind::SquaredError, state_dependent: false, log_std_min: -5.0, log_std_max: 2.0 }
    }
}

impl HeadConfig {
    /// Check the settings.
    ///
    /// # Errors
    /// Bounds of the log standard deviation outside -20..20 or out of order, or without zero between them for a start.
    pub fn check(&self) -> Result<(), PolicyError> {
        let (low, high) = (self.log_std_min, self.log_std_max);
        if (-20.0..0.0).contains(&low) && (0.0..=20.0).contains(&high) && high > 0.0 {
            return Ok(());
        }
        Err(PolicyError::Network {
            message: format!(
                "head.log_std_min is {low} and head.log_std_max {high}; these must lie in -20..0 and in 0..20"
            ),
        })
    }
}

/// A head's answer for `[rows, actions]`, in normalised units.
#[derive(Clone, Debug)]
pub struct HeadOutput {
    /// The most likely action.
    pub mean: Tensor<2>,
    /// Log standard deviation, within the head's bounds; `[1, actions]` where it does not depend on the observation.
    /// `None` for the squared-error head.
    pub log_std: Option<Tensor<2>>,
}

impl HeadOutput {
    /// Mean over rows of each row's loss times its weight, shape `[1]`. `targets` is `[rows, actions]`, `weights`
    /// `[rows, 1]`.
    ///
    /// Squared error: mean over the actions of `(target - mean)^2`. Gaussian: sum over the actions of
    /// `((target - mean) / std)^2 / 2 + ln std + ln(2 pi) / 2`.
    pub fn loss(self, targets: Tensor<2>, weights: Option<Tensor<2>>) -> Tensor<1> {
        let error = self.mean - targets;
        let actions = error.dims()[1];
        let (per_action, scale) = match self.log_std {
            None => (error.square(), 1.0),
            Some(log_std) => {
                let squared = (error * log_std.clone().neg().exp()).square().mul_scalar(0.5);
                ((squared + log_std).add_scalar(HALF_LN_TAU), actions as f32)
            }
        };
        match weights {
            Some(weights) => (per_action * weights).mean().mul_scalar(scale),
            None => per_action.mean().mul_scalar(scale),
        }
    }
}

/// The last layer: hidden units to an action or its distribution.
#[derive(Module, Debug)]
pub struct Head {
    mean: Linear,
    /// State-dependent Gaussian: raw log standard deviation from the hidden units.
    spread: Option<Linear>,
    /// State-independent Gaussian: raw log standard deviation `[actions]`.
    raw_log_std: Option<Param<Tensor<1>>>,
    #[module(skip)]
    low: f32,
    #[module(skip)]
    high: f32,
}

impl Head {
    pub(super) fn new(
        config: &HeadConfig,
        inputs: usize,
        actions: usize,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let (low, high) = (config.log_std_min, config.log_std_max);
        let gaussian = config.kind == HeadKind::Gaussian;
        let mean = linear(source, "head.mean", inputs, actions, device)?;
        let spread = (gaussian && config.state_dependent)
            .then(|| linear(source, "head.spread", inputs, actions, device))
            .transpose()?;
        // Start at a standard deviation of 1, the spread of a normalised action.
        let start = Initial::Constant((2.0 * (0.0 - low) / (high - low) - 1.0).atanh());
        let raw_log_std = (gaussian && !config.state_dependent)
            .then(|| parameter(source, "head.raw_log_std", [actions], start, device))
            .transpose()?;
        Ok(Self { mean, spread, raw_log_std, low, high })
    }

    /// `[rows, inputs]` to the distribution of `[rows, actions]`. A log standard deviation is bounded by
    /// `low + (tanh(raw) + 1) / 2 (high - low)`, whose gradient, unlike a clamp's, never vanishes altogether.
    pub(super) fn forward(&self, hidden: Tensor<2>) -> HeadOutput {
        let raw = match (&self.spread, &self.raw_log_std) {
            (Some(layer), _) => Some(layer.forward(hidden.clone())),
            (None, Some(parameter)) => Some(parameter.val().unsqueeze::<2>()),
            (None, None) => None,
        };
        let half = 0.5 * (self.high - self.low);
        let log_std = raw.map(|raw| raw.tanh().add_scalar(1.0).mul_scalar(half).add_scalar(self.low));
        HeadOutput { mean: self.mean.forward(hidden), log_std }
    }

    /// `[rows, inputs]` to the most likely `[rows, actions]`.
    pub(super) fn mean(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.mean.forward(hidden)
    }
}
