//! Where coloured posts stand, as a body sees them.

use crate::sim::{Body, Guide, Physics, Sense, level};
use crate::spaces::Field;

/// How far posts show, m.
const FAR: f32 = 20.0;

/// Tells of each coloured post where it stands and whether it has been visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostSense {
    /// How many there are.
    pub posts: usize,
}

impl PostSense {
    /// The fields that it adds to an observation, one number for each colour in each.
    pub fn fields(self) -> [Field; 3] {
        [
            Field::new("post_forward", self.posts, "m", -FAR, FAR),
            Field::new("post_left", self.posts, "m", -FAR, FAR),
            Field::new("post_visited", self.posts, "1", 0.0, 1.0),
        ]
    }
}

impl Sense for PostSense {
    fn size(&self) -> usize {
        3 * self.posts
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, guide: &Guide, out: &mut [f32]) {
        out.fill(0.0);
        let Some(relay) = &guide.relay else { return };
        let (position, rotation) = physics.pose(body.parts()[0]);
        let level = level(rotation);
        for (i, post) in relay.posts.iter().take(self.posts).enumerate() {
            let d = level * (post.position - position);
            out[i] = (-d.z).clamp(-FAR, FAR);
            out[self.posts + i] = (-d.x).clamp(-FAR, FAR);
            out[2 * self.posts + i] = f32::from(u8::from(post.visited));
        }
    }
}
