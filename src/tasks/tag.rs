//! Catch the other one, or get away.

use super::score::{Judging, Outcome, Task};
use crate::sim::Surface;

/// A game of tag, for both who play it.
#[derive(Clone, Debug)]
pub struct Tag {
    /// How near is caught, m.
    pub radius: f32,
    /// Ticks after which the runner has escaped.
    pub limit: u64,
    last: f32,
    ticks: u64,
}

impl Tag {
    /// Caught within `radius` metres, middle to middle; escaped after `limit` ticks.
    pub fn new(radius: f32, limit: u64) -> Self {
        Self { radius, limit, last: 0.0, ticks: 0 }
    }
}

/// Level distance to the other one, m, and whether one chases it.
fn gap(judging: &Judging<'_>) -> (f32, bool) {
    let Some(rival) = judging.guide.rival else { return (f32::INFINITY, false) };
    let place = rival.place(judging.physics, judging.body.parts()[0]);
    (place.with_y(0.0).length(), rival.chasing)
}

impl Task for Tag {
    fn terms(&self) -> &'static [&'static str] {
        &["gap", "contact", "caught", "escaped"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.last = gap(judging).0;
        self.ticks = 0;
    }

    /// gap: metres nearer for the chaser, farther for the runner; contact: 1 while touching a wall or post; caught: 1 for
    /// the chaser, -1 for the runner, when it ends so; escaped: -1 and 1.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let (distance, chasing) = gap(judging);
        let sign = if chasing { 1.0 } else { -1.0 };
        terms[0] = sign * (self.last - distance);
        self.last = distance;
        let touching = judging.physics.touches(judging.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(touching));
        self.ticks += 1;
        if distance < self.radius {
            terms[2] = sign;
            return if chasing { Outcome::Success } else { Outcome::Failure("caught") };
        }
        if self.ticks >= self.limit {
            terms[3] = -sign;
            return if chasing { Outcome::Failure("escaped") } else { Outcome::Success };
        }
        Outcome::Running
    }
}
