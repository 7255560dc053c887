//! A depth camera. It casts one ray per pixel, so that it needs no rendering and is deterministic.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::rays::ray_filter;
use crate::sim::{Body, Physics, Sensor, TaskGoal, heading_of};
use crate::spaces::{Field, MirrorRule};

/// A depth camera on a body. It is horizontal and points along the body's heading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DepthCamera {
    /// Width of the image, pixels.
    pub width: usize,
    /// Height of the image, pixels.
    pub height: usize,
    /// Horizontal field of view, degrees.
    pub field_of_view: f32,
    /// Maximum depth, m: the value of pixels without a hit.
    pub reach: f32,
    /// Height of the camera above the body's root, m.
    pub above: f32,
    /// Downward pitch of the camera, degrees.
    pub down: f32,
}

impl Default for DepthCamera {
    fn default() -> Self {
        Self { width: 32, height: 16, field_of_view: 130.0, reach: 8.0, above: 0.6, down: 15.0 }
    }
}

impl DepthCamera {
    /// The field that it adds to an observation: distances along the rays, in row-major order from the upper left
    /// pixel.
    pub fn field(&self) -> Field {
        Field::image("depth", (self.height, self.width), "m", 0.0, self.reach)
    }

    /// Direction of a pixel's ray in the camera's frame. Columns have equal angles (a cylindrical projection), so that
    /// the edges of an image with a large field of view are not stretched.
    fn direction(&self, row: usize, column: usize) -> Vec3 {
        let angle = self.field_of_view.to_radians() / self.width as f32;
        let across = (0.5 * (self.width - 1) as f32 - column as f32) * angle;
        let up = (0.5 * (self.height - 1) as f32 - row as f32) * angle - self.down.to_radians();
        let (sin, cos) = ops::sin_cos(up);
        Quat::from_rotation_y(across) * Vec3::new(0.0, sin, -cos)
    }
}

/// Mirror rule of the camera's field.
pub(super) fn mirror_rule(field: &str) -> Option<MirrorRule> {
    (field == "depth").then_some(MirrorRule::Reversed)
}

impl Sensor for DepthCamera {
    fn size(&self) -> usize {
        self.width * self.height
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, _: &TaskGoal, out: &mut [f32]) {
        let parts = body.parts();
        let (position, rotation) = physics.pose(parts[0]);
        let orientation = Quat::from_rotation_y(heading_of(rotation * Vec3::NEG_Z));
        let origin = position + Vec3::Y * self.above;
        let predicate = |_: ColliderHandle, c: &Collider| c.parent().is_none_or(|part| !parts.contains(&part));
        let filter = ray_filter(&predicate);
        for (i, pixel) in out.iter_mut().enumerate() {
            let direction = orientation * self.direction(i / self.width, i % self.width);
            *pixel = physics.cast_ray(origin, direction, self.reach, filter).map_or(self.reach, |hit| hit.distance);
        }
    }
}
