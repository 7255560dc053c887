//! Fans of range rays.

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;

use crate::sim::Physics;

/// Rays spread evenly over an arc in the body's plane.
#[derive(Clone, Debug, PartialEq)]
pub struct RayFan {
    /// How many rays.
    pub count: usize,
    /// Angle between the first (leftmost) and the last ray, rad.
    pub arc: f32,
    /// How far a ray sees, m.
    pub reach: f32,
}

impl RayFan {
    /// Distance that each ray sees, m; `reach` where it meets nothing. Rays start at `origin`, the middle one along the
    /// forward direction of `rotation`.
    pub fn cast(&self, physics: &Physics<'_>, origin: Vec3, rotation: Quat, filter: QueryFilter<'_>, out: &mut [f32]) {
        for (i, distance) in out.iter_mut().enumerate() {
            let angle = self.arc * (0.5 - i as f32 / (self.count.max(2) - 1) as f32);
            let direction = rotation * Quat::from_rotation_y(angle) * Vec3::NEG_Z;
            *distance = physics.cast_ray(origin, direction, self.reach, filter).map_or(self.reach, |hit| hit.distance);
        }
    }
}

/// A filter that sees the colliders that `predicate` lets through, never sensors.
pub fn body_filter<'a>(predicate: &'a dyn Fn(ColliderHandle, &Collider) -> bool) -> QueryFilter<'a> {
    QueryFilter { predicate: Some(predicate), ..QueryFilter::default() }.exclude_sensors()
}
