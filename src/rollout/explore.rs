//! Acting to find out what actions do.

use rand::RngExt;

use super::deal::Deal;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::policies::{Policy, PolicyError, PolicyMemory};
use crate::scenes::Scene;
use crate::sim::{SimRng, episode_rng};
use crate::tasks::End;

/// Arenas that act side by side.
const ARENAS: usize = 16;
/// Stream of the episode's generator that exploration draws from.
const EXPLORE_STREAM: u64 = 4;
/// Probability that a wish is dropped for another at a tick: half a second is enough for a wheel to show what it does.
const CHANGE: f32 = 0.07;

/// An episode as it was seen, with an action for each tick.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experience {
    /// Its seed.
    pub seed: u64,
    /// What was observed, `[ticks, observation size]`.
    pub observations: Vec<f32>,
    /// What was done, or what an expert would have done, `[ticks, action size]`.
    pub actions: Vec<f32>,
    /// Whether the task was done.
    pub success: bool,
    /// Whether chance had a part in what was done.
    pub explored: bool,
}

/// An arena's whims.
struct Whims {
    rng: SimRng,
    /// One for each action number, -1 to 1.
    wishes: Vec<f32>,
}

impl Whims {
    fn new(seed: u64, size: usize) -> Self {
        Self { rng: episode_rng(seed, EXPLORE_STREAM), wishes: vec![0.0; size] }
    }

    /// Hold each wish for a while. Every other one is to do nothing.
    fn next(&mut self) -> &[f32] {
        for wish in &mut self.wishes {
            let [change, idle, value] = [(); 3].map(|()| self.rng.random::<f32>());
            if change < CHANGE {
                *wish = if idle < 0.75 { 0.0 } else { 2.0 * value - 1.0 };
            }
        }
        &self.wishes
    }
}

/// Play `scene` once for each seed: by chance without a `policy`; with one, by its actions, and for every other seed, the
/// first among them, by `noise` times their range of chance too. What chance decides is held for about half a second.
/// Episodes come in the order of the seeds.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn explore(
    scene: &Scene,
    policy: Option<&Policy>,
    noise: f32,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Experience>, PolicyError> {
    let arenas = ARENAS.min(seeds.len());
    let mut done = Vec::with_capacity(seeds.len());
    if arenas == 0 {
        return Ok(done);
    }
    let spaces = scene.blueprint.spaces();
    let mut policy = policy.map(|policy| policy.clone().fitted(&spaces, &scene.name)).transpose()?;
    let bounds: Vec<(f32, f32)> = spaces.action.bounds().collect();
    let mut env = VecEnv::new(scene, VecEnvOptions { arenas, agents: 1, threads });
    let (wide, narrow) = (env.observation_size(), env.action_size());
    let mut deal = Deal::begin(&mut env, seeds);
    let alone = policy.is_some();
    let begun = |env: &VecEnv, arena: usize| {
        let seed = env.seed(arena);
        let explored = !alone || seeds.iter().position(|own| *own == seed).is_none_or(|at| at % 2 == 0);
        (Whims::new(seed, narrow), PolicyMemory::new(seed), Experience { seed, explored, ..Experience::default() })
    };
    let mut whims = Vec::new();
    let mut memories = Vec::new();
    let mut running = Vec::new();
    for arena in 0..arenas {
        let (whim, memory, episode) = begun(&env, arena);
        whims.push(whim);
        memories.push(memory);
        running.push(episode);
    }
    let mut actions = vec![0.0; arenas * narrow];
    while done.len() < seeds.len() {
        match &mut policy {
            Some(policy) => policy.act(env.last_step().observations, &mut memories, &mut actions),
            // Nothing is pressed.
            None => actions
                .iter_mut()
                .zip(bounds.iter().cycle())
                .for_each(|(a, (low, high))| *a = 0.0f32.clamp(*low, *high)),
        }
        for (row, action) in actions.chunks_exact_mut(narrow).enumerate() {
            let share = if policy.is_none() { 0.5 } else { noise * f32::from(u8::from(running[row].explored)) };
            let wishes = whims[row].next();
            for ((a, wish), (low, high)) in action.iter_mut().zip(wishes).zip(&bounds) {
                *a = (*a + wish * share * (high - low)).clamp(*low, *high);
            }
            running[row].observations.extend_from_slice(&env.last_step().observations[row * wide..][..wide]);
            running[row].actions.extend_from_slice(action);
        }
        env.step(&actions);
        for row in 0..arenas {
            let step = env.last_step();
            if !(step.terminated[row] || step.truncated[row]) {
                continue;
            }
            let finished = env.finished(row);
            let success = finished.end == Some(End::Success);
            deal.ended(&mut env, row);
            let (whim, memory, episode) = begun(&env, row);
            let episode = std::mem::replace(&mut running[row], episode);
            whims[row] = whim;
            memories[row] = memory;
            done.push(Experience { success, ..episode });
        }
    }
    done.sort_by_key(|episode| seeds.iter().position(|seed| *seed == episode.seed));
    Ok(done)
}
