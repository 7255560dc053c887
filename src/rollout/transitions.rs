//! Transitions that a player collects in a scene.

use super::Player;
use super::random::RandomActions;
use super::seed_queue::SeedQueue;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::agents::{Action, Agent};
use crate::policies::PolicyError;
use crate::scenes::Scene;
use crate::sim::{Arena, PhysicsSets};

/// Parallel arenas.
const ARENAS: usize = 16;

/// Transitions of some episodes without the last tick of each, as flat rows in the layouts' units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transitions {
    /// Before each tick, `[ticks, observation size]`.
    pub observations: Vec<f32>,
    /// `[ticks, action size]`.
    pub actions: Vec<f32>,
    /// After each tick, `[ticks, observation size]`.
    pub next_observations: Vec<f32>,
    /// The task's reward, `[ticks]`.
    pub rewards: Vec<f32>,
    /// Position (x, z) of the body's root on the ground after each tick, m, `[ticks]`.
    pub positions: Vec<(f32, f32)>,
}

/// Roll out one episode of `scene` per seed and collect its transitions. Of several agents in an arena, only the first
/// is recorded.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn collect_transitions(
    scene: &Scene,
    player: Player,
    seeds: &[u64],
    threads: usize,
) -> Result<Transitions, PolicyError> {
    let mut out = Transitions::default();
    let arenas = ARENAS.min(seeds.len());
    if arenas == 0 {
        return Ok(out);
    }
    let is_random = matches!(player, Player::Random);
    let mut env = VecEnv::with_player(scene, VecEnvOptions { arenas, agents: 1, threads }, player)?;
    let agents = env.agents_per_arena();
    let (obs_dim, act_dim) = (env.observation_size(), env.action_size());
    let mut random = RandomActions::new(&env);
    let mut queue = SeedQueue::start(&mut env, seeds);
    let mut done = 0;
    while done < seeds.len() {
        let before = env.last_step().observations.to_vec();
        if is_random {
            let actions = random.next(&env);
            env.step(actions);
        } else {
            env.step_driven();
        }
        for arena in 0..arenas {
            let step = env.last_step();
            let row = arena * agents;
            if step.terminated[row] || step.truncated[row] {
                done += 1;
                queue.advance(&mut env, arena);
                continue;
            }
            if !step.active[row] {
                continue;
            }
            out.observations.extend_from_slice(&before[row * obs_dim..(row + 1) * obs_dim]);
            out.next_observations.extend_from_slice(&step.observations[row * obs_dim..(row + 1) * obs_dim]);
            out.rewards.push(step.rewards[row]);
            let agent = env.agent_entity(row);
            let world = env.world_mut();
            match world.get::<Action>(agent) {
                Some(action) => out.actions.extend_from_slice(&action.0),
                None => out.actions.resize(out.rewards.len() * act_dim, 0.0),
            }
            let slot = world.get::<Agent>(agent).map(|agent| (agent.arena, agent.slot));
            let mut all = world.query::<(&Arena, PhysicsSets)>();
            let position = slot.and_then(|(arena, slot)| {
                let (arena, mut sets) = all.get_mut(world, arena).ok()?;
                Some(sets.physics().pose(arena.slots.get(slot)?.body.parts()[0]).0)
            });
            out.positions.push(position.map_or((0.0, 0.0), |position| (position.x, position.z)));
        }
    }
    Ok(out)
}
