//! Get to a place on foot.

use super::score::{Judging, Outcome, Task};
use crate::sim::Surface;

/// How long a fallen agent may lie before the task is failed, s: time to get up again.
pub(super) const DOWN_LIMIT: f32 = 6.0;

/// Reach the goal.
#[derive(Clone, Debug)]
pub struct Reach {
    /// How near is there, m.
    pub radius: f32,
    last: f32,
    down: f32,
}

impl Reach {
    /// There is within `radius` metres.
    pub fn new(radius: f32) -> Self {
        Self { radius, last: 0.0, down: 0.0 }
    }
}

/// Level distance from the body's root to the goal, m.
pub(super) fn distance_to_goal(judging: &Judging<'_>) -> f32 {
    let (position, _) = judging.physics.pose(judging.body.parts()[0]);
    judging.guide.goal.map_or(0.0, |goal| (goal - position).with_y(0.0).length())
}

impl Task for Reach {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "down", "arrived"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.last = distance_to_goal(judging);
        self.down = 0.0;
    }

    /// approach: metres nearer to the goal; contact: 1 while touching a wall or post; down: 1 while fallen; arrived: 1
    /// once there.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = distance_to_goal(judging);
        terms[0] = self.last - distance;
        self.last = distance;
        let touching = judging.physics.touches(judging.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(touching));
        if judging.body.is_down(judging.physics) {
            terms[2] = 1.0;
            self.down += judging.dt;
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
