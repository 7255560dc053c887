//! Rewards that are inferred, beside the policy that learns from them.

use std::path::Path;

use crate::learn::{TrainError, UpdateStep};

/// What an agent did in an update's ticks, tick by tick: entry `tick * rows + row`.
pub struct Acted<'a> {
    /// `[ticks * rows, observation size]`, in the layout's units: what was seen before each tick.
    pub observations: &'a [f32],
    /// `[ticks * rows, action size]`, in the layout's units and within its bounds.
    pub actions: &'a [f32],
    /// `[ticks * rows, observation size]`: what was seen after each tick.
    pub next: &'a [f32],
    /// `[ticks * rows]`: the environment's own rewards.
    pub rewards: &'a [f32],
    /// Log-likelihood under the policy of actions `[n, action size]` where `[n, observation size]` was seen, both in the
    /// layouts' units.
    pub likelihood: &'a dyn Fn(&[f32], &[f32]) -> Vec<f32>,
}

/// A reward that is learned while the policy learns from it.
pub trait InferredReward: Send {
    /// Learn from what the agent did, then say what each of its ticks is worth, with numbers to tell about it.
    ///
    /// # Errors
    /// What is inferred diverges.
    fn judge(
        &mut self,
        acted: &Acted<'_>,
        step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError>;

    /// Write what it takes to go on into `dir`.
    ///
    /// # Errors
    /// A file cannot be written.
    fn save(&self, dir: &Path) -> Result<(), TrainError>;

    /// Become exactly what [`InferredReward::save`] wrote into `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged.
    fn load(&mut self, dir: &Path) -> Result<(), TrainError>;
}
