//! Task: a game of tag, in which one agent catches the other or the other escapes.

use super::score::{Outcome, Task, TaskContext};
use crate::sim::Surface;

/// A game of tag. Chaser and runner each have one of their own.
#[derive(Clone, Debug)]
pub struct Tag {
    /// Distance between the agents' roots at which the runner is caught, m.
    pub radius: f32,
    /// Ticks after which the runner has escaped.
    pub tick_limit: u64,
    /// Distance between the agents at the last tick, m.
    last_distance: f32,
    /// Ticks of the episode so far.
    ticks: u64,
}

impl Tag {
    /// The runner is caught within `radius` meters and has escaped after `tick_limit` ticks.
    pub fn new(radius: f32, tick_limit: u64) -> Self {
        Self { radius, tick_limit, last_distance: 0.0, ticks: 0 }
    }
}

/// Horizontal distance to the rival, m, and whether this agent is the chaser.
fn rival_distance(ctx: &TaskContext<'_>) -> (f32, bool) {
    let Some(rival) = ctx.goal.rival else { return (f32::INFINITY, false) };
    let position = rival.relative_position(ctx.physics, ctx.body.parts()[0]);
    (position.with_y(0.0).length(), rival.chasing)
}

impl Task for Tag {
    fn terms(&self) -> &'static [&'static str] {
        &["gap", "contact", "caught", "escaped"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = rival_distance(ctx).0;
        self.ticks = 0;
    }

    /// Reward terms: `gap`, decrease of the distance for the chaser, increase for the runner, m; `contact`, 1 while in
    /// contact with an obstacle; `caught`, at the end of a game that the chaser wins, 1 for the chaser and -1 for the
    /// runner; `escaped`, at the end of a game that the runner wins, -1 for the chaser and 1 for the runner.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let (distance, chasing) = rival_distance(ctx);
        let sign = if chasing { 1.0 } else { -1.0 };
        terms[0] = sign * (self.last_distance - distance);
        self.last_distance = distance;
        let in_contact = ctx.physics.touches(ctx.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(in_contact));
        self.ticks += 1;
        if distance < self.radius {
            terms[2] = sign;
            return if chasing { Outcome::Success } else { Outcome::Failure("caught") };
        }
        if self.ticks >= self.tick_limit {
            terms[3] = -sign;
            return if chasing { Outcome::Failure("escaped") } else { Outcome::Success };
        }
        Outcome::Running
    }
}
