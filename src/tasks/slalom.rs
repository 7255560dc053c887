//! Pass a row of posts alternately left and right.

use bevy::math::Vec3;

use super::score::{Judging, Outcome, Task};
use crate::sim::{Gate, Surface};

/// Pass every gate's post on its side and reach the end of the course, touching none.
#[derive(Clone, Debug)]
pub struct Slalom {
    /// How far from a post one may pass it, m.
    pub reach: f32,
    next: usize,
    along: f32,
}

impl Slalom {
    /// Posts are passed within `reach` metres.
    pub fn new(reach: f32) -> Self {
        Self { reach, next: 0, along: 0.0 }
    }
}

/// Direction of the row of posts.
fn row_of(gates: &[Gate]) -> Vec3 {
    let ends = gates.first().zip(gates.last());
    ends.map_or(Vec3::ZERO, |(first, last)| (last.post - first.post).normalize_or(Vec3::NEG_Z))
}

impl Task for Slalom {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "gates", "contact", "finish"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        let (position, _) = judging.physics.pose(judging.body.parts()[0]);
        self.along = judging.guide.course.as_ref().map_or(0.0, |course| course.project(position).along);
        // Who begins between gates has passed those behind.
        let row = row_of(&judging.guide.gates);
        self.next = judging.guide.gates.iter().take_while(|gate| (position - gate.post).dot(row) > 0.0).count();
    }

    /// progress: metres along the course; gates: 1 at each post passed; contact: 1 while touching one; finish: 1 at
    /// the end.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(course) = &judging.guide.course else { return Outcome::Failure("no course") };
        let parts = judging.body.parts();
        let (position, _) = judging.physics.pose(parts[0]);
        let here = course.project(position);
        terms[0] = here.along - self.along;
        self.along = here.along;
        if judging.physics.touches(parts, |c| !Surface::of(c).is_floor()) {
            terms[2] = 1.0;
            return Outcome::Failure("touched a post");
        }
        // The row runs straight from the first post to the last; a post is passed when its place on that line is.
        if let Some(gate) = judging.guide.gates.get(self.next) {
            let row = row_of(&judging.guide.gates);
            let from_post = position - gate.post;
            if from_post.dot(row) > 0.0 {
                let left = Vec3::Y.cross(row);
                let side = from_post.dot(left) * gate.side;
                if side <= 0.0 || side > self.reach {
                    return Outcome::Failure("missed a gate");
                }
                terms[1] = 1.0;
                self.next += 1;
            }
        }
        if self.next == judging.guide.gates.len() && here.along >= course.length() - 1.0 {
            terms[3] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
