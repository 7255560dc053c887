//! Task: push an object to a goal position.

use super::score::{Outcome, Task, TaskContext};

/// Push the goal's object to the goal position.
#[derive(Clone, Debug)]
pub struct Push {
    /// Distance from the goal position within which the object counts as placed, m.
    pub radius: f32,
    /// Distance between object and goal position at the last tick, m.
    last_distance: f32,
}

impl Push {
    /// The object is placed within `radius` meters of the goal position.
    pub fn new(radius: f32) -> Self {
        Self { radius, last_distance: 0.0 }
    }
}

/// Horizontal distance between the object and the goal position, m.
fn object_to_goal(ctx: &TaskContext<'_>) -> f32 {
    match (ctx.goal.object, ctx.goal.position) {
        (Some(object), Some(goal)) => (goal - ctx.physics.pose(object).0).with_y(0.0).length(),
        _ => 0.0,
    }
}

impl Task for Push {
    fn terms(&self) -> &'static [&'static str] {
        &["push", "down", "placed"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = object_to_goal(ctx);
    }

    /// Reward terms: `push`, decrease of the distance between object and goal position, m; `down`, 1 while the agent has
    /// fallen; `placed`, 1 on success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = object_to_goal(ctx);
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        terms[1] = f32::from(u8::from(ctx.body.is_down(ctx.physics)));
        if distance < self.radius {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
