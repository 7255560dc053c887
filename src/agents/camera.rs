//! A depth camera that casts a ray for each pixel, so that it works without a screen and always alike.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::rays::body_filter;
use crate::sim::{Body, Guide, Physics, Sense, heading_of};
use crate::spaces::Field;

/// A depth camera on a body, level and looking ahead of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DepthCamera {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Angle that the image covers across, degrees.
    pub field_of_view: f32,
    /// Where nothing is nearer, pixels show this distance, m.
    pub reach: f32,
    /// Height above the body's root, m.
    pub above: f32,
    /// Angle that it looks down by, degrees.
    pub down: f32,
}

impl Default for DepthCamera {
    fn default() -> Self {
        Self { width: 32, height: 16, field_of_view: 130.0, reach: 8.0, above: 0.6, down: 15.0 }
    }
}

impl DepthCamera {
    /// The field that it adds to an observation: distances along the rays, row by row from the upper left.
    pub fn field(&self) -> Field {
        Field::image("depth", (self.height, self.width), "m", 0.0, self.reach)
    }

    /// Direction of a pixel's ray in the camera's own frame: columns are spread evenly over the angle, as in a panorama, so
    /// that the edges of a wide image are not stretched.
    fn direction(&self, row: usize, column: usize) -> Vec3 {
        let angle = self.field_of_view.to_radians() / self.width as f32;
        let across = (0.5 * (self.width - 1) as f32 - column as f32) * angle;
        let up = (0.5 * (self.height - 1) as f32 - row as f32) * angle - self.down.to_radians();
        let (sin, cos) = ops::sin_cos(up);
        Quat::from_rotation_y(across) * Vec3::new(0.0, sin, -cos)
    }
}

impl Sense for DepthCamera {
    fn size(&self) -> usize {
        self.width * self.height
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, _: &Guide, out: &mut [f32]) {
        let parts = body.parts();
        let (position, rotation) = physics.pose(parts[0]);
        let level = Quat::from_rotation_y(heading_of(rotation * Vec3::NEG_Z));
        let origin = position + Vec3::Y * self.above;
        let predicate = |_: ColliderHandle, c: &Collider| c.parent().is_none_or(|part| !parts.contains(&part));
        let filter = body_filter(&predicate);
        for (i, pixel) in out.iter_mut().enumerate() {
            let direction = level * self.direction(i / self.width, i % self.width);
            *pixel = physics.cast_ray(origin, direction, self.reach, filter).map_or(self.reach, |hit| hit.distance);
        }
    }
}
