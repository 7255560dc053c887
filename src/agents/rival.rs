//! Where the other one of a game of tag is, as a body sees it.

use bevy::math::Vec3;

use crate::sim::{Body, Guide, Physics, Sense, level};
use crate::spaces::Field;

/// How far the other shows, m.
const FAR: f32 = 40.0;
/// The same for the last metres, which a network that sees tens of metres cannot tell apart, m.
const NEAR: f32 = 5.0;
/// Fastest that it shows, m/s.
const FASTEST: f32 = 30.0;

/// Tells where the other one is, how it moves, and who chases whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RivalSense;

impl RivalSense {
    /// The fields that it adds to an observation, one number each, seen level and from the body's own heading.
    pub fn fields() -> [Field; 9] {
        [
            Field::new("rival_forward", 1, "m", -FAR, FAR),
            Field::new("rival_left", 1, "m", -FAR, FAR),
            Field::new("rival_near_forward", 1, "m", -NEAR, NEAR),
            Field::new("rival_near_left", 1, "m", -NEAR, NEAR),
            Field::new("rival_velocity_forward", 1, "m/s", -FASTEST, FASTEST),
            Field::new("rival_velocity_left", 1, "m/s", -FASTEST, FASTEST),
            Field::new("rival_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("rival_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("chasing", 1, "1", 0.0, 1.0),
        ]
    }
}

impl Sense for RivalSense {
    fn size(&self) -> usize {
        Self::fields().len()
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, guide: &Guide, out: &mut [f32]) {
        out.fill(0.0);
        let Some((rival, other)) = guide.rival.and_then(|rival| Some((rival, physics.bodies.get(rival.body)?))) else {
            return;
        };
        let own = body.parts()[0];
        let level = level(physics.pose(own).1);
        let place = rival.place(physics, own);
        let velocity = level * other.linvel();
        let facing = (level * (*other.rotation() * Vec3::NEG_Z)).with_y(0.0).normalize_or(Vec3::NEG_Z);
        let pairs = [(place, FAR), (place, NEAR), (velocity, FASTEST)];
        for (two, (vector, most)) in out.chunks_exact_mut(2).zip(pairs) {
            two[0] = (-vector.z).clamp(-most, most);
            two[1] = (-vector.x).clamp(-most, most);
        }
        (out[6], out[7]) = (-facing.x, -facing.z);
        out[8] = f32::from(u8::from(rival.chasing));
    }
}
