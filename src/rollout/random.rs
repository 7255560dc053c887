//! Uniformly random actions.

use rand::RngExt;

use super::vec_env::VecEnv;
use crate::sim::{SimRng, episode_rng};

/// Stream of the episode's generator that random actions come from.
const RANDOM_STREAM: u64 = 3;

/// Actions drawn uniformly within the action layout's bounds. The actions of an arena depend on the seed of its episode
/// alone.
pub struct RandomActions {
    bounds: Vec<(f32, f32)>,
    /// Per arena: the episode that its generator belongs to, as counted by [`VecEnv::episodes_begun`].
    generators: Vec<(u64, SimRng)>,
    actions: Vec<f32>,
}

impl RandomActions {
    /// Random actions for `env`. Reset `env` before the first call of [`Self::next`].
    pub fn new(env: &VecEnv) -> Self {
        let bounds = env.scene().blueprint.spaces().action.bounds().collect();
        let generator = |arena| (env.episodes_begun(arena), episode_rng(env.seed(arena), RANDOM_STREAM));
        let generators = (0..env.arenas()).map(generator).collect();
        Self { bounds, generators, actions: vec![0.0; env.rows() * env.action_size()] }
    }

    /// Actions for the next step, `[rows, action size]`.
    pub fn next(&mut self, env: &VecEnv) -> &[f32] {
        let arena_size = self.actions.len() / self.generators.len();
        for (arena, actions) in self.actions.chunks_exact_mut(arena_size).enumerate() {
            let (episode, rng) = &mut self.generators[arena];
            if *episode != env.episodes_begun(arena) {
                *episode = env.episodes_begun(arena);
                *rng = episode_rng(env.seed(arena), RANDOM_STREAM);
            }
            for (value, (low, high)) in actions.iter_mut().zip(self.bounds.iter().cycle()) {
                *value = low + rng.random::<f32>() * (high - low);
            }
        }
        &self.actions
    }
}
