//! An agent's goal in an episode: a course to follow, a position to reach, an object to bring there.

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
    /// Posts to pass on a given side, in order along the course.
    pub gates: Vec<Gate>,
    /// Posts to visit in a given order.
    pub relay: Option<Relay>,
    /// The other agent of a game of tag.
    pub rival: Option<Rival>,
    /// Language instruction, where the scene's name does not identify the goal.
    pub instruction: Option<String>,
}

/// The other agent of a game of tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its root body.
    pub body: RigidBodyHandle,
    /// True for the chaser, who must catch the rival; false for the runner, who must escape it.
    pub chasing: bool,
}

impl Rival {
    /// Position of the rival in the heading frame of `observer`, m: x to the right, -z ahead.
    pub fn relative_position(&self, physics: &Physics<'_>, observer: RigidBodyHandle) -> Vec3 {
        let (position, rotation) = physics.pose(observer);
        heading_frame(rotation) * (physics.pose(self.body).0 - position)
    }
}

/// Rotation from the world frame to the heading frame of a body with orientation `rotation`: the body's yaw without
/// pitch and roll.
pub fn heading_frame(rotation: Quat) -> Quat {
    Quat::from_rotation_y(-heading_of(rotation * Vec3::NEG_Z))
}

/// A colored post.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Post {
    /// Its position, m.
    pub position: Vec3,
    /// Whether it has been visited.
    pub visited: bool,
}

/// Posts to visit in a given order.
#[derive(Clone, Debug, PartialEq)]
pub struct Relay {
    /// One post of each color.
    pub posts: Vec<Post>,
    /// Indices of the posts to visit, in order.
    pub order: Vec<usize>,
    /// Distance from a post within which it counts as visited, m.
    pub radius: f32,
}

impl Relay {
    /// Index of the next post to visit; `None` after the last.
    pub fn next(&self) -> Option<usize> {
        self.order.iter().copied().find(|post| !self.posts[*post].visited)
    }

    /// Index of the post within `radius` of `position`.
    pub fn post_at(&self, position: Vec3) -> Option<usize> {
        self.posts.iter().position(|post| (post.position - position).with_y(0.0).length() < self.radius)
    }
}

/// A post that must be passed on a given side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Position of the post, m.
    pub post: Vec3,
    /// Side of the post on which to pass: 1 on its left, -1 on its right, seen along the course.
    pub side: f32,
}

impl TaskGoal {
    /// A goal position and nothing else.
    pub fn to(position: Vec3) -> Self {
        Self { position: Some(position), ..Self::default() }
    }

    /// Update the relay for a body at `position`: mark the next post as visited when the body is at it, and set the goal
    /// position to the post after it.
    pub(super) fn update_relay(&mut self, position: Vec3) {
        let Some(relay) = &mut self.relay else { return };
        if let Some(next) = relay.next()
            && relay.post_at(position) == Some(next)
        {
            relay.posts[next].visited = true;
        }
        self.position = relay.next().map(|post| relay.posts[post].position);
    }
}
