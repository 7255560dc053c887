//! Transitions that are learned from again and again (Lin 1992), those that surprised most often (Schaul et al. 2015,
//! arXiv:1511.05952).

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::SumTree;
use crate::learn::random::{below, uniform};

/// `[dqn.replay]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Transitions that are kept; older ones are dropped.
    pub capacity: usize,
    /// How much more often surprising transitions are drawn: 0 draws all alike, 1 by their error.
    pub priority: f32,
    /// How much of the bias from drawing them more often is taken back at first, 0 to 1; all of it at the end.
    pub correction: f32,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self { capacity: 100_000, priority: 0.6, correction: 0.4 }
    }
}

/// Added to every error, so that no transition is never drawn again.
const LEAST_ERROR: f64 = 1e-3;
/// The same for what stays, so that demonstrations are drawn often (Hester et al. 2017, arXiv:1704.03732, section 4).
const LEAST_KEPT: f64 = 1.0;

/// What followed an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition<'a> {
    /// `[observation size]`, before.
    pub observation: &'a [f32],
    /// Number of the action.
    pub action: u32,
    /// The discounted rewards until `next`.
    pub reward: f32,
    /// What the value of `next` counts for: the discount of the ticks in between; 0 where nothing came after them.
    pub discount: f32,
    /// `[observation size]`, after.
    pub next: &'a [f32],
}

/// Transitions that were drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Where they are.
    pub entries: Vec<usize>,
    /// Their importance weights, the largest 1.
    pub weights: Vec<f32>,
}

/// A store of transitions.
#[derive(Clone, Debug)]
pub struct Replay {
    config: ReplayConfig,
    wide: usize,
    observations: Vec<f32>,
    nexts: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    priorities: SumTree,
    largest: f64,
    /// Transitions ever put in.
    count: u64,
    /// The first of them, which never make room.
    kept: usize,
}

/// What a store is written as.
#[derive(Serialize, Deserialize)]
struct Saved {
    observations: Vec<f32>,
    nexts: Vec<f32>,
    actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    priorities: Vec<f64>,
    largest: f64,
    count: u64,
    kept: usize,
}

impl Replay {
    /// An empty store of observations of `wide` numbers.
    pub fn new(config: &ReplayConfig, wide: usize) -> Self {
        Self {
            config: config.clone(),
            wide,
            observations: Vec::new(),
            nexts: Vec::new(),
            actions: Vec::new(),
            rewards: Vec::new(),
            discounts: Vec::new(),
            priorities: SumTree::new(config.capacity),
            largest: 1.0,
            count: 0,
            kept: 0,
        }
    }

    /// Transitions in it.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// How many there is room for.
    pub fn capacity(&self) -> usize {
        self.config.capacity
    }

    /// What is in it now never makes room for anything.
    ///
    /// # Panics
    /// When it is full.
    pub fn keep(&mut self) {
        assert!(self.len() < self.config.capacity, "something has to make room");
        self.kept = self.len();
    }

    /// Transitions that never make room; they are the first entries.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Put one in, as surprising as the most surprising yet. The oldest makes room.
    ///
    /// # Panics
    /// When an observation has another size.
    pub fn push(&mut self, transition: &Transition<'_>) {
        assert!(
            transition.observation.len() == self.wide && transition.next.len() == self.wide,
            "an observation's size"
        );
        let at = match (self.count as usize).checked_sub(self.config.capacity) {
            None => self.count as usize,
            Some(over) => self.kept + over % (self.config.capacity - self.kept),
        };
        if at == self.len() {
            self.observations.extend_from_slice(transition.observation);
            self.nexts.extend_from_slice(transition.next);
            self.actions.push(transition.action);
            self.rewards.push(transition.reward);
            self.discounts.push(transition.discount);
        } else {
            let place = at * self.wide..(at + 1) * self.wide;
            self.observations[place.clone()].copy_from_slice(transition.observation);
            self.nexts[place].copy_from_slice(transition.next);
            self.actions[at] = transition.action;
            self.rewards[at] = transition.reward;
            self.discounts[at] = transition.discount;
        }
        self.priorities.set(at, self.largest);
        self.count += 1;
    }

    /// The transition of an entry.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, entry: usize) -> Transition<'_> {
        let place = entry * self.wide..(entry + 1) * self.wide;
        Transition {
            observation: &self.observations[place.clone()],
            action: self.actions[entry],
            reward: self.rewards[entry],
            discount: self.discounts[entry],
            next: &self.nexts[place],
        }
    }

    /// Draw `rows` transitions. `done`: how far training is, 0 to 1, by which the correction rises.
    ///
    /// # Panics
    /// When there are none.
    pub fn draw(&self, rows: usize, done: f32, generator: &mut Pcg64) -> Drawn {
        assert!(!self.is_empty(), "nothing to draw");
        if self.config.priority == 0.0 {
            let entries = (0..rows).map(|_| below(generator, self.len())).collect();
            return Drawn { entries, weights: vec![1.0; rows] };
        }
        let correction = f64::from(self.config.correction + (1.0 - self.config.correction) * done);
        // One from each of as many equal parts of the sum.
        let share = |row: usize, within: f32| (row as f64 + f64::from(within)) / rows as f64;
        let entries: Vec<usize> = (0..rows).map(|row| self.priorities.find(share(row, uniform(generator)))).collect();
        let weight = |entry: &usize| {
            let probability = self.priorities.priority(*entry) / self.priorities.total();
            (self.len() as f64 * probability).powf(-correction)
        };
        let weights: Vec<f64> = entries.iter().map(weight).collect();
        let largest = weights.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(*x));
        Drawn { entries, weights: weights.iter().map(|x| (x / largest) as f32).collect() }
    }

    /// Say how far off the value of some entries was.
    ///
    /// # Panics
    /// When an error is not finite, or there is no such entry.
    pub fn surprise(&mut self, entries: &[usize], errors: &[f32]) {
        for (entry, error) in entries.iter().zip(errors) {
            let least = if *entry < self.kept { LEAST_KEPT } else { LEAST_ERROR };
            let priority = (f64::from(error.abs()) + least).powf(f64::from(self.config.priority));
            self.priorities.set(*entry, priority);
            self.largest = self.largest.max(priority);
        }
    }

    /// Everything in it.
    pub fn save(&self) -> Vec<u8> {
        let saved = Saved {
            observations: self.observations.clone(),
            nexts: self.nexts.clone(),
            actions: self.actions.clone(),
            rewards: self.rewards.clone(),
            discounts: self.discounts.clone(),
            priorities: (0..self.len()).map(|entry| self.priorities.priority(entry)).collect(),
            largest: self.largest,
            count: self.count,
            kept: self.kept,
        };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    /// Become what [`Replay::save`] wrote; whether the bytes are of that kind, and of a store of this shape.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        let rows = saved.actions.len();
        let fits = rows == (saved.count.min(self.config.capacity as u64)) as usize
            && saved.observations.len() == rows * self.wide
            && saved.nexts.len() == rows * self.wide
            && [saved.rewards.len(), saved.discounts.len(), saved.priorities.len()] == [rows; 3]
            && (saved.kept == 0 || saved.kept <= rows && saved.kept < self.config.capacity)
            && saved.priorities.iter().chain([&saved.largest]).all(|p| p.is_finite() && *p >= 0.0);
        if !fits {
            return false;
        }
        *self = Self {
            observations: saved.observations,
            nexts: saved.nexts,
            actions: saved.actions,
            rewards: saved.rewards,
            discounts: saved.discounts,
            largest: saved.largest,
            count: saved.count,
            kept: saved.kept,
            ..Self::new(&self.config, self.wide)
        };
        for (entry, priority) in saved.priorities.into_iter().enumerate() {
            self.priorities.set(entry, priority);
        }
        true
    }
}
