//! Task: push an object to a goal position.

use serde::{Deserialize, Serialize};

use super::kind::TaskKind;
use super::score::{Outcome, Task, TaskContext};
use crate::sim::TaskGoal;
use crate::world::{Checker, EpisodeStart, Step, WorldSpecification};

/// Push an object to the goal position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Index of the object in `objects`.
    pub object: usize,
    /// Distance from the goal position within which the object counts as placed, m.
    pub radius: f32,
}

impl TaskKind for Push {
    fn terms(&self) -> &'static [&'static str] {
        &["push", "down", "placed"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(PushScore { push: self.clone(), last_distance: 0.0 })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("radius", self.radius, 0.05, 20.0, "radius (m)");
        checker.needs(world.goal.is_some(), "goal");
        let Self { object, .. } = self;
        if world.objects.get(*object).is_none_or(|o| o.mass.is_none()) {
            checker.report(
                &[Step::Key("task"), Step::Key("object")],
                format!("object {object} is not one of the {} objects, or it has no mass", world.objects.len()),
            );
        }
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("goal")
    }

    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let (start, position) = episode.place_world();
        let object = episode.objects.objects.get(self.object).copied();
        episode.place_agents(start, &TaskGoal { position, object, ..TaskGoal::default() });
    }
}

/// The state of a [`Push`] in an episode.
struct PushScore {
    push: Push,
    /// Distance between object and goal position at the last tick, m.
    last_distance: f32,
}

/// Horizontal distance between the object and the goal position, m.
fn object_to_goal(ctx: &TaskContext<'_>) -> f32 {
    match (ctx.goal.object, ctx.goal.position) {
        (Some(object), Some(goal)) => (goal - ctx.physics.pose(object).0).with_y(0.0).length(),
        _ => 0.0,
    }
}

impl Task for PushScore {
    fn terms(&self) -> &'static [&'static str] {
        self.push.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = object_to_goal(ctx);
    }

    /// Reward terms: `push`, decrease of the distance between object and goal position, m; `down`, 1 while the agent has
    /// fallen; `placed`, 1 on success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let distance = object_to_goal(ctx);
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        terms[1] = f32::from(u8::from(ctx.body.is_down(ctx.physics)));
        if distance < self.push.radius {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
