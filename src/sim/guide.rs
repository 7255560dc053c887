//! What the task tells an agent: a course to follow, a goal to reach, a thing to bring there.

use std::sync::Arc;

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::course::Course;

/// What one agent is asked to do, as its sensors see it. Made anew at each reset from the scene and the seed.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// The line to follow.
    pub course: Option<Arc<Course>>,
    /// The place to reach, m.
    pub goal: Option<Vec3>,
    /// The heading wanted at the goal, rad (0 looks along -z, positive turns left).
    pub goal_heading: Option<f32>,
    /// The thing to bring to the goal.
    pub object: Option<RigidBodyHandle>,
    /// Posts to pass on the right side, in order along the course.
    pub gates: Vec<Gate>,
}

/// A post that must be passed on one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Where the post stands, m.
    pub post: Vec3,
    /// The side of the post to pass on: 1 leaves it to one's right, -1 to one's left.
    pub side: f32,
}

impl Guide {
    /// A guide to one place.
    pub fn to(goal: Vec3) -> Self {
        Self { goal: Some(goal), ..Self::default() }
    }
}
