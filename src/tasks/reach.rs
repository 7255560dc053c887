//! Task: walk to a goal position.

use serde::{Deserialize, Serialize};

use super::falling::{FallTimer, Posture};
use super::kind::TaskKind;
use super::score::{Outcome, Task, TaskContext};
use crate::sim::Surface;
use crate::world::{Checker, WorldSpecification};

/// Reach the goal position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Distance from the goal position within which it counts as reached, m.
    pub radius: f32,
}

impl TaskKind for Reach {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "down", "arrived"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(ReachScore { reach: self.clone(), last_distance: 0.0, fall: FallTimer::default() })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("radius", self.radius, 0.05, 20.0, "radius (m)");
        checker.needs(world.goal.is_some(), "goal");
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("goal")
    }
}

/// The state of a [`Reach`] in an episode.
struct ReachScore {
    reach: Reach,
    /// Distance to the goal position at the last tick, m.
    last_distance: f32,
    fall: FallTimer,
}

impl Task for ReachScore {
    fn terms(&self) -> &'static [&'static str] {
        self.reach.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = ctx.distance_to_goal();
        self.fall = FallTimer::default();
    }

    /// Reward terms: `approach`, decrease of the distance to the goal position, m; `contact`, 1 while in contact with an
    /// obstacle; `down`, 1 while fallen; `arrived`, 1 on success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = ctx.distance_to_goal();
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        let in_contact = ctx.physics.touches(ctx.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(in_contact));
        let posture = self.fall.step(ctx);
        terms[2] = f32::from(u8::from(posture != Posture::Up));
        if posture == Posture::StayedDown {
            return Outcome::Failure("fell and stayed down");
        }
        if distance < self.reach.radius && posture == Posture::Up {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
