//! Episode seeds that are assigned to arenas as these become free.

use super::vec_env::VecEnv;

/// A queue of episode seeds for the arenas of a [`VecEnv`].
pub struct SeedQueue<'a> {
    pending: std::slice::Iter<'a, u64>,
    /// Per arena: the seed of its next episode; `None` while it runs its last one.
    next: Vec<Option<u64>>,
}

impl<'a> SeedQueue<'a> {
    /// Reset `env` to the first seeds and queue the others. `env` has at most as many arenas as there are seeds.
    pub fn start(env: &mut VecEnv, seeds: &'a [u64]) -> Self {
        let (first, pending) = seeds.split_at(env.arenas());
        env.reset(first);
        let mut pending = pending.iter();
        let next: Vec<Option<u64>> = (0..env.arenas()).map(|_| pending.next().copied()).collect();
        for (arena, seed) in next.iter().enumerate() {
            seed.iter().for_each(|seed| env.set_next_seed(arena, *seed));
        }
        Self { pending, next }
    }

    /// Call it when the episode of `arena` has ended: sets the seed of the episode after the next one, or retires the
    /// arena when the queue is empty.
    pub fn advance(&mut self, env: &mut VecEnv, arena: usize) {
        if self.next[arena].is_none() {
            env.retire(arena);
            return;
        }
        self.next[arena] = self.pending.next().copied();
        self.next[arena].iter().for_each(|seed| env.set_next_seed(arena, *seed));
    }
}
