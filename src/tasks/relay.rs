//! Visit coloured posts in an order.

use super::reach::{DOWN_LIMIT, distance_to_goal};
use super::score::{Judging, Outcome, Task};

/// Visit the posts of the guide's relay in its order.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    visited: usize,
    /// Distance to the next post, m.
    last: f32,
    down: f32,
}

fn visited(judging: &Judging<'_>) -> usize {
    judging.guide.relay.iter().flat_map(|relay| &relay.posts).filter(|post| post.visited).count()
}

impl Task for Visit {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "visit", "down", "finish"]
    }

    fn begin(&mut self, judging: &Judging<'_>) {
        self.visited = visited(judging);
        self.last = distance_to_goal(judging);
        self.down = 0.0;
    }

    /// approach: metres nearer to the next post; visit: 1 at each; down: 1 while fallen; finish: 1 at the last.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(relay) = &judging.guide.relay else { return Outcome::Failure("no posts") };
        let now = visited(judging);
        if now > self.visited {
            terms[1] = (now - self.visited) as f32;
            self.visited = now;
            if relay.next().is_none() {
                terms[3] = 1.0;
                return Outcome::Success;
            }
        } else {
            terms[0] = self.last - distance_to_goal(judging);
        }
        self.last = distance_to_goal(judging);
        let (position, _) = judging.physics.pose(judging.body.parts()[0]);
        if relay.visited_at(position).is_some_and(|post| !relay.posts[post].visited && relay.next() != Some(post)) {
            return Outcome::Failure("visited the wrong post");
        }
        if judging.body.is_down(judging.physics) {
            terms[2] = 1.0;
            self.down += judging.dt;
            if self.down > DOWN_LIMIT {
                return Outcome::Failure("fell and stayed down");
            }
        } else {
            self.down = 0.0;
        }
        Outcome::Running
    }
}
