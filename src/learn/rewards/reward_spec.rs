//! A stored reward: what describes it, and the network that computes it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RewardConfig;
use super::features::features;
use super::transitions::InputNormalizer;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::spaces::{Layout, Normalizer};

/// The [`RewardSpec`].
pub(super) const SPEC_FILE: &str = "reward.json";
/// The weights of the reward network.
pub(super) const WEIGHTS_FILE: &str = "reward.safetensors";

/// Everything but the weights that is needed to build a reward again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RewardSpec {
    /// Name of the learner that infers it.
    pub learner: String,
    pub gamma: f32,
    pub observation: Layout,
    pub action: Layout,
    pub normalizer: InputNormalizer,
    /// `apprenticeship`: the weight of each feature; otherwise empty.
    pub feature_weights: Vec<f64>,
    pub reward: RewardConfig,
}

impl RewardSpec {
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), TrainError> {
        let path = dir.join(SPEC_FILE);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    /// # Errors
    /// The file cannot be read, or has other contents.
    pub fn read(dir: &Path) -> Result<Self, TrainError> {
        let path = dir.join(SPEC_FILE);
        let text = std::fs::read(&path).map_err(TrainError::io("read", &path))?;
        serde_json::from_slice(&text)
            .map_err(|e| PolicyError::Weights { path, message: format!("it does not describe a reward ({e})") }.into())
    }

    /// Checks that the parts have consistent sizes. `is_linear`: whether the reward is a weighted sum of features. `path` is
    /// named in the error.
    pub fn check(&self, is_linear: bool, path: &Path) -> Result<(), TrainError> {
        let (obs_dim, act_dim) = (self.observation.size(), self.action.size());
        let n_features = if is_linear { 2 * obs_dim } else { 0 };
        let valid = |normalizer: &Normalizer, size: usize| {
            normalizer.mean.len() == size
                && normalizer.std.len() == size
                && normalizer.mean.iter().all(|x| x.is_finite())
                && normalizer.std.iter().all(|x| x.is_finite() && *x > 0.0)
                && normalizer.check_range().is_ok()
        };
        let consistent = valid(&self.normalizer.observations, obs_dim)
            && [0, act_dim].iter().any(|size| valid(&self.normalizer.actions, *size))
            && self.normalizer.excluded.iter().all(|column| *column < obs_dim)
            && self.feature_weights.len() == n_features
            && self.feature_weights.iter().all(|weight| weight.abs() <= 1.0)
            && !self.reward.hidden_sizes.is_empty();
        if consistent {
            return Ok(());
        }
        let message = "its parts do not fit together".into();
        Err(PolicyError::Weights { path: path.to_path_buf(), message }.into())
    }

    /// `apprenticeship`: the weighted sum of the features of each observation in `next_observations` `[n, obs_dim]`.
    pub fn linear_rewards(&self, next_observations: &[f32]) -> Vec<f32> {
        features(&self.normalizer, next_observations)
            .chunks_exact(2 * self.normalizer.observations.size())
            .map(|row| row.iter().zip(&self.feature_weights).map(|(x, w)| (f64::from(*x) * w) as f32).sum())
            .collect()
    }
}
