//! An agent's goal in an episode: a course to follow, a position to reach, an object to bring there, and what only its task
//! knows.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::course::{Course, heading_of};
use super::physics::Physics;

/// The goal that one agent's task and sensors read. The scene's variation makes a new one at each reset.
#[derive(Clone, Debug, Default)]
pub struct TaskGoal {
    /// The course to follow.
    pub course: Option<Arc<Course>>,
    /// The position to reach, m.
    pub position: Option<Vec3>,
    /// The desired heading at `position`, rad (0 looks along -z, positive turns left).
    pub heading: Option<f32>,
    /// The object to bring to `position`.
    pub object: Option<RigidBodyHandle>,
    /// Language instruction, where the scene's name does not identify the goal.
    pub instruction: Option<String>,
    /// The part of the goal that only its task knows.
    pub details: Option<Box<dyn GoalDetails>>,
}

/// The part of a goal that only its task knows: the task makes it at each reset, and the task's reward terms and sensors
/// read it with [`TaskGoal::details_as`].
pub trait GoalDetails: Any + Debug + Send + Sync {
    /// A copy.
    fn boxed_clone(&self) -> Box<dyn GoalDetails>;

    /// Update the details, and the other fields of the goal, to the state after a tick. `root` is the root of the agent's
    /// body. Called once per tick, before the task computes its reward terms.
    fn update(&mut self, _goal: &mut TaskGoal, _physics: &Physics<'_>, _root: RigidBodyHandle) {}

    /// What the viewer draws, beyond the goal's position, heading and object.
    fn marks(&self, _goal: &TaskGoal) -> Vec<Mark> {
        Vec::new()
    }

    /// One line about the present state for the viewer, such as the distance of an opponent.
    fn status(&self, _physics: &Physics<'_>, _root: RigidBodyHandle) -> Option<String> {
        None
    }
}

impl Clone for Box<dyn GoalDetails> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// Something that the viewer draws for a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// The goal's course: a dashed line with a finish line.
    Course,
    /// An arrowhead on the ground.
    Arrow {
        /// Its position, m.
        position: Vec3,
        /// The heading along which it points, rad.
        heading: f32,
    },
    /// A colored pillar.
    Pillar {
        /// Its position on the ground, m.
        position: Vec3,
        /// Red, green and blue (sRGB, 0 to 1).
        color: [f32; 3],
        /// Whether a disc on the ground surrounds it.
        disc: bool,
    },
}

/// Rotation from the world frame to the heading frame of a body with orientation `rotation`: the body's yaw without
/// pitch and roll.
pub fn heading_frame(rotation: Quat) -> Quat {
    Quat::from_rotation_y(-heading_of(rotation * Vec3::NEG_Z))
}

impl TaskGoal {
    /// A goal position and nothing else.
    pub fn to(position: Vec3) -> Self {
        Self { position: Some(position), ..Self::default() }
    }

    /// The same goal with these details.
    #[must_use]
    pub fn with_details(self, details: impl GoalDetails) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }

    /// The details, when they are of type `T`.
    pub fn details_as<T: GoalDetails>(&self) -> Option<&T> {
        let details: &dyn Any = self.details.as_deref()?;
        details.downcast_ref()
    }

    /// What the viewer draws for the details.
    pub fn marks(&self) -> Vec<Mark> {
        self.details.as_ref().map_or_else(Vec::new, |details| details.marks(self))
    }

    /// One line about the present state for the viewer.
    pub fn status(&self, physics: &Physics<'_>, root: RigidBodyHandle) -> Option<String> {
        self.details.as_ref()?.status(physics, root)
    }

    /// Update the details to the state after a tick.
    pub(super) fn update(&mut self, physics: &Physics<'_>, root: RigidBodyHandle) {
        let Some(mut details) = self.details.take() else { return };
        details.update(self, physics, root);
        self.details = Some(details);
    }
}
