//! Episode seeds that are assigned to arenas as these become free.

use super::vec_env::VecEnv;

/// A queue of episode seeds for the arenas of a [`VecEnv`]. Episodes are identified by the index of their seed, since a
/// seed may occur twice.
pub struct SeedQueue<'a> {
    seeds: &'a [u64],
    /// Index of the next seed that no arena has been given.
    pending: usize,
    /// Per arena: the index of its next episode; `None` while it runs its last one.
    next: Vec<Option<usize>>,
    /// Per arena: [`VecEnv::episodes_begun`] of the running episode.
    begun: Vec<u64>,
}

impl<'a> SeedQueue<'a> {
    /// Reset `env` to the first seeds, so that arena `i` runs the episode with index `i`, and queue the others. `env` has
    /// at most as many arenas as there are seeds.
    pub fn start(env: &mut VecEnv, seeds: &'a [u64]) -> Self {
        let arenas = env.arenas();
        env.reset(&seeds[..arenas]);
        let begun = (0..arenas).map(|arena| env.episodes_begun(arena)).collect();
        let mut queue = Self { seeds, pending: arenas, next: vec![None; arenas], begun };
        for arena in 0..arenas {
            queue.set_next(env, arena);
        }
        queue
    }

    /// Call it for each arena after each step; `ended` states whether the recorded episode of `arena` ended in it. Retires
    /// the arena after its last episode. Returns the index of the episode that the arena has begun, if it has begun one.
    pub fn advance(&mut self, env: &mut VecEnv, arena: usize, ended: bool) -> Option<usize> {
        if ended && self.next[arena].is_none() {
            env.retire(arena);
            return None;
        }
        // The arena begins its next episode when those of all its agents have ended.
        if env.episodes_begun(arena) == self.begun[arena] {
            return None;
        }
        self.begun[arena] = env.episodes_begun(arena);
        let begun = self.next[arena];
        self.set_next(env, arena);
        begun
    }

    /// Take the next seed of the queue for the episode of `arena` after the running one.
    fn set_next(&mut self, env: &mut VecEnv, arena: usize) {
        self.next[arena] = (self.pending < self.seeds.len()).then_some(self.pending);
        if let Some(index) = self.next[arena] {
            self.pending += 1;
            env.set_next_seed(arena, self.seeds[index]);
        }
    }
}
