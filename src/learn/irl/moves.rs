//! From one observation to the next: what is judged.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::learn::tensors::tensor;
use crate::learn::{TrainError, TrainingData};
use crate::policies::OBSERVATION_CLIP;
use crate::spaces::Normalizer;

/// Moves as flat rows, in the layouts' units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moves {
    /// Numbers in an observation.
    pub wide: usize,
    /// Numbers in an action; 0 where none is known.
    pub narrow: usize,
    /// `[rows, wide]`.
    pub states: Vec<f32>,
    /// `[rows, narrow]`.
    pub actions: Vec<f32>,
    /// `[rows, wide]`.
    pub next: Vec<f32>,
}

/// Log-likelihoods of actions where something was observed.
pub(super) type Likelihood<'a> = &'a dyn Fn(&[f32], &[f32]) -> Vec<f32>;

/// How moves are normalised before they are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scales {
    /// Of observations.
    pub states: Normalizer,
    /// Of actions.
    pub actions: Normalizer,
    /// Numbers of an observation that are not judged.
    #[serde(default)]
    pub hidden: Vec<usize>,
}

impl Scales {
    /// Normalise observations in place; what is not judged becomes 0.
    pub fn see(&self, observations: &mut [f32]) {
        self.states.normalize(observations);
        if self.hidden.is_empty() {
            return;
        }
        for row in observations.chunks_exact_mut(self.states.size()) {
            self.hidden.iter().for_each(|at| row[*at] = 0.0);
        }
    }
}

/// Some moves on a device, normalised.
pub(super) struct Batch {
    /// `[rows, wide]`.
    pub states: Tensor<2>,
    /// `[rows, narrow]`.
    pub actions: Tensor<2>,
    /// `[rows, wide]`.
    pub next: Tensor<2>,
    /// Log-likelihoods of the actions under the policy, `[rows, 1]`.
    pub logs: Tensor<2>,
}

impl Moves {
    /// How many.
    pub fn rows(&self) -> usize {
        self.states.len() / self.wide.max(1)
    }

    /// Whether they are of the same numbers as `other`, and whole; none always are.
    pub fn fits(&self, other: &Self) -> bool {
        let rows = self.rows();
        let whole = [(&self.states, self.wide), (&self.actions, self.narrow), (&self.next, self.wide)]
            .into_iter()
            .all(|(values, size)| values.len() == rows * size && values.iter().all(|x| x.is_finite()));
        *self == Self::default() || whole && (self.wide, self.narrow) == (other.wide, other.narrow)
    }

    /// All moves of some demonstrations, in the layouts' units.
    ///
    /// # Errors
    /// There are none.
    pub fn shown(data: &TrainingData) -> Result<Self, TrainError> {
        let (wide, narrow) = (data.observation.size(), data.action.size());
        let mut out = Self { wide, narrow, ..Self::default() };
        for rows in data.episodes() {
            for row in rows.start..rows.end.saturating_sub(1) {
                out.states.extend_from_slice(&data.observations[row * wide..(row + 1) * wide]);
                out.actions.extend_from_slice(&data.actions[row * narrow..(row + 1) * narrow]);
                out.next.extend_from_slice(&data.observations[(row + 1) * wide..(row + 2) * wide]);
            }
        }
        if out.rows() == 0 {
            let message = "no episode has two ticks, between which anything could be seen to happen".into();
            return Err(TrainError::Data { origin: data.source.clone(), message });
        }
        if let Some(at) = out.states.iter().chain(&out.actions).position(|x| !x.is_finite()) {
            let message = format!("a number is not finite, near row {}; remove that episode", at / wide);
            return Err(TrainError::Data { origin: data.source.clone(), message });
        }
        Ok(out)
    }

    /// Add the row `row` of `other`, in the place of the row `at` where there is one already.
    pub fn put(&mut self, at: usize, other: &Self, row: usize) {
        (self.wide, self.narrow) = (other.wide, other.narrow);
        for (own, other, size) in [
            (&mut self.states, &other.states, other.wide),
            (&mut self.actions, &other.actions, other.narrow),
            (&mut self.next, &other.next, other.wide),
        ] {
            let new = &other[row * size..(row + 1) * size];
            if at * size < own.len() {
                own[at * size..(at + 1) * size].copy_from_slice(new);
            } else {
                own.extend_from_slice(new);
            }
        }
    }

    /// Add all rows of `other`, in the place of the oldest once there are `capacity`; `put` counts those ever added.
    pub fn put_all(&mut self, other: &Self, capacity: usize, put: &mut u64) {
        for row in 0..other.rows() {
            self.put((*put % capacity as u64) as usize, other, row);
            *put += 1;
        }
    }

    /// The shift and scale of all observations and actions in it, without the numbers that are `hidden`.
    pub fn scales(&self, hidden: Vec<usize>) -> Scales {
        let fit = |values: &[f32], size: usize| Normalizer::fit(values.chunks_exact(size.max(1)), size);
        Scales { states: fit(&self.states, self.wide), actions: fit(&self.actions, self.narrow), hidden }
    }

    /// These rows on a device, normalised. `likelihood`: of actions where something was observed; without it, 0.
    pub fn batch(&self, rows: &[usize], scales: &Scales, likelihood: Option<Likelihood<'_>>, device: &Device) -> Batch {
        let take = |values: &[f32], size: usize| -> Vec<f32> {
            rows.iter().flat_map(|row| &values[row * size..(row + 1) * size]).copied().collect()
        };
        let (mut states, mut actions) = (take(&self.states, self.wide), take(&self.actions, self.narrow));
        let mut next = take(&self.next, self.wide);
        let logs = likelihood.map_or_else(|| vec![0.0; rows.len()], |likelihood| likelihood(&states, &actions));
        for values in [&mut states, &mut next] {
            scales.see(values);
            values.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
        }
        if self.narrow > 0 {
            scales.actions.normalize(&mut actions);
        }
        let count = rows.len();
        Batch {
            states: tensor(states, [count, self.wide], device),
            actions: tensor(actions, [count, self.narrow], device),
            next: tensor(next, [count, self.wide], device),
            logs: tensor(logs, [count, 1], device),
        }
    }
}

impl Batch {
    /// These, followed by `other`.
    pub fn followed_by(self, other: Self) -> Self {
        let both = |first, second| Tensor::cat(vec![first, second], 0);
        Self {
            states: both(self.states, other.states),
            actions: both(self.actions, other.actions),
            next: both(self.next, other.next),
            logs: both(self.logs, other.logs),
        }
    }
}
