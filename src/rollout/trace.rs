//! The path of an agent over the ground.

use bevy::ecs::prelude::*;

use super::headless::headless_app;
use crate::agents::Driver;
use crate::demos::{Episode, start_replay};
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex};
use crate::scenes::{Scene, Spawned, spawn_arena};
use crate::sim::{Arena, PhysicsSets, SnapshotError, begin_episode, tick};
use crate::tasks::Score;

/// The path of one episode, as positions (x, z) on the ground, m.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Position of the body's root after each tick.
    pub path: Vec<(f32, f32)>,
    /// The course of the task.
    pub course: Vec<(f32, f32)>,
    /// The goal of the task.
    pub goal: Option<(f32, f32)>,
    /// Whether the task succeeded.
    pub success: bool,
}

/// The path of a recorded episode, by re-simulation.
///
/// # Errors
/// [`SnapshotError`] when the recorded start does not decode.
pub fn trace_episode(scene: &Scene, episode: &Episode) -> Result<Trace, SnapshotError> {
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, episode.n_agents(), Driver::Replay);
    start_replay(world, spawned.arena, &spawned.agents, episode)?;
    Ok(follow(world, &spawned, episode.header.agent_index, episode.len() as u64))
}

/// The path of a policy in the episode of `seed`.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn trace_policy(scene: &Scene, policy: Policy, seed: u64) -> Result<Trace, PolicyError> {
    let policy = policy.for_agent(&scene.blueprint.spaces(), &scene.name)?;
    let mut app = headless_app(1);
    let world = app.world_mut();
    let index = world.resource_mut::<Policies>().add(policy);
    let spawned = spawn_arena(world, scene, 1, Driver::Policy);
    world.entity_mut(spawned.agents[0]).insert::<PolicyIndex>(index);
    begin_episode(world, spawned.arena, seed);
    Ok(follow(world, &spawned, 0, scene.tick_limit()))
}

/// Simulate until the episode of the agent in slot `slot` ends, at most `limit` ticks.
fn follow(world: &mut World, spawned: &Spawned, slot: usize, limit: u64) -> Trace {
    let mut trace = Trace::default();
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    for _ in 0..limit {
        tick(world);
        if let Ok((arena, mut sets)) = arenas.get_mut(world, spawned.arena) {
            let slot = &arena.slots[slot];
            let (position, _) = sets.physics().pose(slot.body.parts()[0]);
            trace.path.push((position.x, position.z));
            if trace.course.is_empty() {
                let points = slot
                    .goal
                    .course
                    .iter()
                    .flat_map(|c| c.points().iter().chain(c.closed().then(|| &c.points()[0])).map(|p| (p.x, p.z)));
                trace.course = points.collect();
                trace.goal = slot.goal.position.map(|g| (g.x, g.z));
            }
        }
        let score = world.get::<Score>(spawned.agents[slot]);
        if let Some(end) = score.and_then(|s| s.end) {
            trace.success = end == crate::tasks::EpisodeEnd::Success;
            break;
        }
    }
    trace
}
