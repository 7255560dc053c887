//! Task: stop in a marked parking bay.

use bevy::math::Vec3;

use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Surface, heading_of, wrap_angle};

/// Speed below which the car counts as stopped, m/s.
const STOPPED: f32 = 0.25;

/// Stop in the bay, aligned with it, and stay stopped for a time.
#[derive(Clone, Debug)]
pub struct Park {
    /// Greatest distance between the car's center and the bay's, m.
    pub distance: f32,
    /// Greatest angle between the car's heading and the bay's, rad.
    pub angle: f32,
    /// Time for which the car must stay stopped in the bay, s.
    pub hold: f32,
    /// Time for which the car has been stopped in the bay, s.
    held: f32,
    /// Distance to the bay at the last tick, m.
    last_distance: f32,
}

impl Park {
    /// Stopped for `hold` seconds within `distance` meters and `angle` radians of the bay.
    pub fn new(distance: f32, angle: f32, hold: f32) -> Self {
        Self { distance, angle, hold, held: 0.0, last_distance: 0.0 }
    }
}

fn distance_to_goal(ctx: &TaskContext<'_>) -> f32 {
    let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
    ctx.goal.position.map_or(0.0, |goal| (goal - position).with_y(0.0).length())
}

impl Task for Park {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "parked"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.held = 0.0;
        self.last_distance = distance_to_goal(ctx);
    }

    /// Reward terms: `approach`, decrease of the distance to the bay, m; `contact`, 1 while in contact; `parked`, 1 on
    /// success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let parts = ctx.body.parts();
        let distance = distance_to_goal(ctx);
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        if ctx.physics.touches(parts, |c| !Surface::of(c).is_floor()) {
            terms[1] = 1.0;
            return Outcome::Failure("touched something");
        }
        let Some(car) = ctx.physics.bodies.get(parts[0]) else { return Outcome::Failure("no car") };
        let heading = heading_of(*car.rotation() * Vec3::NEG_Z);
        let heading_error = ctx.goal.heading.map_or(0.0, |h| wrap_angle(h - heading).abs());
        let parked = distance < self.distance && heading_error < self.angle && car.linvel().length() < STOPPED;
        self.held = if parked { self.held + ctx.dt } else { 0.0 };
        if self.held >= self.hold {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
