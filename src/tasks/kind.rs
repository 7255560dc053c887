//! What a kind of task is: everything that a scene file, an arena and an agent need from it.

use std::fmt::Debug;

use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::score::Task;
use crate::sim::{Physics, Sensor};
use crate::spaces::{Field, Layout};
use crate::teleop::{Operator, Skill};
use crate::world::{Checker, EpisodeStart, WorldSpecification};

/// A kind of task with its parameters. A kind is one module: a struct of parameters as a scene file has them (`Deserialize`
/// with `deny_unknown_fields`, in the units of scene files) that implements this trait, and one line in
/// `src/tasks/registry.rs`. Another crate adds its own with [`register`](crate::tasks::register).
pub trait TaskKind: Debug + Send + Sync + 'static {
    /// Names of the reward terms, in order.
    fn terms(&self) -> &'static [&'static str];

    /// The reward terms and the end of an episode, for one agent.
    fn score(&self, world: &WorldSpecification) -> Box<dyn Task>;

    /// Report parameters out of their range, and parts that the task needs and the world lacks. The world's own parts are
    /// checked already.
    fn check(&self, _world: &WorldSpecification, _checker: &mut Checker) {}

    /// A field that the agents' own observation must have, such as `goal`; `None` for a task of any agent.
    fn observed_field(&self) -> Option<&'static str> {
        None
    }

    /// Names of the sides of a two-player game; an arena then has one agent of each, in this order. Empty for other tasks.
    fn sides(&self) -> &'static [&'static str] {
        &[]
    }

    /// Sensors beyond those of the agent's body; they read the goal's details.
    fn sensors(&self, _world: &WorldSpecification) -> Vec<TaskSensor> {
        Vec::new()
    }

    /// Insert the task's own rigid bodies into an arena that has the world's. [`EpisodeStart::task_objects`] has them again.
    fn build(&self, _world: &WorldSpecification, _physics: &mut Physics<'_>) -> Vec<RigidBodyHandle> {
        Vec::new()
    }

    /// Start an episode: place objects and agents, and set each agent's goal. All randomness is from `episode.rng`.
    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        episode.place_all();
    }

    /// A scripted operator for an agent with this observation layout; `None` for the operator of the agent's kind.
    fn operator(&self, _world: &WorldSpecification, _observation: &Layout, _skill: Skill) -> Option<Box<dyn Operator>> {
        None
    }
}

/// A sensor that a task adds to its agents.
pub struct TaskSensor {
    /// The fields that it adds to the observation.
    pub fields: Vec<Field>,
    /// Writes the values of these fields.
    pub sensor: Box<dyn Sensor>,
}
