//! The state that a policy keeps for each agent between ticks.

use std::collections::VecDeque;

use bevy::ecs::component::Component;
use bevy::math::ops;
use rand_pcg::Pcg64;

use super::PolicyConfig;

/// The state that a policy keeps for one agent: the last observations or the recurrent state, the action chunks that are
/// being executed, and the agent's random generator. A new episode begins with a new state.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct PolicyState {
    pub(super) generator: Pcg64,
    /// The last normalized observations, the newest last.
    pub(super) observations: Vec<f32>,
    /// Recurrent state; empty before the first tick.
    pub(super) recurrent: Vec<f32>,
    /// Action chunks, the oldest first.
    pub(super) chunks: VecDeque<ActionChunk>,
}

/// The actions predicted at one tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ActionChunk {
    /// `[chunk_size, actions]`, normalized.
    pub actions: Vec<f32>,
    /// Ticks since the prediction.
    pub age: usize,
}

impl Default for PolicyState {
    fn default() -> Self {
        Self::new(0)
    }
}

impl PolicyState {
    /// The state at the start of an episode. The random numbers of a stochastic policy depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        // Any stream but those of the simulation, which uses the same seeds.
        let generator = Pcg64::new(u128::from(seed), 0x504f_4c49_4359);
        Self { generator, observations: Vec::new(), recurrent: Vec::new(), chunks: VecDeque::new() }
    }

    /// Whether a new chunk must be predicted at this tick.
    pub(super) fn needs_chunk(&self, config: &PolicyConfig) -> bool {
        let head = &config.head;
        head.temporal_ensemble_coeff > 0.0 || self.chunks.back().is_none_or(|chunk| chunk.age >= head.n_action_steps)
    }

    /// Append a normalized observation and keep the last `n_obs_steps`.
    pub(super) fn push_observation(&mut self, observation: &[f32], n_obs_steps: usize) {
        let excess = (self.observations.len() + observation.len()).saturating_sub(n_obs_steps * observation.len());
        self.observations.drain(..excess.min(self.observations.len()));
        self.observations.extend_from_slice(observation);
    }

    /// Add the chunk predicted at this tick. Without temporal ensembling it replaces the earlier one.
    pub(super) fn push_chunk(&mut self, actions: Vec<f32>, config: &PolicyConfig) {
        if config.head.temporal_ensemble_coeff == 0.0 {
            self.chunks.clear();
        }
        self.chunks.push_back(ActionChunk { actions, age: 0 });
        self.chunks.retain(|chunk| chunk.age < config.head.chunk_size);
    }

    /// Write this tick's normalized action, the weighted mean of the chunks' actions for it, and advance the chunks by one
    /// tick.
    pub(super) fn next_action(&mut self, action: &mut [f32], config: &PolicyConfig) {
        let act_dim = action.len();
        action.fill(0.0);
        let (mut weight, mut sum) = (1.0, 0.0);
        for chunk in &mut self.chunks {
            let predicted = &chunk.actions[chunk.age * act_dim..][..act_dim];
            action.iter_mut().zip(predicted).for_each(|(a, x)| *a += weight * x);
            sum += weight;
            weight *= ops::exp(-config.head.temporal_ensemble_coeff);
            chunk.age += 1;
        }
        if sum > 0.0 {
            action.iter_mut().for_each(|a| *a /= sum);
        }
    }
}
