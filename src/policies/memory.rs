//! What a policy remembers of an agent from tick to tick.

use std::collections::VecDeque;

use bevy::ecs::component::Component;
use bevy::math::ops;
use rand_pcg::Pcg64;

use super::PolicyConfig;

/// What a policy remembers of one agent: the last observations or the recurrent state, the chunks that are being
/// carried out, and a generator of its own. Begins anew with the episode.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct PolicyMemory {
    pub(super) generator: Pcg64,
    /// Normalised observations, the newest last.
    pub(super) window: Vec<f32>,
    /// Recurrent state; empty before the first tick.
    pub(super) state: Vec<f32>,
    /// Decided chunks, the oldest first.
    pub(super) chunks: VecDeque<Chunk>,
}

/// Actions decided at one tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chunk {
    /// `[chunk, actions]`, normalised.
    pub actions: Vec<f32>,
    /// Ticks since it was decided.
    pub age: usize,
}

impl Default for PolicyMemory {
    fn default() -> Self {
        Self::new(0)
    }
}

impl PolicyMemory {
    /// Remembers nothing. What chance decides depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        // Any stream but those of the simulation, which draws from the same seeds.
        let generator = Pcg64::new(u128::from(seed), 0x504f_4c49_4359);
        Self { generator, window: Vec::new(), state: Vec::new(), chunks: VecDeque::new() }
    }

    /// Whether the next chunk is to be decided now.
    pub(super) fn due(&self, config: &PolicyConfig) -> bool {
        let head = &config.head;
        head.ensemble > 0.0 || self.chunks.back().is_none_or(|chunk| chunk.age >= head.execute)
    }

    /// Add a normalised observation to the window, which keeps the last `history`.
    pub(super) fn observe(&mut self, observation: &[f32], history: usize) {
        let excess = (self.window.len() + observation.len()).saturating_sub(history * observation.len());
        self.window.drain(..excess.min(self.window.len()));
        self.window.extend_from_slice(observation);
    }

    /// Take up a chunk that was decided now.
    pub(super) fn decided(&mut self, actions: Vec<f32>, config: &PolicyConfig) {
        if config.head.ensemble == 0.0 {
            self.chunks.clear();
        }
        self.chunks.push_back(Chunk { actions, age: 0 });
        self.chunks.retain(|chunk| chunk.age < config.head.chunk);
    }

    /// Write the tick's normalised action and go on to the next tick.
    pub(super) fn act(&mut self, action: &mut [f32], config: &PolicyConfig) {
        let size = action.len();
        action.fill(0.0);
        let (mut weight, mut sum) = (1.0, 0.0);
        for chunk in &mut self.chunks {
            let now = &chunk.actions[chunk.age * size..][..size];
            action.iter_mut().zip(now).for_each(|(a, x)| *a += weight * x);
            sum += weight;
            weight *= ops::exp(-config.head.ensemble);
            chunk.age += 1;
        }
        if sum > 0.0 {
            action.iter_mut().for_each(|a| *a /= sum);
        }
    }
}
