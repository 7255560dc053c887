//! Headings and rotations. +y is up, heading 0 is along -z, positive headings are to the left.

use std::f32::consts::{FRAC_1_SQRT_2, PI, TAU};

use bevy::math::{Quat, Vec3, ops};

/// Horizontal unit vector along a heading (rad).
pub(super) fn ahead(heading: f32) -> Vec3 {
    let (s, c) = ops::sin_cos(heading);
    Vec3::new(-s, 0.0, -c)
}

/// Horizontal unit vector to the left of a heading (rad).
pub(super) fn left(heading: f32) -> Vec3 {
    let (s, c) = ops::sin_cos(heading);
    Vec3::new(-c, 0.0, s)
}

/// Rotation by `angle` rad about a unit axis.
pub(super) fn axis_angle(axis: Vec3, angle: f32) -> Quat {
    let (s, c) = ops::sin_cos(0.5 * angle);
    Quat::from_xyzw(axis.x * s, axis.y * s, axis.z * s, c)
}

/// Wrap an angle to -π..π.
pub(super) fn wrap(angle: f32) -> f32 {
    angle - TAU * ((angle + PI) / TAU).floor()
}

/// Minimum-jerk interpolation from 0 to 1 (Flash & Hogan 1985).
pub(super) fn minimum_jerk(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)
}

/// Heading of a body, rad. Upright: that of its forward axis. Lying on its back or belly: the heading that it will have
/// once it has got up.
pub(super) fn heading_of(rotation: Quat) -> f32 {
    let front = rotation * Vec3::NEG_Z;
    let up = rotation * Vec3::Y;
    // Up to a pitch of 45 degrees the forward axis counts. Lying, the head points backward (on the back) or forward (on
    // the belly).
    let facing = if front.y.abs() < FRAC_1_SQRT_2 { front } else { up * -front.y.signum() };
    ops::atan2(-facing.x, -facing.z)
}
