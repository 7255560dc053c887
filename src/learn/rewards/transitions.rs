//! What a reward network does with [`Transitions`]: those of demonstrations, ring buffer, normalization, minibatches.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::learn::core::tensors::tensor;
use crate::learn::{TrainError, TrainingData};
use crate::policies::OBSERVATION_CLIP;
use crate::rollout::Transitions;
use crate::spaces::{Layout, Normalizer};

/// Log-probabilities under the policy of actions `[n, act_dim]` at observations `[n, obs_dim]`.
pub(super) type LogProb<'a> = &'a dyn Fn(&[f32], &[f32]) -> Vec<f32>;

/// How transitions are normalized for the reward network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct InputNormalizer {
    /// Normalizer of observations.
    pub observations: Normalizer,
    /// Normalizer of actions.
    pub actions: Normalizer,
    /// Columns of an observation that the reward network does not see.
    #[serde(default)]
    pub excluded: Vec<usize>,
}

impl InputNormalizer {
    /// Normalizes observations in place; excluded columns become 0.
    pub fn normalize_observations(&self, observations: &mut [f32]) {
        self.observations.normalize(observations);
        if self.excluded.is_empty() {
            return;
        }
        for row in observations.chunks_exact_mut(self.observations.size()) {
            self.excluded.iter().for_each(|column| row[*column] = 0.0);
        }
    }
}

/// A minibatch of normalized transitions on a device.
pub(super) struct Batch {
    /// `[rows, obs_dim]`.
    pub observations: Tensor<2>,
    /// `[rows, act_dim]`.
    pub actions: Tensor<2>,
    /// `[rows, obs_dim]`.
    pub next_observations: Tensor<2>,
    /// Log-probabilities of the actions under the policy, `[rows, 1]`.
    pub log_prob: Tensor<2>,
}

impl Transitions {
    /// Whether the lengths are consistent, all values are finite, and the dimensions are those of `other`. An empty
    /// default always fits.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let rows = self.rows();
        let valid = [
            (&self.observations, self.obs_dim),
            (&self.actions, self.act_dim),
            (&self.next_observations, self.obs_dim),
        ]
        .into_iter()
        .all(|(values, size)| values.len() == rows * size && values.iter().all(|x| x.is_finite()));
        *self == Self::default() || valid && (self.obs_dim, self.act_dim) == (other.obs_dim, other.act_dim)
    }

    /// All transitions of the demonstrations in `data`, in the layouts' units.
    ///
    /// # Errors
    /// No episode has two ticks, or a value is not finite.
    pub(super) fn from_demonstrations(data: &TrainingData) -> Result<Self, TrainError> {
        let (obs_dim, act_dim) = (data.observation.size(), data.action.size());
        let mut out = Self { obs_dim, act_dim, ..Self::default() };
        for rows in data.episodes() {
            for row in rows.start..rows.end.saturating_sub(1) {
                out.observations.extend_from_slice(&data.observations[row * obs_dim..(row + 1) * obs_dim]);
                out.actions.extend_from_slice(&data.actions[row * act_dim..(row + 1) * act_dim]);
                out.next_observations.extend_from_slice(&data.observations[(row + 1) * obs_dim..(row + 2) * obs_dim]);
            }
        }
        if out.rows() == 0 {
            let message = "no episode has two ticks, so there is no transition to learn from".into();
            return Err(TrainError::Data { origin: data.source.clone(), message });
        }
        if let Some(at) = out.observations.iter().chain(&out.actions).position(|x| !x.is_finite()) {
            let message = format!("a number is not finite, near row {}; remove that episode", at / obs_dim);
            return Err(TrainError::Data { origin: data.source.clone(), message });
        }
        Ok(out)
    }

    /// Writes row `row` of `other` to index `at`, or appends it where there is no such index yet.
    fn set(&mut self, at: usize, other: &Self, row: usize) {
        (self.obs_dim, self.act_dim) = (other.obs_dim, other.act_dim);
        for (own, other, size) in [
            (&mut self.observations, &other.observations, other.obs_dim),
            (&mut self.actions, &other.actions, other.act_dim),
            (&mut self.next_observations, &other.next_observations, other.obs_dim),
        ] {
            let new = &other[row * size..(row + 1) * size];
            if at * size < own.len() {
                own[at * size..(at + 1) * size].copy_from_slice(new);
            } else {
                own.extend_from_slice(new);
            }
        }
    }

    /// Adds all rows of `other` to this ring buffer of `capacity` rows, which overwrites its oldest rows when full.
    /// `total_added` counts the rows ever added.
    pub(super) fn push_ring(&mut self, other: &Self, capacity: usize, total_added: &mut u64) {
        for row in 0..other.rows() {
            self.set((*total_added % capacity as u64) as usize, other, row);
            *total_added += 1;
        }
    }

    /// The normalizers of the observations and actions, with these layouts. `excluded`: observation columns to hide.
    pub(super) fn fit_normalizer(
        &self,
        observation: &Layout,
        action: &Layout,
        excluded: Vec<usize>,
    ) -> InputNormalizer {
        let observations = Normalizer::fit(self.observations.chunks_exact(self.obs_dim.max(1)), observation);
        let actions = match self.act_dim {
            0 => Normalizer::identity(0),
            size => Normalizer::fit(self.actions.chunks_exact(size), action),
        };
        InputNormalizer { observations, actions, excluded }
    }

    /// The given rows, normalized, on a device. Without `log_prob`, that column is 0.
    pub(super) fn batch(
        &self,
        rows: &[usize],
        normalizer: &InputNormalizer,
        log_prob: Option<LogProb<'_>>,
        device: &Device,
    ) -> Batch {
        let gather = |values: &[f32], size: usize| -> Vec<f32> {
            rows.iter().flat_map(|row| &values[row * size..(row + 1) * size]).copied().collect()
        };
        let mut observations = gather(&self.observations, self.obs_dim);
        let mut actions = gather(&self.actions, self.act_dim);
        let mut next_observations = gather(&self.next_observations, self.obs_dim);
        let log_prob = log_prob.map_or_else(|| vec![0.0; rows.len()], |log_prob| log_prob(&observations, &actions));
        for values in [&mut observations, &mut next_observations] {
            normalizer.normalize_observations(values);
            values.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
        }
        if self.act_dim > 0 {
            normalizer.actions.normalize(&mut actions);
        }
        let count = rows.len();
        Batch {
            observations: tensor(observations, [count, self.obs_dim], device),
            actions: tensor(actions, [count, self.act_dim], device),
            next_observations: tensor(next_observations, [count, self.obs_dim], device),
            log_prob: tensor(log_prob, [count, 1], device),
        }
    }
}

impl Batch {
    /// The rows of this batch, then those of `other`.
    pub fn concatenate(self, other: Self) -> Self {
        let cat = |first, second| Tensor::cat(vec![first, second], 0);
        Self {
            observations: cat(self.observations, other.observations),
            actions: cat(self.actions, other.actions),
            next_observations: cat(self.next_observations, other.next_observations),
            log_prob: cat(self.log_prob, other.log_prob),
        }
    }
}
