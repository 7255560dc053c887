//! What the controller measures of the body and of the ground.

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;

use super::body::Humanoid;
use super::footholds::MAX_STEP_HEIGHT;
use super::frames::heading_of;
use super::gait::Pelvis;
use crate::sim::Physics;

/// Measured state of the body at one physics step.
pub(super) struct Measurement {
    /// State of the pelvis.
    pub pelvis: Pelvis,
    /// Vertical component of the chest's up axis: the cosine of its tilt.
    pub upright: f32,
    /// Foot contacts (left, right).
    pub contact: [bool; 2],
    /// Positions of the ankles (left, right), m.
    pub ankles: [Vec3; 2],
}

impl Humanoid {
    /// Measure the body.
    pub(super) fn measure(&self, physics: &Physics<'_>) -> Measurement {
        let body = |part: usize| physics.bodies.get(self.parts[part]);
        let (position, rotation) = physics.pose(self.parts[0]);
        let velocity = body(0).map_or(Vec3::ZERO, RigidBody::linvel);
        let (_, chest) = physics.pose(self.parts[self.anatomy.torso]);
        Measurement {
            pelvis: Pelvis { position, velocity, rotation, heading: heading_of(rotation) },
            upright: (chest * Vec3::Y).y,
            contact: self.contacts(physics),
            ankles: self.anatomy.feet.map(|part| physics.pose(self.parts[part]).0),
        }
    }

    /// Which feet (left, right) have contact.
    pub(super) fn contacts(&self, physics: &Physics<'_>) -> [bool; 2] {
        self.soles.map(|sole| physics.narrow_phase.contact_pairs_with(sole).any(|pair| pair.has_any_active_contact()))
    }

    /// Height of the ground below `position`, m, from a ray cast between two step heights above and two below `level`.
    pub(super) fn ground_at(&self, physics: &Physics<'_>, position: Vec3, level: f32) -> Option<f32> {
        let top = level + 2.0 * MAX_STEP_HEIGHT;
        let origin = Vec3::new(position.x, top, position.z);
        physics.cast_ray(origin, Vec3::NEG_Y, 4.0 * MAX_STEP_HEIGHT, self.others_filter()).map(|hit| top - hit.distance)
    }
}
