//! The path of an agent over the ground.

use bevy::ecs::prelude::*;

use crate::agents::Agent;
use crate::sim::{Arena, PhysicsSets};

/// The path of an agent in an episode, and its goal there, as positions (x, z) on the ground, m.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroundPath {
    /// Position of the body's root after each tick, `[ticks]`.
    pub positions: Vec<(f32, f32)>,
    /// The course of the task; closed courses end at their first point.
    pub course: Vec<(f32, f32)>,
    /// The goal of the task.
    pub goal: Option<(f32, f32)>,
}

/// Reads the positions of agents from a world.
pub(super) struct PathReader(QueryState<(&'static Arena, PhysicsSets)>);

impl PathReader {
    /// A reader for the agents in `world`.
    pub fn new(world: &mut World) -> Self {
        Self(world.query())
    }

    /// Append the position of `agent` after the tick that was just simulated to `path`.
    pub fn append(&mut self, world: &mut World, agent: Entity, path: &mut GroundPath) {
        let Some((arena, slot)) = world.get::<Agent>(agent).map(|agent| (agent.arena, agent.slot)) else { return };
        let Ok((arena, mut sets)) = self.0.get_mut(world, arena) else { return };
        let Some(slot) = arena.slots.get(slot) else { return };
        let (position, _) = sets.physics().pose(slot.body.parts()[0]);
        path.positions.push((position.x, position.z));
        if path.course.is_empty() {
            let course = slot
                .goal
                .course
                .iter()
                .flat_map(|c| c.points().iter().chain(c.closed().then(|| &c.points()[0])).map(|p| (p.x, p.z)));
            path.course = course.collect();
            path.goal = slot.goal.position.map(|g| (g.x, g.z));
        }
    }
}
