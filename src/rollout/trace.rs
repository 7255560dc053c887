//! The line that a body took over the ground.

use bevy::ecs::prelude::*;

use super::headless::headless_app;
use crate::agents::Driver;
use crate::demos::{Episode, run_again};
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex};
use crate::scenes::{Scene, Spawned, spawn_arena};
use crate::sim::{Arena, PhysicsSets, SnapshotError, begin_episode, tick};
use crate::tasks::Score;

/// Places (x, z) on the ground, m.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Where the body's root was at each tick.
    pub line: Vec<(f32, f32)>,
    /// The course it was given.
    pub course: Vec<(f32, f32)>,
    /// The goal it was given.
    pub goal: Option<(f32, f32)>,
    /// Whether the task was done.
    pub success: bool,
}

/// The line of a recorded episode, by running it again.
///
/// # Errors
/// [`SnapshotError`] when the recorded start does not decode.
pub fn trace_episode(scene: &Scene, episode: &Episode) -> Result<Trace, SnapshotError> {
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, episode.players(), Driver::Replay);
    run_again(world, spawned.arena, &spawned.agents, episode)?;
    Ok(follow(world, &spawned, episode.header.slot, episode.len() as u64))
}

/// The line that a policy takes from the start of `seed`.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn trace_policy(scene: &Scene, policy: Policy, seed: u64) -> Result<Trace, PolicyError> {
    let policy = policy.fitted(&scene.blueprint.spaces(), &scene.name)?;
    let mut app = headless_app(1);
    let world = app.world_mut();
    let index = world.resource_mut::<Policies>().add(policy);
    let spawned = spawn_arena(world, scene, 1, Driver::Policy);
    world.entity_mut(spawned.agents[0]).insert::<PolicyIndex>(index);
    begin_episode(world, spawned.arena, seed);
    Ok(follow(world, &spawned, 0, scene.tick_limit()))
}

/// Run until the episode of the agent at place `slot` ends, at most `limit` ticks.
fn follow(world: &mut World, spawned: &Spawned, slot: usize, limit: u64) -> Trace {
    let mut trace = Trace::default();
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    for _ in 0..limit {
        tick(world);
        if let Ok((arena, mut sets)) = arenas.get_mut(world, spawned.arena) {
            let slot = &arena.slots[slot];
            let (position, _) = sets.physics().pose(slot.body.parts()[0]);
            trace.line.push((position.x, position.z));
            if trace.course.is_empty() {
                let points = slot
                    .guide
                    .course
                    .iter()
                    .flat_map(|c| c.points().iter().chain(c.closed().then(|| &c.points()[0])).map(|p| (p.x, p.z)));
                trace.course = points.collect();
                trace.goal = slot.guide.goal.map(|g| (g.x, g.z));
            }
        }
        let score = world.get::<Score>(spawned.agents[slot]);
        if let Some(end) = score.and_then(|s| s.end) {
            trace.success = end == crate::tasks::End::Success;
            break;
        }
    }
    trace
}
