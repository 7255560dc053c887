//! Stop in a marked bay.

use bevy::math::Vec3;

use super::score::{Judging, Outcome, Task};
use crate::sim::{Surface, heading_of, wrap_angle};

/// Slower than this counts as stopped, m/s.
const STOPPED: f32 = 0.25;

/// Stand in the bay, straight and still, for half a second.
#[derive(Clone, Debug)]
pub struct Park {
    /// How far from the bay's middle the car may stand, m.
    pub distance: f32,
    /// How far from the bay's direction it may point, rad.
    pub angle: f32,
    /// How long it must stand still, s.
    pub hold: f32,
    held: f32,
    last: f32,
}

impl Park {
    /// Within `distance` metres and `angle` radians, still for `hold` seconds.
    pub fn new(distance: f32, angle: f32, hold: f32) -> Self {
        Self { distance, angle, hold, held: 0.0, last: 0.0 }
    }
}

fn distance_to_goal(judging: &Judging<'_>) -> f32 {
    let (position, _) = judging.physics.pose(judging.body.parts()[0]);
    judging.guide.goal.map_or(0.0, |goal| (goal - position).with_y(0.0).length())
}

impl Task for Park {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "parked"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.held = 0.0;
        self.last = distance_to_goal(judging);
    }

    /// approach: metres nearer to the bay; contact: 1 while touching something; parked: 1 once done.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let parts = judging.body.parts();
        let distance = distance_to_goal(judging);
        terms[0] = self.last - distance;
        self.last = distance;
        if judging.physics.touches(parts, |c| !Surface::of(c).is_floor()) {
            terms[1] = 1.0;
            return Outcome::Failure("touched something");
        }
        let Some(car) = judging.physics.bodies.get(parts[0]) else { return Outcome::Failure("no car") };
        let heading = heading_of(*car.rotation() * Vec3::NEG_Z);
        let askew = judging.guide.goal_heading.map_or(0.0, |h| wrap_angle(h - heading).abs());
        let inside = distance < self.distance && askew < self.angle && car.linvel().length() < STOPPED;
        self.held = if inside { self.held + judging.dt } else { 0.0 };
        if self.held >= self.hold {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
