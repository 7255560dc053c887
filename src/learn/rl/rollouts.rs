//! What came of acting for some ticks in every row.

use super::{Ending, Environment, Moments, generalized_advantages};
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
    /// Rewards.
    pub rewards: Vec<f32>,
    /// What was seen after each tick, `[ticks * rows, observation size]`; where an episode ended, its last observation.
    pub next: Vec<f32>,
    /// What follows each tick; [`Ending::Truncated`] holds no value yet.
    pub endings: Vec<Ending>,
    /// Return and success of the episodes that ended.
    pub episodes: Vec<(f32, bool)>,
}

impl Rollouts {
    /// Nothing yet.
    pub fn new(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Note the tick that `environment` has just taken.
    pub fn push(&mut self, environment: &dyn Environment) {
        let step = environment.last();
        let wide = step.observations.len() / self.rows;
        self.rewards.extend_from_slice(step.rewards);
        for row in 0..self.rows {
            let ending = if step.terminated[row] {
                Ending::Terminated
            } else if step.truncated[row] {
                Ending::Truncated(0.0)
            } else {
                Ending::Running
            };
            self.endings.push(ending);
            let next = if ending == Ending::Running { step.observations } else { step.final_observations };
            self.next.extend_from_slice(&next[row * wide..(row + 1) * wide]);
            if ending != Ending::Running {
                self.episodes.push(environment.outcome(row));
            }
        }
    }

    /// Scale the rewards by the deviation of their discounted sums, which `sums` go on with for each row and `returns`
    /// follows, as Stable-Baselines3's `VecNormalize` does.
    pub fn scale(&mut self, discount: f32, sums: &mut [f32], returns: &mut Moments) {
        let ticks = self.rewards.chunks_mut(self.rows).zip(self.endings.chunks(self.rows));
        for (rewards, endings) in ticks {
            sums.iter_mut().zip(&*rewards).for_each(|(sum, reward)| *sum = *sum * discount + reward);
            returns.add(sums);
            let ended = sums.iter_mut().zip(endings).filter(|(_, ending)| **ending != Ending::Running);
            ended.for_each(|(sum, _)| *sum = 0.0);
            // By what was known at that tick.
            let scale = returns.deviations().next().map_or(1.0, f32::recip);
            rewards.iter_mut().for_each(|r| *r = (*r * scale).clamp(-LARGEST_REWARD, LARGEST_REWARD));
        }
    }

    /// The ticks that are truncated, and what was seen after them.
    pub fn truncated(&self) -> (Vec<usize>, Vec<f32>) {
        let wide = self.next.len() / self.endings.len().max(1);
        let ticks = self.endings.iter().enumerate().filter(|(_, ending)| matches!(ending, Ending::Truncated(_)));
        let ticks: Vec<usize> = ticks.map(|(tick, _)| tick).collect();
        let seen = ticks.iter().flat_map(|tick| &self.next[tick * wide..(tick + 1) * wide]).copied().collect();
        (ticks, seen)
    }

    /// Advantage of every tick, by the `values` of the ticks, of the truncated episodes' last states, by their ticks, and of
    /// the states after the last tick.
    pub fn advantages(
        &mut self,
        values: &[f32],
        truncated: impl Iterator<Item = (usize, f32)>,
        next: &[f32],
        decays: (f32, f32),
    ) -> Vec<f32> {
        for (at, value) in truncated {
            self.endings[at] = Ending::Truncated(value);
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

/// Which lesson it is, where there is more than one.
pub(super) fn lesson(environment: &dyn Environment) -> Option<Metric> {
    let (lesson, all) = environment.lesson();
    (all > 1).then_some(Metric { tag: "episodes/lesson", value: lesson as f32 })
}

/// Rows of observations as a network takes them.
pub(super) fn normalized(normalizer: &Normalizer, observations: &[f32]) -> Vec<f32> {
    let mut rows = observations.to_vec();
    normalizer.normalize(&mut rows);
    rows.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
    rows
}
