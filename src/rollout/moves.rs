//! What happens while somebody plays, tick by tick.

use super::Player;
use super::deal::Deal;
use super::random::RandomActions;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::agents::{Action, Agent};
use crate::policies::PolicyError;
use crate::scenes::Scene;
use crate::sim::{Arena, PhysicsSets};

/// Arenas that are played side by side.
const ARENAS: usize = 16;

/// Ticks of some episodes, but for the last of each, as flat rows in the layouts' units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// What was seen before each tick, `[ticks, observation size]`.
    pub observations: Vec<f32>,
    /// What was done, `[ticks, action size]`.
    pub actions: Vec<f32>,
    /// What was seen after it, `[ticks, observation size]`.
    pub next: Vec<f32>,
    /// The task's reward for it, `[ticks]`.
    pub rewards: Vec<f32>,
    /// Where on the ground (x, z) the body was after it, m, `[ticks]`.
    pub places: Vec<(f32, f32)>,
}

/// Play `scene` once for each seed, and note what happens.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn moves(scene: &Scene, player: Player, seeds: &[u64], threads: usize) -> Result<Moves, PolicyError> {
    let mut out = Moves::default();
    let arenas = ARENAS.min(seeds.len());
    if arenas == 0 {
        return Ok(out);
    }
    let random = matches!(player, Player::Random);
    let mut env = VecEnv::played(scene, VecEnvOptions { arenas, agents: 1, threads }, player)?;
    let agents = env.agents_per_arena();
    let (wide, narrow) = (env.observation_size(), env.action_size());
    let mut chance = RandomActions::new(&env);
    let mut deal = Deal::begin(&mut env, seeds);
    let mut done = 0;
    while done < seeds.len() {
        let before = env.last_step().observations.to_vec();
        if random {
            let actions = chance.next(&env);
            env.step(actions);
        } else {
            env.step_driven();
        }
        for arena in 0..arenas {
            let step = env.last_step();
            // Of those who play against each other, the first.
            let row = arena * agents;
            if step.terminated[row] || step.truncated[row] {
                done += 1;
                deal.ended(&mut env, arena);
                continue;
            }
            if !step.active[row] {
                continue;
            }
            out.observations.extend_from_slice(&before[row * wide..(row + 1) * wide]);
            out.next.extend_from_slice(&step.observations[row * wide..(row + 1) * wide]);
            out.rewards.push(step.rewards[row]);
            let agent = env.agent_entity(row);
            let world = env.world_mut();
            match world.get::<Action>(agent) {
                Some(action) => out.actions.extend_from_slice(&action.0),
                None => out.actions.resize(out.rewards.len() * narrow, 0.0),
            }
            let own = world.get::<Agent>(agent).map(|agent| (agent.arena, agent.slot));
            let mut all = world.query::<(&Arena, PhysicsSets)>();
            let place = own.and_then(|(arena, slot)| {
                let (arena, mut sets) = all.get_mut(world, arena).ok()?;
                Some(sets.physics().pose(arena.slots.get(slot)?.body.parts()[0]).0)
            });
            out.places.push(place.map_or((0.0, 0.0), |place| (place.x, place.z)));
        }
    }
    Ok(out)
}
