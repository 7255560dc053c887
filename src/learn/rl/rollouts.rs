//! What came of acting for some ticks in every row.

use super::{Ending, Environment, generalized_advantages};
use crate::learn::Metric;
use crate::policies::OBSERVATION_CLIP;
use crate::spaces::Normalizer;

/// Ticks of all rows, tick by tick: entry `tick * rows + row`.
#[derive(Clone, Debug, Default)]
pub(super) struct Rollouts {
    /// Agents side by side.
    pub rows: usize,
    /// `[ticks * rows, observation size]`, in the layout's units.
    pub observations: Vec<f32>,
    /// `[ticks * rows, action size]`, normalised, as they were drawn.
    pub actions: Vec<f32>,
    /// Log-likelihood of each action when it was drawn.
    pub logs: Vec<f32>,
    /// Rewards, scaled.
    pub rewards: Vec<f32>,
    /// What follows each tick; [`Ending::Truncated`] holds no value yet.
    pub endings: Vec<Ending>,
    /// The ticks that are truncated, and the last observation of their episodes, `[truncated, observation size]`.
    pub truncated: (Vec<usize>, Vec<f32>),
    /// Return and success of the episodes that ended.
    pub episodes: Vec<(f32, bool)>,
}

impl Rollouts {
    /// Nothing yet.
    pub fn new(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Note the tick that `environment` has just taken. `scale`: what rewards are multiplied by.
    pub fn push(&mut self, environment: &dyn Environment, scale: f32) {
        let step = environment.last();
        let wide = step.observations.len() / self.rows;
        for row in 0..self.rows {
            self.rewards.push((step.rewards[row] * scale).clamp(-LARGEST_REWARD, LARGEST_REWARD));
            let ending = if step.terminated[row] {
                Ending::Terminated
            } else if step.truncated[row] {
                self.truncated.0.push(self.endings.len());
                self.truncated.1.extend_from_slice(&step.final_observations[row * wide..(row + 1) * wide]);
                Ending::Truncated(0.0)
            } else {
                Ending::Running
            };
            self.endings.push(ending);
            if ending != Ending::Running {
                self.episodes.push(environment.outcome(row));
            }
        }
    }

    /// Advantage of every tick, by the `values` of the ticks, of the truncated episodes' last states, and of the states
    /// after the last tick.
    pub fn advantages(&mut self, values: &[f32], truncated: &[f32], next: &[f32], decays: (f32, f32)) -> Vec<f32> {
        for (at, value) in self.truncated.0.iter().zip(truncated) {
            self.endings[*at] = Ending::Truncated(*value);
        }
        let mut out = vec![0.0; self.rewards.len()];
        let column =
            |all: &[f32], row: usize| -> Vec<f32> { all.iter().skip(row).step_by(self.rows).copied().collect() };
        for (row, next) in next.iter().enumerate() {
            let (rewards, values) = (column(&self.rewards, row), column(values, row));
            let endings: Vec<Ending> = self.endings.iter().skip(row).step_by(self.rows).copied().collect();
            let advantages = generalized_advantages(&rewards, &values, &endings, *next, decays);
            for (tick, advantage) in advantages.into_iter().enumerate() {
                out[tick * self.rows + row] = advantage;
            }
        }
        out
    }
}

/// Rewards are cut off here after scaling, as Stable-Baselines3's `VecNormalize` does.
const LARGEST_REWARD: f32 = 10.0;

/// Means over episodes of their return and success, where there are any.
pub(super) fn told(episodes: &[(f32, bool)]) -> Vec<Metric> {
    if episodes.is_empty() {
        return Vec::new();
    }
    let count = episodes.len() as f32;
    let total: f32 = episodes.iter().map(|(total, _)| total).sum();
    let done = episodes.iter().filter(|(_, success)| *success).count() as f32;
    vec![
        Metric { tag: "episodes/return", value: total / count },
        Metric { tag: "episodes/success", value: done / count },
    ]
}

/// Rows of observations as a network takes them.
pub(super) fn normalized(normalizer: &Normalizer, observations: &[f32]) -> Vec<f32> {
    let mut rows = observations.to_vec();
    normalizer.normalize(&mut rows);
    rows.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
    rows
}
