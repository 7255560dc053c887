//! Drive a closed course round, or an open one to its end.

use super::score::{Judging, Outcome, Task};
use crate::sim::Surface;

/// How near the end of an open course counts as there, m.
const END: f32 = 1.0;

/// Drive round a course, or to its end, without leaving it.
#[derive(Clone, Debug)]
pub struct Lap {
    /// How many times round a closed course.
    pub laps: f32,
    /// How far beyond the road's edge the car's middle may get, m.
    pub margin: f32,
    /// Whether touching another car, a wall or a cone fails the task.
    pub no_contact: bool,
    along: f32,
    driven: f32,
}

impl Lap {
    /// `laps` times round, at most `margin` metres beyond the road's edge.
    pub fn new(laps: f32, margin: f32, no_contact: bool) -> Self {
        Self { laps, margin, no_contact, along: 0.0, driven: 0.0 }
    }
}

impl Task for Lap {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "offset", "contact", "finish"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.driven = 0.0;
        if let Some(course) = &judging.guide.course {
            let (position, _) = judging.physics.pose(judging.body.parts()[0]);
            self.along = course.project(position).along;
        }
    }

    /// progress: metres driven along the course; offset: share of the half width off the middle, times dt; contact: 1
    /// while touching something; finish: 1 at the end of the last lap.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(course) = &judging.guide.course else { return Outcome::Failure("no course") };
        let parts = judging.body.parts();
        let (position, _) = judging.physics.pose(parts[0]);
        let here = course.project(position);
        let advance = course.advance(self.along, here.along);
        self.along = here.along;
        self.driven += advance;
        terms[0] = advance;
        terms[1] = (here.offset.abs() / course.half_width()).min(2.0) * judging.dt;
        let touching = judging.physics.touches(parts, |c| !Surface::of(c).is_floor());
        terms[2] = f32::from(u8::from(touching));
        if touching && self.no_contact {
            return Outcome::Failure("touched something");
        }
        if here.offset.abs() > course.half_width() + self.margin {
            return Outcome::Failure("left the course");
        }
        let done = if course.closed() {
            self.driven >= self.laps * course.length()
        } else {
            here.along >= course.length() - END
        };
        if done {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
