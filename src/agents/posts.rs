//! Sensor for the colored posts of a relay.

use crate::sim::{Body, Physics, Sensor, TaskGoal, heading_frame};
use crate::spaces::{Field, MirrorRule};

/// Bound of the observed positions, m.
const MAX_DISTANCE: f32 = 20.0;

/// Observes the position of each colored post in the body's heading frame, and whether it has been visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostSensor {
    /// Number of posts.
    pub posts: usize,
}

impl PostSensor {
    /// The fields that it adds to an observation, with one component per color each.
    pub fn fields(self) -> [Field; 3] {
        [
            Field::new("post_forward", self.posts, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("post_left", self.posts, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("post_visited", self.posts, "1", 0.0, 1.0),
        ]
    }
}

/// Mirror rules of the sensor's fields.
pub(super) fn mirror_rule(field: &str) -> Option<MirrorRule> {
    match field {
        "post_forward" | "post_visited" => Some(MirrorRule::Same),
        "post_left" => Some(MirrorRule::Negated),
        _ => None,
    }
}

impl Sensor for PostSensor {
    fn size(&self) -> usize {
        3 * self.posts
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]) {
        out.fill(0.0);
        let Some(relay) = &goal.relay else { return };
        let (position, rotation) = physics.pose(body.parts()[0]);
        let to_heading_frame = heading_frame(rotation);
        for (i, post) in relay.posts.iter().take(self.posts).enumerate() {
            let offset = to_heading_frame * (post.position - position);
            out[i] = (-offset.z).clamp(-MAX_DISTANCE, MAX_DISTANCE);
            out[self.posts + i] = (-offset.x).clamp(-MAX_DISTANCE, MAX_DISTANCE);
            out[2 * self.posts + i] = f32::from(u8::from(post.visited));
        }
    }
}
