//! Range sensors.

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;

use crate::sim::Physics;

/// A range sensor: rays spread evenly over an arc in the body's horizontal plane.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSensor {
    /// Number of rays.
    pub count: usize,
    /// Angle between the first (leftmost) and the last ray, rad.
    pub arc: f32,
    /// Maximum range of a ray, m.
    pub max_range: f32,
}

impl RangeSensor {
    /// Write the distance at which each ray hits a collider, m; `max_range` if it hits none. Rays start at `origin`;
    /// the middle one points along the forward direction of `rotation`.
    pub fn cast(&self, physics: &Physics<'_>, origin: Vec3, rotation: Quat, filter: QueryFilter<'_>, out: &mut [f32]) {
        for (i, distance) in out.iter_mut().enumerate() {
            let angle = self.arc * (0.5 - i as f32 / (self.count.max(2) - 1) as f32);
            let direction = rotation * Quat::from_rotation_y(angle) * Vec3::NEG_Z;
            *distance =
                physics.cast_ray(origin, direction, self.max_range, filter).map_or(self.max_range, |hit| hit.distance);
        }
    }
}

/// A ray-cast filter for the colliders that `predicate` accepts; sensors are excluded.
pub fn ray_filter<'a>(predicate: &'a dyn Fn(ColliderHandle, &Collider) -> bool) -> QueryFilter<'a> {
    QueryFilter { predicate: Some(predicate), ..QueryFilter::default() }.exclude_sensors()
}
