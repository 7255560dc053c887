//! The interface of a learned reward, which replaces the rewards of the task.

use std::path::{Path, PathBuf};

use super::error::TrainError;
use super::learner::UpdateStep;

/// A stored learned reward, and the files that define it.
pub struct StoredReward {
    /// The reward.
    pub reward: Box<dyn LearnedReward>,
    /// Its files: a run is only resumed with the same.
    pub files: Vec<PathBuf>,
}

/// The transitions of one rollout, step by step: transition `step * n_envs + env`.
pub struct RolloutTransitions<'a> {
    /// `[n_steps * n_envs, obs_dim]`, in the layout's units.
    pub observations: &'a [f32],
    /// `[n_steps * n_envs, act_dim]`, in the layout's units, clamped to its bounds.
    pub actions: &'a [f32],
    /// `[n_steps * n_envs, obs_dim]`. Where an episode ended, its final observation.
    pub next_observations: &'a [f32],
    /// `[n_steps * n_envs]`: the environment's own rewards.
    pub rewards: &'a [f32],
    /// Log-probabilities `[n]` under the current policy of actions `[n, act_dim]` (second argument) at observations
    /// `[n, obs_dim]` (first argument), both in the layouts' units.
    pub log_prob: &'a dyn Fn(&[f32], &[f32]) -> Vec<f32>,
}

/// A learned reward: it replaces the rewards of each rollout before the policy is updated.
pub trait LearnedReward: Send {
    /// Train on the transitions of a rollout, then return a reward for each of them, and metrics by their TensorBoard
    /// tags.
    ///
    /// # Errors
    /// Training diverges.
    fn train_and_relabel(
        &mut self,
        rollout: &RolloutTransitions<'_>,
        step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError>;

    /// Write the training state into `dir`.
    ///
    /// # Errors
    /// A file cannot be written.
    fn save(&self, dir: &Path) -> Result<(), TrainError>;

    /// Restore the training state that [`LearnedReward::save`] wrote into `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged.
    fn load(&mut self, dir: &Path) -> Result<(), TrainError>;
}
