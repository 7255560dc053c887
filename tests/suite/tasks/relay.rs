//! Relay: the line that tells the person which posts to visit.

use apprentice::sim::GoalDetails;
use apprentice::tasks::{Post, RelayPosts};
use apprentice::world::COLORS;
use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;

use crate::testing::world::World;

#[test]
fn the_status_names_the_posts_in_their_order_and_where_the_next_one_is() {
    let mut world = World::flat();
    let post = |x: f32, z: f32| Post { position: Vec3::new(x, 0.0, z), visited: false };
    // Seen along -z: the first post is ahead, the second to the left, the third to the right, the fourth behind.
    let posts = vec![post(0.0, -5.0), post(-3.0, 0.0), post(4.0, 0.0), post(0.5, 2.0)];
    let mut relay = RelayPosts { posts, order: vec![2, 0, 3, 1], radius: 0.9 };
    let body = world.physics().insert(RigidBodyBuilder::fixed(), []);
    let name = |post: usize| COLORS[post].0;
    let mut status = |relay: &RelayPosts, turned: f32| {
        world.bodies[body].set_rotation(Quat::from_rotation_y(turned), true);
        relay.status(&world.physics(), body)
    };
    let rest = format!("then {}, {}, {}", name(0), name(3), name(1));
    assert_eq!(status(&relay, 0.0), Some(format!("next {}, 4 m to the right, {rest}", name(2))));
    assert_eq!(
        status(&relay, -std::f32::consts::FRAC_PI_2),
        Some(format!("next {}, 4 m ahead, {rest}", name(2))),
        "after a turn to it"
    );
    relay.posts[2].visited = true;
    let rest = format!("then {}, {}", name(3), name(1));
    assert_eq!(status(&relay, 0.0), Some(format!("next {}, 5 m ahead, {rest}", name(0))));
    relay.posts[0].visited = true;
    assert_eq!(status(&relay, 0.0), Some(format!("next {}, 2 m behind, then {}", name(3), name(1))));
    relay.posts[3].visited = true;
    assert_eq!(status(&relay, 0.0), Some(format!("next {}, 3 m to the left", name(1))));
    relay.posts[1].visited = true;
    assert_eq!(status(&relay, 0.0), None);
}
