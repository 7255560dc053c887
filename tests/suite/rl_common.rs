//! Small tasks to learn by acting, with known answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use apprentice::learn::rl::Environment;
use apprentice::learn::{LearnerKind, Progress, StepReport, TrainConfig};
use apprentice::policies::{HeadConfig, NetworkConfig, Policy, PolicyConfig, PolicyError, PolicyMemory};
use apprentice::rollout::Step;
use apprentice::sim::split_seed;
use apprentice::spaces::{Field, Layout};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The settings that a method begins from, with these changes.
pub fn config(kind: LearnerKind, changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    kind.defaults().changed(None, &changes).unwrap()
}

/// Uniform in 0..1.
pub fn uniform(rng: &mut Pcg64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Stops after some updates.
pub struct After(pub u64, pub Arc<AtomicBool>);

impl Progress for After {
    fn stepped(&mut self, report: &StepReport) {
        if report.step == self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

/// One copy of a task.
pub trait Task: Clone + Send + Serialize + DeserializeOwned {
    /// Ticks after which an episode is cut off.
    const LIMIT: u32;
    fn layouts() -> (Layout, Layout);
    fn begin(rng: &mut Pcg64) -> Self;
    fn observe(&self) -> Vec<f32>;
    /// The reward, and whether the episode ended.
    fn step(&mut self, action: &[f32], rng: &mut Pcg64) -> (f32, bool);
}

/// What a row's episode needs to go on.
type Running<T> = (T, Pcg64, u32, f32);

/// Many copies of a task.
pub struct Many<T: Task> {
    running: Vec<Running<T>>,
    seed: u64,
    begun: u64,
    observations: Vec<f32>,
    last: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    totals: Vec<f32>,
    all: Vec<bool>,
    none: Vec<bool>,
}

impl<T: Task> Many<T> {
    pub fn new(rows: usize) -> Self {
        let wide = T::layouts().0.size();
        Self {
            running: Vec::new(),
            seed: 0,
            begun: 0,
            observations: vec![0.0; rows * wide],
            last: vec![0.0; rows * wide],
            rewards: vec![0.0; rows],
            terminated: vec![false; rows],
            truncated: vec![false; rows],
            totals: vec![0.0; rows],
            all: vec![true; rows],
            none: vec![false; rows],
        }
    }

    fn episode(&mut self) -> Running<T> {
        self.begun += 1;
        let mut rng = Pcg64::seed_from_u64(split_seed(self.seed, self.begun));
        (T::begin(&mut rng), rng, 0, 0.0)
    }

    fn observe(&mut self) {
        self.observations = self.running.iter().flat_map(|(task, ..)| task.observe()).collect();
    }
}

impl<T: Task> Environment for Many<T> {
    fn policy_config(&self) -> PolicyConfig {
        let (observation, action) = T::layouts();
        PolicyConfig::new("tiny", 0.02, observation, action, NetworkConfig::default(), HeadConfig::default())
    }

    fn name(&self) -> String {
        "tiny".into()
    }

    fn rows(&self) -> usize {
        self.rewards.len()
    }

    fn begin(&mut self, seed: u64) {
        (self.seed, self.begun) = (seed, 0);
        self.running = (0..self.rows()).map(|_| self.episode()).collect();
        self.observe();
    }

    fn step(&mut self, actions: &[f32]) {
        let narrow = actions.len() / self.rows();
        let wide = self.observations.len() / self.rows();
        let bounds: Vec<_> = T::layouts().1.bounds().collect();
        for row in 0..self.rows() {
            let action = actions[row * narrow..(row + 1) * narrow].iter().zip(&bounds);
            let action: Vec<f32> = action.map(|(a, (low, high))| a.clamp(*low, *high)).collect();
            let (task, rng, ticks, total) = &mut self.running[row];
            let (reward, ended) = task.step(&action, rng);
            *ticks += 1;
            *total += reward;
            self.rewards[row] = reward;
            self.terminated[row] = ended;
            self.truncated[row] = !ended && *ticks >= T::LIMIT;
            if self.terminated[row] || self.truncated[row] {
                self.last[row * wide..(row + 1) * wide].copy_from_slice(&task.observe());
                self.totals[row] = *total;
                self.running[row] = self.episode();
            }
        }
        self.observe();
    }

    fn last(&self) -> Step<'_> {
        Step {
            observations: &self.observations,
            rewards: &self.rewards,
            terminated: &self.terminated,
            truncated: &self.truncated,
            final_observations: &self.last,
            active: &self.all,
            waiting: &self.none,
        }
    }

    fn outcome(&self, row: usize) -> (f32, bool) {
        (self.totals[row], self.truncated[row])
    }

    fn save(&self) -> Vec<u8> {
        let running: Vec<_> = self
            .running
            .iter()
            .map(|(task, rng, ticks, total)| (task.clone(), postcard::to_allocvec(rng).unwrap(), *ticks, *total))
            .collect();
        postcard::to_allocvec(&(self.seed, self.begun, running)).unwrap()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let (seed, begun, running): (u64, u64, Vec<(T, Vec<u8>, u32, f32)>) = postcard::from_bytes(bytes).unwrap();
        (self.seed, self.begun) = (seed, begun);
        let running = running.into_iter();
        self.running = running.map(|(task, rng, n, x)| (task, postcard::from_bytes(&rng).unwrap(), n, x)).collect();
        self.observe();
        true
    }

    fn judge(&mut self, policy: &Policy, episodes: usize, seed: u64) -> Result<Option<(f32, f32)>, PolicyError> {
        let mut own = Self::new(episodes);
        own.begin(split_seed(seed, 77));
        let mut policy = policy.clone();
        let mut memories: Vec<PolicyMemory> = (0..episodes as u64).map(PolicyMemory::new).collect();
        let mut done = vec![None; episodes];
        let mut actions = vec![0.0; episodes * T::layouts().1.size()];
        while done.iter().any(Option::is_none) {
            policy.act(&own.observations, &mut memories, &mut actions);
            own.step(&actions);
            for (row, done) in done.iter_mut().enumerate() {
                if own.terminated[row] || own.truncated[row] {
                    done.get_or_insert(own.totals[row]);
                }
            }
        }
        let total: f32 = done.into_iter().flatten().sum();
        Ok(Some((total / episodes as f32, 0.0)))
    }
}

/// Seven states in a row, of which the last is the goal; a step goes astray with one chance in ten.
#[derive(Clone, Serialize, serde::Deserialize)]
pub struct Row(pub usize);

impl Row {
    pub const STATES: usize = 7;
    pub const ASTRAY: f64 = 0.1;
    pub const COST: f64 = 0.1;

    /// Values of all states under the best policy, without discount, by value iteration.
    pub fn optimal() -> Vec<f64> {
        let mut values = vec![0.0; Self::STATES];
        for _ in 0..10_000 {
            for state in 0..Self::STATES - 1 {
                let go = |to: usize| if to == Self::STATES - 1 { 1.0 - Self::COST } else { values[to] - Self::COST };
                let (left, right) = (go(state.saturating_sub(1)), go(state + 1));
                let best = |a: f64, b: f64| (1.0 - Self::ASTRAY) * a + Self::ASTRAY * b;
                values[state] = best(left, right).max(best(right, left));
            }
        }
        values
    }
}

impl Task for Row {
    const LIMIT: u32 = 200;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("state", Self::STATES, "1", 0.0, 1.0)];
        (Layout::new("row/state", observation), Layout::new("row/go", vec![Field::new("go", 1, "1", -1.0, 1.0)]))
    }

    fn begin(_: &mut Pcg64) -> Self {
        Self(0)
    }

    fn observe(&self) -> Vec<f32> {
        (0..Self::STATES).map(|state| f32::from(u8::from(state == self.0))).collect()
    }

    fn step(&mut self, action: &[f32], rng: &mut Pcg64) -> (f32, bool) {
        let right = (action[0] > 0.0) != (uniform(rng) < Self::ASTRAY);
        self.0 = if right { self.0 + 1 } else { self.0.saturating_sub(1) };
        let there = self.0 == Self::STATES - 1;
        (f32::from(u8::from(there)) - Self::COST as f32, there)
    }
}

/// Gymnasium's CartPole-v1.
#[derive(Clone, Serialize, serde::Deserialize)]
pub struct CartPole([f64; 4]);

impl Task for CartPole {
    const LIMIT: u32 = 500;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("state", 4, "1", -5.0, 5.0)];
        (Layout::new("cart/state", observation), Layout::new("cart/push", vec![Field::new("push", 1, "1", -1.0, 1.0)]))
    }

    fn begin(rng: &mut Pcg64) -> Self {
        Self(std::array::from_fn(|_| 0.1 * uniform(rng) - 0.05))
    }

    fn observe(&self) -> Vec<f32> {
        self.0.iter().map(|x| *x as f32).collect()
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        let [x, x_dot, angle, angle_dot] = self.0;
        let force = if action[0] > 0.0 { 10.0 } else { -10.0 };
        let (sin, cos) = angle.sin_cos();
        let (mass, pole) = (1.1, 0.1 * 0.5);
        let pushed = (force + pole * angle_dot * angle_dot * sin) / mass;
        let angle_acc = (9.8 * sin - cos * pushed) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / mass));
        let acc = pushed - pole * angle_acc * cos / mass;
        self.0 = [x + 0.02 * x_dot, x_dot + 0.02 * acc, angle + 0.02 * angle_dot, angle_dot + 0.02 * angle_acc];
        (1.0, self.0[0].abs() > 2.4 || self.0[2].abs() > 12.0f64.to_radians())
    }
}

/// Gymnasium's Pendulum-v1.
#[derive(Clone, Serialize, serde::Deserialize)]
pub struct Pendulum([f64; 2]);

impl Task for Pendulum {
    const LIMIT: u32 = 200;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("direction", 2, "1", -1.0, 1.0), Field::new("speed", 1, "rad/s", -8.0, 8.0)];
        (
            Layout::new("pendulum/state", observation),
            Layout::new("pendulum/torque", vec![Field::new("torque", 1, "N m", -2.0, 2.0)]),
        )
    }

    fn begin(rng: &mut Pcg64) -> Self {
        Self([std::f64::consts::PI * (2.0 * uniform(rng) - 1.0), 2.0 * uniform(rng) - 1.0])
    }

    fn observe(&self) -> Vec<f32> {
        vec![self.0[0].cos() as f32, self.0[0].sin() as f32, self.0[1] as f32]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        let [angle, speed] = self.0;
        let torque = f64::from(action[0]);
        let tau = 2.0 * std::f64::consts::PI;
        let off = (angle + std::f64::consts::PI).rem_euclid(tau) - std::f64::consts::PI;
        let cost = off * off + 0.1 * speed * speed + 0.001 * torque * torque;
        let speed = (speed + (15.0 * angle.sin() + 3.0 * torque) * 0.05).clamp(-8.0, 8.0);
        self.0 = [angle + speed * 0.05, speed];
        (-cost as f32, false)
    }
}
