//! Task: pass a row of cones alternately on the left and on the right.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::kind::TaskKind;
use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Course, GoalDetails, Mark, Surface, TaskGoal};
use crate::world::{CONE_HEIGHT, Checker, EpisodeStart, Gates, GroundPose, WorldSpecification};

/// Distance from the end of the course at which it is complete, m.
const END_TOLERANCE: f32 = 1.0;
/// Smallest distance between a random start position among gates and the end of the course, m.
const END_CLEARANCE: f32 = 8.0;
/// Lateral distance between a cone and the arrow that shows its side, m.
const ARROW_ASIDE: f32 = 1.6;

/// Pass each gate's cone on its side and reach the end of the course without contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slalom {
    /// Greatest lateral distance from a cone at which passing it counts, m.
    pub reach: f32,
}

/// A cone that must be passed on a given side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Position of the cone, m.
    pub post: Vec3,
    /// Side of the cone on which to pass: 1 on its left, -1 on its right, seen along the course.
    pub side: f32,
}

/// The gates of an episode, in order along the course.
#[derive(Clone, Debug)]
struct SlalomGates(Vec<Gate>);

impl GoalDetails for SlalomGates {
    fn boxed_clone(&self) -> Box<dyn GoalDetails> {
        Box::new(self.clone())
    }

    fn marks(&self, goal: &TaskGoal) -> Vec<Mark> {
        let Some(course) = &goal.course else { return Vec::new() };
        let arrow = |gate: &Gate| {
            let heading = course.project(gate.post).heading;
            let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
            Mark::Arrow { position: gate.post + left * (gate.side * ARROW_ASIDE), heading }
        };
        std::iter::once(Mark::Course).chain(self.0.iter().map(arrow)).collect()
    }
}

impl TaskKind for Slalom {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "gates", "contact", "finish"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(SlalomScore { slalom: self.clone(), next_gate: 0, last_along: 0.0 })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("reach", self.reach, 1.0, 50.0, "reach (m)");
        checker.needs(world.gates.is_some(), "gates");
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("course_offset")
    }

    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let Some(gates) = &episode.world.gates else { return episode.place_all() };
        let (start, _) = episode.place_world();
        let goal = place_gates(episode, gates, start.position);
        let start = match &goal.course {
            Some(course) if episode.world.start.anywhere => start_between_gates(episode, course),
            _ => start,
        };
        episode.place_agents(start, &goal);
    }
}

/// Place the cones and lay the course past them.
fn place_gates(episode: &mut EpisodeStart<'_, '_>, gates: &Gates, from: Vec3) -> TaskGoal {
    let mut side = if episode.rng.random::<bool>() { 1.0 } else { -1.0 };
    let mut waypoints = vec![(from.x, from.z), (from.x * 0.5, from.z - gates.first * 0.4)];
    let mut out = Vec::new();
    for (i, cone) in episode.objects.cones.iter().enumerate() {
        let post = Vec3::new(
            episode.uniform(gates.spread),
            0.0,
            -(gates.first + i as f32 * gates.spacing) + episode.uniform(gates.spread),
        );
        episode.set_pose(*cone, post + Vec3::Y * CONE_HEIGHT / 2.0, 0.0);
        // To pass on the left of a cone is to pass it at smaller x.
        waypoints.push((post.x - side * gates.aside, post.z));
        out.push(Gate { post, side });
        side = -side;
    }
    let end = -(gates.first + gates.count as f32 * gates.spacing + 4.0);
    waypoints.push((0.0, end + 4.0));
    waypoints.push((0.0, end));
    let course = Course::spline(&waypoints, false, gates.aside + 1.0).ok().map(Arc::new);
    TaskGoal { course, ..TaskGoal::default() }.with_details(SlalomGates(out))
}

/// A random start pose along the course.
fn start_between_gates(episode: &mut EpisodeStart<'_, '_>, course: &Course) -> GroundPose {
    let along = episode.rng.random::<f32>() * (course.length() - END_CLEARANCE).max(0.0);
    let heading = course.heading_at(along);
    let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
    let start = &episode.world.start;
    let lateral = left * episode.uniform(start.spread.0);
    GroundPose {
        position: course.point_at(along) + lateral,
        heading: heading + episode.uniform(start.turn).to_radians(),
    }
}

/// The state of a [`Slalom`] in an episode.
struct SlalomScore {
    slalom: Slalom,
    /// Index of the next gate.
    next_gate: usize,
    /// Arc length of the car's projection onto the course at the last tick, m.
    last_along: f32,
}

fn gates_of(goal: &TaskGoal) -> &[Gate] {
    goal.details_as::<SlalomGates>().map_or(&[], |gates| &gates.0)
}

/// Unit direction from the first cone to the last.
fn row_direction(gates: &[Gate]) -> Vec3 {
    let ends = gates.first().zip(gates.last());
    ends.map_or(Vec3::ZERO, |(first, last)| (last.post - first.post).normalize_or(Vec3::NEG_Z))
}

impl Task for SlalomScore {
    fn terms(&self) -> &'static [&'static str] {
        self.slalom.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
        self.last_along = ctx.goal.course.as_ref().map_or(0.0, |course| course.project(position).along);
        // An agent that starts between gates does not have to pass those behind it.
        let gates = gates_of(ctx.goal);
        let row = row_direction(gates);
        self.next_gate = gates.iter().take_while(|gate| (position - gate.post).dot(row) > 0.0).count();
    }

    /// Reward terms: `progress`, meters driven along the course; `gates`, 1 at each gate passed; `contact`, 1 while in
    /// contact; `finish`, 1 at the end of the course.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(course) = &ctx.goal.course else { return Outcome::Failure("no course") };
        let parts = ctx.body.parts();
        let (position, _) = ctx.physics.pose(parts[0]);
        let along = course.project(position).along;
        terms[0] = along - self.last_along;
        self.last_along = along;
        if ctx.physics.touches(parts, |c| !Surface::of(c).is_floor()) {
            terms[2] = 1.0;
            return Outcome::Failure("touched a cone");
        }
        // The row is the straight line from the first cone to the last. The car passes a cone when its position,
        // projected onto the row, is beyond the cone's.
        let gates = gates_of(ctx.goal);
        if let Some(gate) = gates.get(self.next_gate) {
            let row = row_direction(gates);
            let from_post = position - gate.post;
            if from_post.dot(row) > 0.0 {
                let left = Vec3::Y.cross(row);
                let lateral = from_post.dot(left) * gate.side;
                if lateral <= 0.0 || lateral > self.slalom.reach {
                    return Outcome::Failure("missed a gate");
                }
                terms[1] = 1.0;
                self.next_gate += 1;
            }
        }
        if self.next_gate == gates.len() && along >= course.length() - END_TOLERANCE {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
