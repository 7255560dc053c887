//! One side's view of the arenas: the other side is played by policies of its past.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::learn::random::{Purpose, generator, uniform};
use crate::learn::rl::{Arenas, Environment};
use crate::policies::{Policy, PolicyConfig};
use crate::rollout::Step;

/// Everybody who ever played for a side.
pub(super) type Pool = Arc<Mutex<Players>>;

/// Players of a side, oldest first.
#[derive(Default)]
pub(super) struct Players {
    pub policies: Vec<Policy>,
    /// How much each of them is played against, relative to the others.
    pub weights: Vec<f64>,
}

impl Players {
    /// Where among them a share of all weights, within 0 and 1, lies.
    fn find(&self, share: f64) -> usize {
        let mut left = share * self.weights.iter().sum::<f64>();
        let passed = |weight: &f64| {
            left -= weight;
            left < 0.0
        };
        self.weights.iter().position(passed).unwrap_or(self.weights.len().saturating_sub(1))
    }
}

/// The arenas of a game with two sides, one of which acts.
pub(super) struct Duel {
    arenas: Arenas,
    /// The side that acts.
    side: usize,
    opponents: Pool,
    /// Share of the episodes against the newest of them.
    newest: f32,
    /// Who plays in each arena.
    against: Vec<usize>,
    seed: u64,
    /// Opponents drawn.
    drawn: u64,
    actions: Vec<f32>,
    observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    final_observations: Vec<f32>,
    active: Vec<bool>,
    waiting: Vec<bool>,
}

/// Where it is.
#[derive(Serialize, Deserialize)]
struct Saved {
    arenas: Vec<u8>,
    against: Vec<usize>,
    seed: u64,
    drawn: u64,
}

/// Every other row of `size` numbers, from row `side` on.
fn take<T: Copy>(from: &[T], size: usize, side: usize, into: &mut Vec<T>) {
    into.clear();
    from.chunks_exact(size).skip(side).step_by(2).for_each(|row| into.extend_from_slice(row));
}

impl Duel {
    pub fn new(arenas: Arenas, side: usize, opponents: Pool, newest: f32) -> Self {
        Self {
            against: vec![0; arenas.rows() / 2],
            actions: Vec::new(),
            arenas,
            side,
            opponents,
            newest,
            seed: 0,
            drawn: 0,
            observations: Vec::new(),
            rewards: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
            final_observations: Vec::new(),
            active: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Somebody for the next episode of `arena`.
    fn draw(&mut self, arena: usize) {
        self.drawn += 1;
        let mut chance = generator(self.seed, Purpose::Opponent, self.drawn);
        let pool = self.opponents.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = uniform(&mut chance) < self.newest;
        self.against[arena] =
            if newest { pool.policies.len().saturating_sub(1) } else { pool.find(f64::from(uniform(&mut chance))) };
    }

    /// Let the opponents decide into their rows of the actions.
    fn oppose(&mut self) {
        let step = self.arenas.last();
        let arenas = self.against.len();
        let wide = step.observations.len() / (2 * arenas);
        let narrow = self.actions.len() / (2 * arenas);
        let other = 1 - self.side;
        let mut pool = self.opponents.lock().unwrap_or_else(PoisonError::into_inner);
        for (who, policy) in pool.policies.iter_mut().enumerate() {
            let rows: Vec<usize> =
                (0..arenas).filter(|arena| self.against[*arena] == who).map(|arena| 2 * arena + other).collect();
            if rows.is_empty() {
                continue;
            }
            let seen: Vec<f32> =
                rows.iter().flat_map(|row| &step.observations[row * wide..(row + 1) * wide]).copied().collect();
            let mut decided = vec![0.0; rows.len() * narrow];
            policy.act(&seen, &mut [], &mut decided);
            for (row, action) in rows.iter().zip(decided.chunks_exact(narrow)) {
                self.actions[row * narrow..(row + 1) * narrow].copy_from_slice(action);
            }
        }
    }

    /// Take the acting side's rows of what the arenas left.
    fn gather(&mut self) {
        let step = self.arenas.last();
        let wide = step.observations.len() / step.rewards.len();
        take(step.observations, wide, self.side, &mut self.observations);
        take(step.final_observations, wide, self.side, &mut self.final_observations);
        take(step.rewards, 1, self.side, &mut self.rewards);
        take(step.terminated, 1, self.side, &mut self.terminated);
        take(step.truncated, 1, self.side, &mut self.truncated);
        take(step.active, 1, self.side, &mut self.active);
        take(step.waiting, 1, self.side, &mut self.waiting);
    }
}

impl Environment for Duel {
    fn policy_config(&self) -> PolicyConfig {
        self.arenas.policy_config()
    }

    fn name(&self) -> String {
        self.arenas.name()
    }

    fn fingerprint(&self) -> u64 {
        self.arenas.fingerprint()
    }

    fn rows(&self) -> usize {
        self.against.len()
    }

    fn begin(&mut self, seed: u64) {
        (self.seed, self.drawn) = (seed, 0);
        self.arenas.begin(seed);
        (0..self.against.len()).for_each(|arena| self.draw(arena));
        self.gather();
    }

    fn step(&mut self, actions: &[f32]) {
        let narrow = actions.len() / self.against.len();
        self.actions.resize(2 * actions.len(), 0.0);
        self.oppose();
        for (arena, action) in actions.chunks_exact(narrow).enumerate() {
            let row = 2 * arena + self.side;
            self.actions[row * narrow..(row + 1) * narrow].copy_from_slice(action);
        }
        self.arenas.step(&self.actions);
        self.gather();
        for arena in 0..self.against.len() {
            if self.terminated[arena] || self.truncated[arena] {
                self.draw(arena);
            }
        }
    }

    fn last(&self) -> Step<'_> {
        Step {
            observations: &self.observations,
            rewards: &self.rewards,
            terminated: &self.terminated,
            truncated: &self.truncated,
            final_observations: &self.final_observations,
            active: &self.active,
            waiting: &self.waiting,
        }
    }

    fn outcome(&self, row: usize) -> (f32, bool) {
        self.arenas.outcome(2 * row + self.side)
    }

    fn fault(&self, row: usize) -> String {
        self.arenas.fault(2 * row + self.side)
    }

    fn advance(&mut self) -> bool {
        let advanced = self.arenas.advance();
        if advanced {
            self.gather();
        }
        advanced
    }

    fn lesson(&self) -> (usize, usize) {
        self.arenas.lesson()
    }

    fn save(&self) -> Vec<u8> {
        let saved =
            Saved { arenas: self.arenas.save(), against: self.against.clone(), seed: self.seed, drawn: self.drawn };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        let pool = self.opponents.lock().unwrap_or_else(PoisonError::into_inner).policies.len();
        if saved.against.len() != self.against.len() || saved.against.iter().any(|who| *who >= pool) {
            return false;
        }
        if !self.arenas.load(&saved.arenas) {
            return false;
        }
        (self.against, self.seed, self.drawn) = (saved.against, saved.seed, saved.drawn);
        self.gather();
        true
    }
}
