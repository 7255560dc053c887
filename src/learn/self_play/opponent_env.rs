//! The environment of one side: the other side is controlled by snapshots of its earlier policies.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::learn::core::random::{Purpose, generator, uniform};
use crate::learn::reinforcement::{CurriculumProgress, EpisodeResult, SceneEnv, VecEnvironment};
use crate::policies::{Policy, PolicyConfig};
use crate::rollout::Step;

/// A pool that the learner extends while the environment of the other side samples from it.
pub(super) type SharedPool = Arc<Mutex<OpponentPool>>;

/// Snapshots of a side's policy.
#[derive(Default)]
pub(super) struct OpponentPool {
    /// Oldest first.
    pub policies: Vec<Policy>,
    /// Sampling weight of each policy; not normalized.
    pub weights: Vec<f64>,
}

impl OpponentPool {
    /// The index at which the cumulative weight exceeds `fraction` (in `0..1`) of the total.
    fn find(&self, fraction: f64) -> usize {
        let mut remaining = fraction * self.weights.iter().sum::<f64>();
        let exceeded = |weight: &f64| {
            remaining -= weight;
            remaining < 0.0
        };
        self.weights.iter().position(exceeded).unwrap_or(self.weights.len().saturating_sub(1))
    }
}

/// The arenas of a game with two sides as the environment of one of them.
pub(super) struct OpponentEnv {
    arenas: SceneEnv,
    /// The side that is trained: 0 or 1.
    side: usize,
    pool: SharedPool,
    /// Probability that an episode is played against the latest policy of the pool.
    latest_ratio: f32,
    /// `[arenas]`: index in the pool of each arena's opponent.
    opponents: Vec<usize>,
    seed: u64,
    /// Opponents sampled since the reset.
    sampled: u64,
    /// `[2 * arenas, act_dim]`: actions of both sides.
    actions: Vec<f32>,
    observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    final_observations: Vec<f32>,
    active: Vec<bool>,
    waiting: Vec<bool>,
}

/// The stored state.
#[derive(Serialize, Deserialize)]
struct Saved {
    arenas: Vec<u8>,
    opponents: Vec<usize>,
    seed: u64,
    sampled: u64,
}

/// Copy the rows of one side: every second row of `size` values, starting at row `side`.
fn copy_side<T: Copy>(from: &[T], size: usize, side: usize, into: &mut Vec<T>) {
    into.clear();
    from.chunks_exact(size).skip(side).step_by(2).for_each(|row| into.extend_from_slice(row));
}

impl OpponentEnv {
    pub fn new(arenas: SceneEnv, side: usize, pool: SharedPool, latest_ratio: f32) -> Self {
        Self {
            opponents: vec![0; arenas.num_envs() / 2],
            actions: Vec::new(),
            arenas,
            side,
            pool,
            latest_ratio,
            seed: 0,
            sampled: 0,
            observations: Vec::new(),
            rewards: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
            final_observations: Vec::new(),
            active: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Sample the opponent of the next episode of `arena`.
    fn sample_opponent(&mut self, arena: usize) {
        self.sampled += 1;
        let mut rng = generator(self.seed, Purpose::Opponent, self.sampled);
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = uniform(&mut rng) < self.latest_ratio;
        self.opponents[arena] =
            if latest { pool.policies.len().saturating_sub(1) } else { pool.find(f64::from(uniform(&mut rng))) };
    }

    /// Write the opponents' actions into their rows, one batch for each policy.
    fn set_opponent_actions(&mut self) {
        let step = self.arenas.last_step();
        let arenas = self.opponents.len();
        let obs_dim = step.observations.len() / (2 * arenas);
        let act_dim = self.actions.len() / (2 * arenas);
        let opponent_side = 1 - self.side;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, policy) in pool.policies.iter_mut().enumerate() {
            let rows: Vec<usize> = (0..arenas)
                .filter(|arena| self.opponents[*arena] == index)
                .map(|arena| 2 * arena + opponent_side)
                .collect();
            if rows.is_empty() {
                continue;
            }
            let observations: Vec<f32> =
                rows.iter().flat_map(|row| &step.observations[row * obs_dim..(row + 1) * obs_dim]).copied().collect();
            let mut actions = vec![0.0; rows.len() * act_dim];
            policy.act(&observations, &mut [], &mut actions);
            for (row, action) in rows.iter().zip(actions.chunks_exact(act_dim)) {
                self.actions[row * act_dim..(row + 1) * act_dim].copy_from_slice(action);
            }
        }
    }

    /// Copy the rows of the trained side from the arenas' last step.
    fn copy_step(&mut self) {
        let step = self.arenas.last_step();
        let obs_dim = step.observations.len() / step.rewards.len();
        copy_side(step.observations, obs_dim, self.side, &mut self.observations);
        copy_side(step.final_observations, obs_dim, self.side, &mut self.final_observations);
        copy_side(step.rewards, 1, self.side, &mut self.rewards);
        copy_side(step.terminated, 1, self.side, &mut self.terminated);
        copy_side(step.truncated, 1, self.side, &mut self.truncated);
        copy_side(step.active, 1, self.side, &mut self.active);
        copy_side(step.waiting, 1, self.side, &mut self.waiting);
    }
}

impl VecEnvironment for OpponentEnv {
    fn policy_config(&self) -> PolicyConfig {
        self.arenas.policy_config()
    }

    fn name(&self) -> String {
        self.arenas.name()
    }

    fn fingerprint(&self) -> u64 {
        self.arenas.fingerprint()
    }

    fn num_envs(&self) -> usize {
        self.opponents.len()
    }

    fn reset(&mut self, seed: u64) {
        (self.seed, self.sampled) = (seed, 0);
        self.arenas.reset(seed);
        (0..self.opponents.len()).for_each(|arena| self.sample_opponent(arena));
        self.copy_step();
    }

    fn step(&mut self, actions: &[f32]) {
        let act_dim = actions.len() / self.opponents.len();
        self.actions.resize(2 * actions.len(), 0.0);
        self.set_opponent_actions();
        for (arena, action) in actions.chunks_exact(act_dim).enumerate() {
            let row = 2 * arena + self.side;
            self.actions[row * act_dim..(row + 1) * act_dim].copy_from_slice(action);
        }
        self.arenas.step(&self.actions);
        self.copy_step();
        for arena in 0..self.opponents.len() {
            if self.terminated[arena] || self.truncated[arena] {
                self.sample_opponent(arena);
            }
        }
    }

    fn last_step(&self) -> Step<'_> {
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

    fn episode_result(&self, env: usize) -> EpisodeResult {
        self.arenas.episode_result(2 * env + self.side)
    }

    fn describe_invalid_reward(&self, env: usize) -> String {
        self.arenas.describe_invalid_reward(2 * env + self.side)
    }

    fn advance_curriculum(&mut self) -> bool {
        let advanced = self.arenas.advance_curriculum();
        if advanced {
            self.copy_step();
        }
        advanced
    }

    fn curriculum_progress(&self) -> CurriculumProgress {
        self.arenas.curriculum_progress()
    }

    fn save(&self) -> Vec<u8> {
        let saved = Saved {
            arenas: self.arenas.save(),
            opponents: self.opponents.clone(),
            seed: self.seed,
            sampled: self.sampled,
        };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        let pool_size = self.pool.lock().unwrap_or_else(PoisonError::into_inner).policies.len();
        if saved.opponents.len() != self.opponents.len() || saved.opponents.iter().any(|index| *index >= pool_size) {
            return false;
        }
        if !self.arenas.load(&saved.arenas) {
            return false;
        }
        (self.opponents, self.seed, self.sampled) = (saved.opponents, saved.seed, saved.sampled);
        self.copy_step();
        true
    }
}
