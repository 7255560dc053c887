//! Dealing the seeds of many episodes to the arenas that play them.

use super::vec_env::VecEnv;

/// Seeds that wait for an arena to come free.
pub struct Deal<'a> {
    waiting: std::slice::Iter<'a, u64>,
    /// The seed that each arena takes up when its episode ends; `None` when that is its last one.
    next: Vec<Option<u64>>,
}

impl<'a> Deal<'a> {
    /// Begin the first episodes in all arenas of `env`, which has no more arenas than there are seeds.
    pub fn begin(env: &mut VecEnv, seeds: &'a [u64]) -> Self {
        let (first, waiting) = seeds.split_at(env.arenas());
        env.reset(first);
        let mut waiting = waiting.iter();
        let next: Vec<Option<u64>> = (0..env.arenas()).map(|_| waiting.next().copied()).collect();
        for (arena, seed) in next.iter().enumerate() {
            seed.iter().for_each(|seed| env.set_next_seed(arena, *seed));
        }
        Self { waiting, next }
    }

    /// The episode of `arena` has ended: name the one after the next, or take the arena out when there is none to play.
    pub fn ended(&mut self, env: &mut VecEnv, arena: usize) {
        if self.next[arena].is_none() {
            env.retire(arena);
            return;
        }
        self.next[arena] = self.waiting.next().copied();
        self.next[arena].iter().for_each(|seed| env.set_next_seed(arena, *seed));
    }
}
