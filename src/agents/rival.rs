//! Sensor for the rival in a game of tag.

use bevy::math::Vec3;

use crate::sim::{Body, Physics, Sensor, TaskGoal, heading_frame};
use crate::spaces::{Field, MirrorRule};

/// Bound of the rival's observed position, m.
const MAX_DISTANCE: f32 = 40.0;
/// Bound of the rival's near position, m: a second, finer scale for the last meters.
const MAX_NEAR_DISTANCE: f32 = 5.0;
/// Bound of the rival's observed velocity, m/s.
const MAX_SPEED: f32 = 30.0;

/// Observes the position, velocity and heading of the rival, and whether this body is the chaser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RivalSensor;

impl RivalSensor {
    /// The fields that it adds to an observation, with one component each, in the body's heading frame.
    pub fn fields() -> [Field; 9] {
        [
            Field::new("rival_forward", 1, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("rival_left", 1, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("rival_near_forward", 1, "m", -MAX_NEAR_DISTANCE, MAX_NEAR_DISTANCE),
            Field::new("rival_near_left", 1, "m", -MAX_NEAR_DISTANCE, MAX_NEAR_DISTANCE),
            Field::new("rival_velocity_forward", 1, "m/s", -MAX_SPEED, MAX_SPEED),
            Field::new("rival_velocity_left", 1, "m/s", -MAX_SPEED, MAX_SPEED),
            Field::new("rival_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("rival_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("chasing", 1, "1", 0.0, 1.0),
        ]
    }
}

/// Mirror rules of the sensor's fields.
pub(super) fn mirror_rule(field: &str) -> Option<MirrorRule> {
    match field {
        "rival_forward" | "rival_near_forward" | "rival_velocity_forward" | "rival_heading_cos" | "chasing" => {
            Some(MirrorRule::Same)
        }
        "rival_left" | "rival_near_left" | "rival_velocity_left" | "rival_heading_sin" => Some(MirrorRule::Negated),
        _ => None,
    }
}

impl Sensor for RivalSensor {
    fn size(&self) -> usize {
        Self::fields().len()
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]) {
        out.fill(0.0);
        let Some((rival, rival_body)) = goal.rival.and_then(|rival| Some((rival, physics.bodies.get(rival.body)?)))
        else {
            return;
        };
        let body_handle = body.parts()[0];
        let to_heading_frame = heading_frame(physics.pose(body_handle).1);
        let position = rival.relative_position(physics, body_handle);
        let velocity = to_heading_frame * rival_body.linvel();
        let facing = (to_heading_frame * (*rival_body.rotation() * Vec3::NEG_Z)).with_y(0.0).normalize_or(Vec3::NEG_Z);
        let pairs = [(position, MAX_DISTANCE), (position, MAX_NEAR_DISTANCE), (velocity, MAX_SPEED)];
        for (components, (vector, bound)) in out.chunks_exact_mut(2).zip(pairs) {
            components[0] = (-vector.z).clamp(-bound, bound);
            components[1] = (-vector.x).clamp(-bound, bound);
        }
        (out[6], out[7]) = (-facing.x, -facing.z);
        out[8] = f32::from(u8::from(rival.chasing));
    }
}
