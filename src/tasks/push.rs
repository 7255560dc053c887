//! Bring a thing to its mark.

use super::score::{Judging, Outcome, Task};

/// Push the guide's object onto the goal.
#[derive(Clone, Debug)]
pub struct Push {
    /// How near the mark's middle the object must be, m.
    pub radius: f32,
    last: f32,
}

impl Push {
    /// The mark is met within `radius` metres.
    pub fn new(radius: f32) -> Self {
        Self { radius, last: 0.0 }
    }
}

fn distance_to_mark(judging: &Judging<'_>) -> f32 {
    match (judging.guide.object, judging.guide.goal) {
        (Some(object), Some(goal)) => (goal - judging.physics.pose(object).0).with_y(0.0).length(),
        _ => 0.0,
    }
}

impl Task for Push {
    fn terms(&self) -> &'static [&'static str] {
        &["push", "down", "placed"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.last = distance_to_mark(judging);
    }

    /// push: metres that the object came nearer to its mark; down: 1 while fallen; placed: 1 once there.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = distance_to_mark(judging);
        terms[0] = self.last - distance;
        self.last = distance;
        terms[1] = f32::from(u8::from(judging.body.is_down(judging.physics)));
        if distance < self.radius {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
