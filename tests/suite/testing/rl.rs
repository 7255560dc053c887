//! Small reinforcement learning environments with known solutions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use apprentice::learn::reinforcement::{EpisodeResult, VecEnvironment};
use apprentice::learn::{EvalResult, Progress, StepReport, TrainConfig, defaults};
use apprentice::policies::{HeadConfig, NetworkConfig, Policy, PolicyConfig, PolicyError, PolicyState};
use apprentice::rollout::Step;
use apprentice::sim::split_seed;
use apprentice::spaces::{Field, Layout};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The default settings of a learner with the given changes.
pub fn config(learner: &str, changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    defaults(learner).changed(None, &changes).unwrap()
}

/// Uniform in 0..1.
pub fn uniform(rng: &mut Pcg64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Stops the run after the given number of updates.
pub struct StopAfter(pub u64, pub Arc<AtomicBool>);

impl Progress for StopAfter {
    fn stepped(&mut self, report: &StepReport) {
        if report.step == self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

/// A single environment.
pub trait TestEnv: Clone + Send + Serialize + DeserializeOwned {
    /// Ticks after which an episode is truncated.
    const TIME_LIMIT: u32;
    /// Observation and action layout.
    fn layouts() -> (Layout, Layout);
    fn reset(rng: &mut Pcg64) -> Self;
    fn observe(&self) -> Vec<f32>;
    /// Returns the reward, and whether the episode terminated.
    fn step(&mut self, action: &[f32], rng: &mut Pcg64) -> (f32, bool);
}

/// A running episode.
struct RunningEpisode<T> {
    env: T,
    rng: Pcg64,
    ticks: u32,
    episode_return: f32,
}

/// A vectorized environment of independent [`TestEnv`]s.
pub struct VecTestEnv<T: TestEnv> {
    running: Vec<RunningEpisode<T>>,
    seed: u64,
    /// Episodes started since the reset.
    started: u64,
    observations: Vec<f32>,
    final_observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    episode_returns: Vec<f32>,
    active: Vec<bool>,
    waiting: Vec<bool>,
}

impl<T: TestEnv> VecTestEnv<T> {
    pub fn new(num_envs: usize) -> Self {
        let obs_dim = T::layouts().0.size();
        Self {
            running: Vec::new(),
            seed: 0,
            started: 0,
            observations: vec![0.0; num_envs * obs_dim],
            final_observations: vec![0.0; num_envs * obs_dim],
            rewards: vec![0.0; num_envs],
            terminated: vec![false; num_envs],
            truncated: vec![false; num_envs],
            episode_returns: vec![0.0; num_envs],
            active: vec![true; num_envs],
            waiting: vec![false; num_envs],
        }
    }

    fn start_episode(&mut self) -> RunningEpisode<T> {
        self.started += 1;
        let mut rng = Pcg64::seed_from_u64(split_seed(self.seed, self.started));
        RunningEpisode { env: T::reset(&mut rng), rng, ticks: 0, episode_return: 0.0 }
    }

    fn observe(&mut self) {
        self.observations = self.running.iter().flat_map(|episode| episode.env.observe()).collect();
    }
}

impl<T: TestEnv> VecEnvironment for VecTestEnv<T> {
    fn policy_config(&self) -> PolicyConfig {
        let (observation, action) = T::layouts();
        PolicyConfig::new("tiny", 0.02, observation, action, NetworkConfig::default(), HeadConfig::default())
    }

    fn name(&self) -> String {
        "tiny".into()
    }

    fn num_envs(&self) -> usize {
        self.rewards.len()
    }

    fn reset(&mut self, seed: u64) {
        (self.seed, self.started) = (seed, 0);
        self.running = (0..self.num_envs()).map(|_| self.start_episode()).collect();
        self.observe();
    }

    fn step(&mut self, actions: &[f32]) {
        let act_dim = actions.len() / self.num_envs();
        let obs_dim = self.observations.len() / self.num_envs();
        let bounds: Vec<_> = T::layouts().1.bounds().collect();
        for env in 0..self.num_envs() {
            let action = actions[env * act_dim..(env + 1) * act_dim].iter().zip(&bounds);
            let action: Vec<f32> = action.map(|(a, (low, high))| a.clamp(*low, *high)).collect();
            let episode = &mut self.running[env];
            let (reward, terminated) = episode.env.step(&action, &mut episode.rng);
            episode.ticks += 1;
            episode.episode_return += reward;
            self.rewards[env] = reward;
            self.terminated[env] = terminated;
            self.truncated[env] = !terminated && episode.ticks >= T::TIME_LIMIT;
            if self.terminated[env] || self.truncated[env] {
                self.final_observations[env * obs_dim..(env + 1) * obs_dim].copy_from_slice(&episode.env.observe());
                self.episode_returns[env] = episode.episode_return;
                self.running[env] = self.start_episode();
            }
        }
        self.observe();
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
        EpisodeResult { episode_return: self.episode_returns[env], success: self.truncated[env] }
    }

    fn save(&self) -> Vec<u8> {
        let running: Vec<_> = self
            .running
            .iter()
            .map(|episode| {
                let rng = postcard::to_allocvec(&episode.rng).unwrap();
                (episode.env.clone(), rng, episode.ticks, episode.episode_return)
            })
            .collect();
        postcard::to_allocvec(&(self.seed, self.started, running)).unwrap()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let (seed, started, running): (u64, u64, Vec<(T, Vec<u8>, u32, f32)>) = postcard::from_bytes(bytes).unwrap();
        (self.seed, self.started) = (seed, started);
        self.running = running
            .into_iter()
            .map(|(env, rng, ticks, episode_return)| RunningEpisode {
                env,
                rng: postcard::from_bytes(&rng).unwrap(),
                ticks,
                episode_return,
            })
            .collect();
        self.observe();
        true
    }

    fn evaluate(&mut self, policy: &Policy, n_episodes: usize, seed: u64) -> Result<Option<EvalResult>, PolicyError> {
        let mut eval_env = Self::new(n_episodes);
        eval_env.reset(split_seed(seed, 77));
        let mut policy = policy.clone();
        let mut states: Vec<PolicyState> = (0..n_episodes as u64).map(PolicyState::new).collect();
        let mut returns = vec![None; n_episodes];
        let mut actions = vec![0.0; n_episodes * T::layouts().1.size()];
        while returns.iter().any(Option::is_none) {
            policy.act(&eval_env.observations, &mut states, &mut actions);
            eval_env.step(&actions);
            for (env, first_return) in returns.iter_mut().enumerate() {
                if eval_env.terminated[env] || eval_env.truncated[env] {
                    first_return.get_or_insert(eval_env.episode_returns[env]);
                }
            }
        }
        let total: f32 = returns.into_iter().flatten().sum();
        Ok(Some(EvalResult { mean_reward: total / n_episodes as f32, success_rate: 0.0 }))
    }
}

/// A chain of seven states with the goal at its end. With probability 0.1 a step goes in the opposite direction.
#[derive(Clone, Serialize, serde::Deserialize)]
pub struct ChainMdp(pub usize);

impl ChainMdp {
    pub const STATES: usize = 7;
    pub const SLIP_PROBABILITY: f64 = 0.1;
    pub const STEP_COST: f64 = 0.1;

    /// Undiscounted values of all states under the optimal policy, by value iteration.
    pub fn optimal_values() -> Vec<f64> {
        let mut values = vec![0.0; Self::STATES];
        for _ in 0..10_000 {
            for state in 0..Self::STATES - 1 {
                let value_of_step = |next: usize| {
                    if next == Self::STATES - 1 { 1.0 - Self::STEP_COST } else { values[next] - Self::STEP_COST }
                };
                let (left, right) = (value_of_step(state.saturating_sub(1)), value_of_step(state + 1));
                let q_value = |intended: f64, opposite: f64| {
                    (1.0 - Self::SLIP_PROBABILITY) * intended + Self::SLIP_PROBABILITY * opposite
                };
                values[state] = q_value(left, right).max(q_value(right, left));
            }
        }
        values
    }
}

impl TestEnv for ChainMdp {
    const TIME_LIMIT: u32 = 200;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("state", Self::STATES, "1", 0.0, 1.0)];
        (Layout::new("row/state", observation), Layout::new("row/go", vec![Field::new("go", 1, "1", -1.0, 1.0)]))
    }

    fn reset(_: &mut Pcg64) -> Self {
        Self(0)
    }

    fn observe(&self) -> Vec<f32> {
        (0..Self::STATES).map(|state| f32::from(u8::from(state == self.0))).collect()
    }

    fn step(&mut self, action: &[f32], rng: &mut Pcg64) -> (f32, bool) {
        let right = (action[0] > 0.0) != (uniform(rng) < Self::SLIP_PROBABILITY);
        self.0 = if right { self.0 + 1 } else { self.0.saturating_sub(1) };
        let at_goal = self.0 == Self::STATES - 1;
        (f32::from(u8::from(at_goal)) - Self::STEP_COST as f32, at_goal)
    }
}

/// Gymnasium's CartPole-v1.
#[derive(Clone, Serialize, serde::Deserialize)]
pub struct CartPole([f64; 4]);

impl TestEnv for CartPole {
    const TIME_LIMIT: u32 = 500;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("state", 4, "1", -5.0, 5.0)];
        (Layout::new("cart/state", observation), Layout::new("cart/push", vec![Field::new("push", 1, "1", -1.0, 1.0)]))
    }

    fn reset(rng: &mut Pcg64) -> Self {
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

impl TestEnv for Pendulum {
    const TIME_LIMIT: u32 = 200;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("direction", 2, "1", -1.0, 1.0), Field::new("speed", 1, "rad/s", -8.0, 8.0)];
        (
            Layout::new("pendulum/state", observation),
            Layout::new("pendulum/torque", vec![Field::new("torque", 1, "N m", -2.0, 2.0)]),
        )
    }

    fn reset(rng: &mut Pcg64) -> Self {
        Self([std::f64::consts::PI * (2.0 * uniform(rng) - 1.0), 2.0 * uniform(rng) - 1.0])
    }

    fn observe(&self) -> Vec<f32> {
        vec![self.0[0].cos() as f32, self.0[0].sin() as f32, self.0[1] as f32]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        let [angle, speed] = self.0;
        let torque = f64::from(action[0]);
        let tau = 2.0 * std::f64::consts::PI;
        let normalized_angle = (angle + std::f64::consts::PI).rem_euclid(tau) - std::f64::consts::PI;
        let cost = normalized_angle * normalized_angle + 0.1 * speed * speed + 0.001 * torque * torque;
        let speed = (speed + (15.0 * angle.sin() + 3.0 * torque) * 0.05).clamp(-8.0, 8.0);
        self.0 = [angle + speed * 0.05, speed];
        (-cost as f32, false)
    }
}
