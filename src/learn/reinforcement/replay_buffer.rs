//! Replay buffer (Lin 1992) with proportional prioritization (Schaul et al. 2015, arXiv:1511.05952).

use rand_pcg::Pcg64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SumTree;
use crate::learn::core::random::{below, uniform};

/// Prioritized replay buffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Largest number of transitions; then each new one replaces the oldest.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub buffer_size: usize,
    /// Prioritization exponent: 0 samples uniformly, 1 in proportion to the TD error.
    #[schemars(range(min = 0, max = 1))]
    pub alpha: f32,
    /// Initial importance-sampling exponent, 0 to 1. It increases linearly to 1, full correction of the bias, over
    /// the run.
    #[schemars(range(min = 0, max = 1))]
    pub beta: f32,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self { buffer_size: 100_000, alpha: 0.6, beta: 0.4 }
    }
}

/// Added to each TD error, so that no transition gets a priority of 0.
const PRIORITY_EPSILON: f64 = 1e-3;
/// The same for permanent transitions, so that demonstrations are sampled often (Hester et al. 2017, arXiv:1704.03732,
/// section 4).
const PERMANENT_PRIORITY_EPSILON: f64 = 1.0;

/// An n-step transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition<'a> {
    /// `[obs_dim]`.
    pub observation: &'a [f32],
    /// Index of the joint action.
    pub action: u32,
    /// Discounted sum of the rewards until `next_observation`.
    pub reward: f32,
    /// Factor of the value of `next_observation`: gamma to the power of the ticks in between; 0 if the episode terminated.
    pub discount: f32,
    /// `[obs_dim]`.
    pub next_observation: &'a [f32],
}

/// A sample of transitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplaySample {
    /// Indices in the buffer.
    pub indices: Vec<usize>,
    /// Importance-sampling weights; the largest is 1.
    pub weights: Vec<f32>,
}

/// A prioritized replay buffer.
#[derive(Clone, Debug)]
pub struct ReplayBuffer {
    config: ReplayConfig,
    obs_dim: usize,
    observations: Vec<f32>,
    next_observations: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    priorities: SumTree,
    max_priority: f64,
    /// Transitions ever added.
    added: u64,
    /// The first transitions of the buffer, this many, are never replaced.
    permanent: usize,
}

/// The stored form of a buffer.
#[derive(Serialize, Deserialize)]
struct Saved {
    observations: Vec<f32>,
    next_observations: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    priorities: Vec<f64>,
    max_priority: f64,
    added: u64,
    permanent: usize,
}

impl ReplayBuffer {
    /// An empty buffer for observations of `obs_dim` numbers.
    pub fn new(config: &ReplayConfig, obs_dim: usize) -> Self {
        Self {
            config: config.clone(),
            obs_dim,
            observations: Vec::new(),
            next_observations: Vec::new(),
            actions: Vec::new(),
            rewards: Vec::new(),
            discounts: Vec::new(),
            priorities: SumTree::new(config.buffer_size),
            max_priority: 1.0,
            added: 0,
            permanent: 0,
        }
    }

    /// Number of transitions.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there are no transitions.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Largest number of transitions.
    pub fn buffer_size(&self) -> usize {
        self.config.buffer_size
    }

    /// Make all transitions that the buffer holds now permanent: they are never replaced.
    ///
    /// # Panics
    /// The buffer is full.
    pub fn make_permanent(&mut self) {
        assert!(self.len() < self.config.buffer_size, "a full buffer of permanent transitions takes no new ones");
        self.permanent = self.len();
    }

    /// Number of permanent transitions. They have the first indices.
    pub fn permanent(&self) -> usize {
        self.permanent
    }

    /// Add a transition with the largest priority so far. If the buffer is full it replaces the oldest transition that is not
    /// permanent.
    ///
    /// # Panics
    /// An observation does not have `obs_dim` numbers.
    pub fn push(&mut self, transition: &Transition<'_>) {
        assert!(
            transition.observation.len() == self.obs_dim && transition.next_observation.len() == self.obs_dim,
            "an observation must have {} numbers",
            self.obs_dim
        );
        let index = match (self.added as usize).checked_sub(self.config.buffer_size) {
            None => self.added as usize,
            Some(excess) => self.permanent + excess % (self.config.buffer_size - self.permanent),
        };
        if index == self.len() {
            self.observations.extend_from_slice(transition.observation);
            self.next_observations.extend_from_slice(transition.next_observation);
            self.actions.push(transition.action);
            self.rewards.push(transition.reward);
            self.discounts.push(transition.discount);
        } else {
            let range = index * self.obs_dim..(index + 1) * self.obs_dim;
            self.observations[range.clone()].copy_from_slice(transition.observation);
            self.next_observations[range].copy_from_slice(transition.next_observation);
            self.actions[index] = transition.action;
            self.rewards[index] = transition.reward;
            self.discounts[index] = transition.discount;
        }
        self.priorities.set(index, self.max_priority);
        self.added += 1;
    }

    /// The transition at `index`.
    ///
    /// # Panics
    /// `index` is out of range.
    pub fn get(&self, index: usize) -> Transition<'_> {
        let range = index * self.obs_dim..(index + 1) * self.obs_dim;
        Transition {
            observation: &self.observations[range.clone()],
            action: self.actions[index],
            reward: self.rewards[index],
            discount: self.discounts[index],
            next_observation: &self.next_observations[range],
        }
    }

    /// Sample `batch_size` transitions. `progress`: fraction of the training run that is done, 0 to 1; beta increases with
    /// it.
    ///
    /// # Panics
    /// The buffer is empty.
    pub fn sample(&self, batch_size: usize, progress: f32, rng: &mut Pcg64) -> ReplaySample {
        assert!(!self.is_empty(), "cannot sample from an empty replay buffer");
        if self.config.alpha == 0.0 {
            let indices = (0..batch_size).map(|_| below(rng, self.len())).collect();
            return ReplaySample { indices, weights: vec![1.0; batch_size] };
        }
        let beta = f64::from(self.config.beta + (1.0 - self.config.beta) * progress);
        // Stratified: one sample from each of `batch_size` equal parts of the total priority.
        let fraction = |stratum: usize, offset: f32| (stratum as f64 + f64::from(offset)) / batch_size as f64;
        let indices: Vec<usize> =
            (0..batch_size).map(|stratum| self.priorities.find(fraction(stratum, uniform(rng)))).collect();
        let weight = |index: &usize| {
            let probability = self.priorities.priority(*index) / self.priorities.total();
            (self.len() as f64 * probability).powf(-beta)
        };
        let weights: Vec<f64> = indices.iter().map(weight).collect();
        let max_weight = weights.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(*x));
        ReplaySample { indices, weights: weights.iter().map(|x| (x / max_weight) as f32).collect() }
    }

    /// Set the priorities of transitions from their TD errors.
    ///
    /// # Panics
    /// A TD error is not finite, or an index is out of range.
    pub fn update_priorities(&mut self, indices: &[usize], td_errors: &[f32]) {
        for (index, td_error) in indices.iter().zip(td_errors) {
            let epsilon = if *index < self.permanent { PERMANENT_PRIORITY_EPSILON } else { PRIORITY_EPSILON };
            let priority = (f64::from(td_error.abs()) + epsilon).powf(f64::from(self.config.alpha));
            self.priorities.set(*index, priority);
            self.max_priority = self.max_priority.max(priority);
        }
    }

    /// Serialize the buffer.
    pub fn save(&self) -> Vec<u8> {
        let saved = Saved {
            observations: self.observations.clone(),
            next_observations: self.next_observations.clone(),
            actions: self.actions.clone(),
            rewards: self.rewards.clone(),
            discounts: self.discounts.clone(),
            priorities: (0..self.len()).map(|index| self.priorities.priority(index)).collect(),
            max_priority: self.max_priority,
            added: self.added,
            permanent: self.permanent,
        };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    /// Restore what [`ReplayBuffer::save`] returned. Returns false, and changes nothing, if the bytes are damaged or are those
    /// of a buffer of another shape.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        let rows = saved.actions.len();
        let valid = rows == (saved.added.min(self.config.buffer_size as u64)) as usize
            && saved.observations.len() == rows * self.obs_dim
            && saved.next_observations.len() == rows * self.obs_dim
            && [saved.rewards.len(), saved.discounts.len(), saved.priorities.len()] == [rows; 3]
            && (saved.permanent == 0 || saved.permanent <= rows && saved.permanent < self.config.buffer_size)
            && saved.priorities.iter().chain([&saved.max_priority]).all(|p| p.is_finite() && *p >= 0.0);
        if !valid {
            return false;
        }
        *self = Self {
            observations: saved.observations,
            next_observations: saved.next_observations,
            actions: saved.actions,
            rewards: saved.rewards,
            discounts: saved.discounts,
            max_priority: saved.max_priority,
            added: saved.added,
            permanent: saved.permanent,
            ..Self::new(&self.config, self.obs_dim)
        };
        for (index, priority) in saved.priorities.into_iter().enumerate() {
            self.priorities.set(index, priority);
        }
        true
    }
}
