//! Task: walk to a goal position.

use super::score::{Outcome, Task, TaskContext};
use crate::sim::Surface;

/// Time after a fall at which the task fails, s: long enough to get up again.
pub(super) const DOWN_LIMIT: f32 = 6.0;

/// Reach the goal position.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Distance from the goal position within which it counts as reached, m.
    pub radius: f32,
    /// Distance to the goal position at the last tick, m.
    last_distance: f32,
    /// Time since the fall, s.
    down: f32,
}

impl Reach {
    /// The goal position is reached within `radius` meters.
    pub fn new(radius: f32) -> Self {
        Self { radius, last_distance: 0.0, down: 0.0 }
    }
}

/// Horizontal distance from the body's root to the goal position, m.
pub(super) fn distance_to_goal(ctx: &TaskContext<'_>) -> f32 {
    let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
    ctx.goal.position.map_or(0.0, |goal| (goal - position).with_y(0.0).length())
}

impl Task for Reach {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "down", "arrived"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = distance_to_goal(ctx);
        self.down = 0.0;
    }

    /// Reward terms: `approach`, decrease of the distance to the goal position, m; `contact`, 1 while in contact with an
    /// obstacle; `down`, 1 while fallen; `arrived`, 1 on success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = distance_to_goal(ctx);
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        let in_contact = ctx.physics.touches(ctx.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(in_contact));
        if ctx.body.is_down(ctx.physics) {
            terms[2] = 1.0;
            self.down += ctx.dt;
            if self.down > DOWN_LIMIT {
                return Outcome::Failure("fell and stayed down");
            }
        } else {
            self.down = 0.0;
        }
        if distance < self.radius && terms[2] == 0.0 {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
