//! What the task tells an agent: a course to follow, a goal to reach, a thing to bring there.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::course::{Course, heading_of};
use super::physics::Physics;

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
    /// Posts to visit in an order.
    pub relay: Option<Relay>,
    /// The other one of a game of tag.
    pub rival: Option<Rival>,
    /// What is asked, in words, where the scene's name does not say it.
    pub instruction: Option<String>,
}

/// The other one of a game of tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its root.
    pub body: RigidBodyHandle,
    /// Whether it is to be caught, rather than fled from.
    pub chasing: bool,
}

impl Rival {
    /// Where it is, seen level and from the heading of `own`, m: x to the right, -z ahead.
    pub fn place(&self, physics: &Physics<'_>, own: RigidBodyHandle) -> Vec3 {
        let (position, rotation) = physics.pose(own);
        level(rotation) * (physics.pose(self.body).0 - position)
    }
}

/// From the world's axes to those of a body that is turned by `rotation`, kept level.
pub fn level(rotation: Quat) -> Quat {
    Quat::from_rotation_y(-heading_of(rotation * Vec3::NEG_Z))
}

/// A coloured post.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Post {
    /// Where it stands, m.
    pub position: Vec3,
    /// Whether it has been visited.
    pub visited: bool,
}

/// Posts to visit in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Relay {
    /// One post of each colour.
    pub posts: Vec<Post>,
    /// Which posts to visit, in order.
    pub order: Vec<usize>,
    /// How near to a post is a visit, m.
    pub radius: f32,
}

impl Relay {
    /// The post to visit next; `None` after the last.
    pub fn next(&self) -> Option<usize> {
        self.order.iter().copied().find(|post| !self.posts[*post].visited)
    }

    /// The post that one visits at `position`.
    pub fn visited_at(&self, position: Vec3) -> Option<usize> {
        self.posts.iter().position(|post| (post.position - position).with_y(0.0).length() < self.radius)
    }
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

    /// The body has come to `position`: a post there that is the next is visited, and the goal goes on to the one after.
    pub(super) fn follow(&mut self, position: Vec3) {
        let Some(relay) = &mut self.relay else { return };
        if let Some(next) = relay.next()
            && relay.visited_at(position) == Some(next)
        {
            relay.posts[next].visited = true;
        }
        self.goal = relay.next().map(|post| relay.posts[post].position);
    }
}
