//! Task: visit colored posts in a given order.

use super::reach::{DOWN_LIMIT, distance_to_goal};
use super::score::{Outcome, Task, TaskContext};

/// Visit the posts of the goal's relay in its order.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Number of visited posts at the last tick.
    last_visited: usize,
    /// Distance to the next post at the last tick, m.
    last_distance: f32,
    /// Time since the fall, s.
    down: f32,
}

fn visited(ctx: &TaskContext<'_>) -> usize {
    ctx.goal.relay.iter().flat_map(|relay| &relay.posts).filter(|post| post.visited).count()
}

impl Task for Visit {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "visit", "down", "finish"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_visited = visited(ctx);
        self.last_distance = distance_to_goal(ctx);
        self.down = 0.0;
    }

    /// Reward terms: `approach`, decrease of the distance to the next post, m; `visit`, 1 at each visit; `down`, 1 while
    /// fallen; `finish`, 1 at the last visit.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(relay) = &ctx.goal.relay else { return Outcome::Failure("no posts") };
        let visited = visited(ctx);
        if visited > self.last_visited {
            terms[1] = (visited - self.last_visited) as f32;
            self.last_visited = visited;
            if relay.next().is_none() {
                terms[3] = 1.0;
                return Outcome::Success;
            }
        } else {
            terms[0] = self.last_distance - distance_to_goal(ctx);
        }
        self.last_distance = distance_to_goal(ctx);
        let (position, _) = ctx.physics.pose(ctx.body.parts()[0]);
        if relay.post_at(position).is_some_and(|post| !relay.posts[post].visited && relay.next() != Some(post)) {
            return Outcome::Failure("visited the wrong post");
        }
        if ctx.body.is_down(ctx.physics) {
            terms[2] = 1.0;
            self.down += ctx.dt;
            if self.down > DOWN_LIMIT {
                return Outcome::Failure("fell and stayed down");
            }
        } else {
            self.down = 0.0;
        }
        Outcome::Running
    }
}
