//! The trajectory of one episode of a rollout.

use super::ground_path::GroundPath;
use crate::tasks::EpisodeEnd;

/// One episode of a rollout. What it holds for each tick depends on [`Record`](super::Record); buffers that are not
/// recorded are empty. Observations and actions are in the units of the scene's layouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// Index of its seed in the seeds of the rollout.
    pub index: usize,
    /// The episode's seed.
    pub seed: u64,
    /// The parallel environment that it was simulated in.
    pub env: usize,
    /// Steps of the rollout before its first tick. With `env`, it determines the order in which the ticks of parallel
    /// episodes were simulated.
    pub start_step: u64,
    /// How it ended.
    pub end: Option<EpisodeEnd>,
    /// Its length T, ticks.
    pub ticks: usize,
    /// Per reward term: the weighted sum over the episode.
    pub terms: Vec<f32>,
    /// Hash of its first and last observation, its length and its reward terms. Episodes with the same fingerprint are the
    /// same episode: they began alike, and nothing in them was random.
    pub fingerprint: u64,
    /// Whether exploration noise was added to the actions.
    pub explored: bool,
    /// `[T + 1, observation size]`: before each tick, and after the last one.
    pub observations: Vec<f32>,
    /// `[T, action size]`: the actions taken, clamped to the bounds of the action layout.
    pub actions: Vec<f32>,
    /// `[T, action size]`: the actions of the queried expert. `None` without an expert.
    pub expert_actions: Option<Vec<f32>>,
    /// `[T]`: the rewards.
    pub rewards: Vec<f32>,
    /// The path over the ground.
    pub path: GroundPath,
}

impl Trajectory {
    /// Add `values` to the fingerprint.
    pub(super) fn add_to_fingerprint(&mut self, values: &[f32]) {
        // FNV-1a over words of 32 bits; 0 and -0 are the same observation.
        let mix = |hash: u64, value: &f32| (hash ^ u64::from((value + 0.0).to_bits())).wrapping_mul(0x0100_0000_01b3);
        self.fingerprint = values.iter().fold(self.fingerprint, mix);
    }

    /// Whether the task succeeded.
    pub fn succeeded(&self) -> bool {
        self.end == Some(EpisodeEnd::Success)
    }

    /// The episode return: sum of the rewards.
    pub fn episode_return(&self) -> f32 {
        self.terms.iter().sum()
    }

    /// The observations that the actions were taken at, `[T, observation size]`: all but the last one.
    pub fn acting_observations(&self) -> &[f32] {
        &self.observations[..self.observations.len() / (self.ticks + 1) * self.ticks]
    }
}
