//! The start of an episode: random start poses, objects, goals and driving direction.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;

use super::objects::WorldObjects;
use super::specification::WorldSpecification;
use crate::agents::Spacing;
use crate::sim::{Course, Physics, SimRng, Slot, TaskGoal};

/// Distance between the agents on a course, each behind the one before, m; less when the course is too short.
const COURSE_SPACING: f32 = 9.0;

/// A position on the ground, m, and a heading, rad (0 looks along -z, positive turns left).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundPose {
    /// Position, m.
    pub position: Vec3,
    /// Heading, rad.
    pub heading: f32,
}

/// An arena of a scene file in its nominal state, at the start of an episode: a task places everything in it. `rng` is the
/// only source of randomness.
pub struct EpisodeStart<'a, 'p> {
    /// The world that the arena is built from.
    pub world: &'a WorldSpecification,
    /// The rigid bodies of the world.
    pub objects: &'a WorldObjects,
    /// The rigid bodies that the task has built.
    pub task_objects: &'a [RigidBodyHandle],
    /// Number of agents; the slots after them are non-player cars.
    pub agents: usize,
    /// The arena's physics.
    pub physics: &'a mut Physics<'p>,
    /// The arena's controlled bodies.
    pub slots: &'a mut [Slot],
    /// The episode's random numbers.
    pub rng: &'a mut SimRng,
}

/// The point (x, z) on the ground.
pub fn ground_point((x, z): (f32, f32)) -> Vec3 {
    Vec3::new(x, 0.0, z)
}

impl EpisodeStart<'_, '_> {
    /// A sample of the uniform distribution over `±spread`.
    pub fn uniform(&mut self, spread: f32) -> f32 {
        (self.rng.random::<f32>() * 2.0 - 1.0) * spread
    }

    /// A sample of the uniform distribution over a rectangle on the ground: `±spread` (x, z) around `center` (x, z), m.
    pub fn sample_point(&mut self, center: (f32, f32), spread: (f32, f32)) -> Vec3 {
        ground_point(center) + Vec3::new(self.uniform(spread.0), 0.0, self.uniform(spread.1))
    }

    /// Move a rigid body, and stop it when it is movable.
    pub fn set_pose(&mut self, handle: RigidBodyHandle, position: Vec3, heading: f32) {
        if let Some(body) = self.physics.bodies.get_mut(handle) {
            body.set_position(Pose::from_parts(position, Quat::from_rotation_y(heading)), true);
            if body.is_dynamic() {
                body.set_linvel(Vec3::ZERO, true);
                body.set_angvel(Vec3::ZERO, true);
            }
        }
    }

    /// Sample the start pose of an agent, for scenes without a course.
    pub fn sample_start(&mut self) -> GroundPose {
        let start = &self.world.start;
        let position = self.sample_point(start.at, start.spread);
        GroundPose { position, heading: (start.heading + self.uniform(start.turn)).to_radians() }
    }

    /// Sample the goal position, if the scene has one.
    pub fn sample_goal(&mut self) -> Option<Vec3> {
        let goal = self.world.goal.as_ref()?;
        Some(self.sample_point(goal.at, goal.spread))
    }

    /// Place the objects at given positions.
    pub fn place_objects(&mut self) {
        for (object, handle) in self.world.objects.iter().zip(&self.objects.objects) {
            let position = self.sample_point(object.at, object.spread);
            let heading = (object.heading + self.uniform(object.turn)).to_radians();
            self.set_pose(*handle, position + Vec3::Y * (object.shape.height() / 2.0), heading);
        }
    }

    /// Place the scattered objects by rejection sampling: up to 200 samples each, until one is far enough from the other
    /// objects and from `keep_clear`; the last sample when none is.
    pub fn scatter(&mut self, keep_clear: &[Vec3]) {
        let Some(scatter) = &self.world.scatter else { return };
        let ((x0, z0), (x1, z1)) = scatter.area;
        let mut positions: Vec<Vec3> = Vec::new();
        for handle in &self.objects.scattered {
            let mut position = Vec3::ZERO;
            for _ in 0..200 {
                position = Vec3::new(
                    x0 + self.rng.random::<f32>() * (x1 - x0),
                    0.0,
                    z0 + self.rng.random::<f32>() * (z1 - z0),
                );
                if positions.iter().chain(keep_clear).all(|p| p.distance(position) > scatter.apart) {
                    break;
                }
            }
            positions.push(position);
            self.set_pose(*handle, position + Vec3::Y * (scatter.shape.height() / 2.0), 0.0);
        }
    }

    /// Sample the start pose and the goal position, and place the objects: those at given positions, then the scattered
    /// ones, clear of start and goal.
    pub fn place_world(&mut self) -> (GroundPose, Option<Vec3>) {
        let start = self.sample_start();
        self.place_objects();
        let goal = self.sample_goal();
        let clear: Vec<Vec3> = std::iter::once(start.position).chain(goal).collect();
        self.scatter(&clear);
        (start, goal)
    }

    /// Place everything as in a scene without a task: on a road, objects and cars along it; elsewhere, objects, and agents
    /// at the start pose, with the goal position as their goal.
    pub fn place_all(&mut self) {
        if let Some(courses) = &self.objects.courses {
            self.place_objects();
            self.scatter(&[]);
            self.place_on_course(courses);
        } else {
            let (start, position) = self.place_world();
            self.place_agents(start, &TaskGoal { position, ..TaskGoal::default() });
        }
    }

    /// Place the agents beside or behind each other at `start`, and set their goal.
    pub fn place_agents(&mut self, start: GroundPose, goal: &TaskGoal) {
        let Spacing { direction, distance } = self.world.agent.spacing();
        let spacing = Quat::from_rotation_y(start.heading) * direction * distance;
        for (i, slot) in self.slots.iter_mut().enumerate() {
            slot.body.place(self.physics, start.position + spacing * i as f32, start.heading);
            slot.goal = goal.clone();
        }
    }

    /// Place the agents and the non-player cars along the road, and set it as their goal. `courses` are its two
    /// directions.
    pub fn place_on_course(&mut self, courses: &[Arc<Course>; 2]) {
        let reversible = self.world.course.as_ref().is_some_and(|r| r.reversible);
        let direction = usize::from(reversible && self.rng.random::<bool>());
        let course = &courses[direction];
        let start = &self.world.start;
        let along = if start.anywhere {
            self.rng.random::<f32>() * course.length()
        } else {
            course.project(ground_point(start.at)).along + self.uniform(start.spread.0)
        };
        let npcs = self.slots.len() - self.agents;
        // The non-player cars and the agents are evenly spaced along the road.
        let spacing = course.length() / (npcs + 1) as f32;
        for i in 0..self.slots.len() {
            let (place, lateral, turn) = if i < self.agents {
                let behind = COURSE_SPACING.min(course.length() / self.agents as f32) * i as f32;
                (along - behind, self.uniform(start.spread.1), self.uniform(start.turn))
            } else {
                let index = (i - self.agents + 1) as f32 + self.uniform(0.15);
                (along + index * spacing, self.uniform(0.3), 0.0)
            };
            let heading = course.heading_at(place);
            let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
            let mut position = course.point_at(place) + left * lateral;
            position.y = floor_height(self.physics, position);
            let slot = &mut self.slots[i];
            slot.body.place(self.physics, position, heading + turn.to_radians());
            slot.goal = TaskGoal { course: Some(course.clone()), ..TaskGoal::default() };
        }
    }
}

/// Height of the fixed ground under a position, m; a banked road is not at height 0.
fn floor_height(physics: &Physics<'_>, position: Vec3) -> f32 {
    let from = position + Vec3::Y * 20.0;
    let filter = QueryFilter::only_fixed();
    physics.cast_ray(from, Vec3::NEG_Y, 40.0, filter).map_or(0.0, |hit| from.y - hit.distance)
}
