//! Task: drive laps of a closed course, or drive to the end of an open one.

use serde::{Deserialize, Serialize};

use super::kind::TaskKind;
use super::score::{Outcome, Task, TaskContext};
use crate::sim::Surface;
use crate::world::{Checker, WorldSpecification};

/// Distance from the end of an open course at which the course is complete, m.
const END_TOLERANCE: f32 = 1.0;

/// Drive laps of a closed course, or to the end of an open one, without leaving the road.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lap {
    /// Number of laps of a closed course; a fraction is allowed.
    pub laps: f32,
    /// Greatest distance of the car's center beyond the road's edge, m.
    #[serde(default)]
    pub margin: f32,
    /// Whether contact with another car, a wall or a cone fails the task.
    #[serde(default)]
    pub no_contact: bool,
}

impl TaskKind for Lap {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "offset", "contact", "finish"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(LapScore { lap: self.clone(), last_along: 0.0, distance: 0.0 })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("laps", self.laps, 0.05, 100.0, "laps");
        checker.parameter("margin", self.margin, 0.0, 100.0, "margin (m)");
        checker.needs(world.course.is_some(), "course");
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("course_offset")
    }
}

/// The state of a [`Lap`] in an episode.
struct LapScore {
    lap: Lap,
    /// Arc length of the car's projection onto the course at the last tick, m.
    last_along: f32,
    /// Distance driven along the course in this episode, m.
    distance: f32,
}

impl Task for LapScore {
    fn terms(&self) -> &'static [&'static str] {
        self.lap.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.distance = 0.0;
        if let Some(course) = &ctx.goal.course {
            let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
            self.last_along = course.project(position).along;
        }
    }

    /// Reward terms: `progress`, meters driven along the course; `offset`, lateral distance from the center line in half
    /// widths of the road, times dt; `contact`, 1 while in contact; `finish`, 1 at the end of the last lap.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(course) = &ctx.goal.course else { return Outcome::Failure("no course") };
        let parts = ctx.body.parts();
        let (position, _) = ctx.physics.pose(parts[0]);
        let projection = course.project(position);
        let advance = course.advance(self.last_along, projection.along);
        self.last_along = projection.along;
        self.distance += advance;
        terms[0] = advance;
        terms[1] = (projection.offset.abs() / course.half_width()).min(2.0) * ctx.dt;
        let in_contact = ctx.physics.touches(parts, |c| !Surface::of(c).is_floor());
        terms[2] = f32::from(u8::from(in_contact));
        if in_contact && self.lap.no_contact {
            return Outcome::Failure("touched something");
        }
        if projection.offset.abs() > course.half_width() + self.lap.margin {
            return Outcome::Failure("left the course");
        }
        let finished = if course.closed() {
            self.distance >= self.lap.laps * course.length()
        } else {
            projection.along >= course.length() - END_TOLERANCE
        };
        if finished {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
