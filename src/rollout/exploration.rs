//! Random exploration, with or without a policy.

use rand::RngExt;

use super::seed_queue::SeedQueue;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::policies::{Policy, PolicyError, PolicyState};
use crate::scenes::Scene;
use crate::sim::{SimRng, episode_rng};
use crate::tasks::EpisodeEnd;

/// Parallel arenas.
const ARENAS: usize = 16;
/// Stream of the episode's generator that exploration draws from.
const EXPLORE_STREAM: u64 = 4;
/// Probability per tick that a noise value is drawn anew: it is held for about half a second, long enough for a steered
/// wheel to have a visible effect.
const RESAMPLE_PROBABILITY: f32 = 0.07;

/// The observations and actions of one episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// The episode's seed.
    pub seed: u64,
    /// `[ticks, observation size]`.
    pub observations: Vec<f32>,
    /// The actions taken, or the expert's labels, `[ticks, action size]`.
    pub actions: Vec<f32>,
    /// Whether the task succeeded.
    pub success: bool,
    /// Whether exploration noise was added to the actions.
    pub explored: bool,
}

/// Exploration noise of one arena: piecewise constant, each value held for a random time.
struct HeldNoise {
    rng: SimRng,
    /// `[action size]`, -1 to 1.
    values: Vec<f32>,
}

impl HeldNoise {
    fn new(seed: u64, act_dim: usize) -> Self {
        Self { rng: episode_rng(seed, EXPLORE_STREAM), values: vec![0.0; act_dim] }
    }

    /// The noise of the next tick. Three of four new values are 0.
    fn next(&mut self) -> &[f32] {
        for held in &mut self.values {
            let [resample, idle, value] = [(); 3].map(|()| self.rng.random::<f32>());
            if resample < RESAMPLE_PROBABILITY {
                *held = if idle < 0.75 { 0.0 } else { 2.0 * value - 1.0 };
            }
        }
        &self.values
    }
}

/// Roll out one episode of `scene` per seed. Without a `policy`, actions are random. With one, they are the policy's; in
/// every other episode, beginning with the first, noise of up to `noise` times the action range is added. Noise is held
/// for about half a second. Trajectories are in the order of the seeds.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn explore(
    scene: &Scene,
    policy: Option<&Policy>,
    noise: f32,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Trajectory>, PolicyError> {
    let arenas = ARENAS.min(seeds.len());
    let mut trajectories = Vec::with_capacity(seeds.len());
    if arenas == 0 {
        return Ok(trajectories);
    }
    let spaces = scene.blueprint.spaces();
    let mut policy = policy.map(|policy| policy.clone().for_agent(&spaces, &scene.name)).transpose()?;
    let bounds: Vec<(f32, f32)> = spaces.action.bounds().collect();
    let mut env = VecEnv::new(scene, VecEnvOptions { arenas, agents: 1, threads });
    let (obs_dim, act_dim) = (env.observation_size(), env.action_size());
    let mut queue = SeedQueue::start(&mut env, seeds);
    let has_policy = policy.is_some();
    let start_episode = |env: &VecEnv, arena: usize| {
        let seed = env.seed(arena);
        let explored = !has_policy || seeds.iter().position(|s| *s == seed).is_none_or(|at| at % 2 == 0);
        (HeldNoise::new(seed, act_dim), PolicyState::new(seed), Trajectory { seed, explored, ..Trajectory::default() })
    };
    let mut noises = Vec::new();
    let mut memories = Vec::new();
    let mut running = Vec::new();
    for arena in 0..arenas {
        let (held_noise, memory, trajectory) = start_episode(&env, arena);
        noises.push(held_noise);
        memories.push(memory);
        running.push(trajectory);
    }
    let mut actions = vec![0.0; arenas * act_dim];
    while trajectories.len() < seeds.len() {
        match &mut policy {
            Some(policy) => policy.act(env.last_step().observations, &mut memories, &mut actions),
            // Noise is added to the neutral action.
            None => actions
                .iter_mut()
                .zip(bounds.iter().cycle())
                .for_each(|(a, (low, high))| *a = 0.0f32.clamp(*low, *high)),
        }
        for (row, action) in actions.chunks_exact_mut(act_dim).enumerate() {
            let scale = if policy.is_none() { 0.5 } else { noise * f32::from(u8::from(running[row].explored)) };
            let values = noises[row].next();
            for ((a, value), (low, high)) in action.iter_mut().zip(values).zip(&bounds) {
                *a = (*a + value * scale * (high - low)).clamp(*low, *high);
            }
            running[row].observations.extend_from_slice(&env.last_step().observations[row * obs_dim..][..obs_dim]);
            running[row].actions.extend_from_slice(action);
        }
        env.step(&actions);
        for row in 0..arenas {
            let step = env.last_step();
            if !(step.terminated[row] || step.truncated[row]) {
                continue;
            }
            let finished = env.finished(row);
            let success = finished.end == Some(EpisodeEnd::Success);
            queue.advance(&mut env, row);
            let (held_noise, memory, trajectory) = start_episode(&env, row);
            let trajectory = std::mem::replace(&mut running[row], trajectory);
            noises[row] = held_noise;
            memories[row] = memory;
            trajectories.push(Trajectory { success, ..trajectory });
        }
    }
    trajectories.sort_by_key(|trajectory| seeds.iter().position(|seed| *seed == trajectory.seed));
    Ok(trajectories)
}
