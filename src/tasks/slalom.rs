//! Task: pass a row of posts alternately on the left and on the right.

use bevy::math::Vec3;

use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Gate, Surface};

/// Distance from the end of the course at which it is complete, m.
const END_TOLERANCE: f32 = 1.0;

/// Pass each gate's post on its side and reach the end of the course without contact.
#[derive(Clone, Debug)]
pub struct Slalom {
    /// Greatest lateral distance from a post at which passing it counts, m.
    pub reach: f32,
    /// Index of the next gate.
    next_gate: usize,
    /// Arc length of the car's projection onto the course at the last tick, m.
    last_along: f32,
}

impl Slalom {
    /// Posts must be passed within `reach` meters.
    pub fn new(reach: f32) -> Self {
        Self { reach, next_gate: 0, last_along: 0.0 }
    }
}

/// Unit direction from the first post to the last.
fn row_direction(gates: &[Gate]) -> Vec3 {
    let ends = gates.first().zip(gates.last());
    ends.map_or(Vec3::ZERO, |(first, last)| (last.post - first.post).normalize_or(Vec3::NEG_Z))
}

impl Task for Slalom {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "gates", "contact", "finish"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
        self.last_along = ctx.goal.course.as_ref().map_or(0.0, |course| course.project(position).along);
        // An agent that starts between gates does not have to pass those behind it.
        let row = row_direction(&ctx.goal.gates);
        self.next_gate = ctx.goal.gates.iter().take_while(|gate| (position - gate.post).dot(row) > 0.0).count();
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
            return Outcome::Failure("touched a post");
        }
        // The row is the straight line from the first post to the last. The car passes a post when its position,
        // projected onto the row, is beyond the post's.
        if let Some(gate) = ctx.goal.gates.get(self.next_gate) {
            let row = row_direction(&ctx.goal.gates);
            let from_post = position - gate.post;
            if from_post.dot(row) > 0.0 {
                let left = Vec3::Y.cross(row);
                let lateral = from_post.dot(left) * gate.side;
                if lateral <= 0.0 || lateral > self.reach {
                    return Outcome::Failure("missed a gate");
                }
                terms[1] = 1.0;
                self.next_gate += 1;
            }
        }
        if self.next_gate == ctx.goal.gates.len() && along >= course.length() - END_TOLERANCE {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
