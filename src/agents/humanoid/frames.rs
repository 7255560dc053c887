//! Headings and rotations: +y up, heading 0 along -z, positive to the left.

use std::f32::consts::{FRAC_1_SQRT_2, PI, TAU};

use bevy::math::{Quat, Vec3, ops};

/// Unit vector along a heading.
pub(super) fn ahead(heading: f32) -> Vec3 {
    let (s, c) = ops::sin_cos(heading);
    Vec3::new(-s, 0.0, -c)
}

/// Unit vector to the left of a heading.
pub(super) fn left(heading: f32) -> Vec3 {
    let (s, c) = ops::sin_cos(heading);
    Vec3::new(-c, 0.0, s)
}

/// Rotation of `angle` rad about a unit axis.
pub(super) fn turned(axis: Vec3, angle: f32) -> Quat {
    let (s, c) = ops::sin_cos(0.5 * angle);
    Quat::from_xyzw(axis.x * s, axis.y * s, axis.z * s, c)
}

/// Bring an angle into -π..π.
pub(super) fn wrap(angle: f32) -> f32 {
    angle - TAU * ((angle + PI) / TAU).floor()
}

/// Minimum-jerk rise from 0 to 1 (Flash & Hogan 1985).
pub(super) fn smooth(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)
}

/// Heading of a body, rad: of its front, or lying on back or belly of the way it will face once up.
pub(super) fn heading_of(rotation: Quat) -> f32 {
    let front = rotation * Vec3::NEG_Z;
    let up = rotation * Vec3::Y;
    // Within 45 degrees of upright the front decides; lying, the head points backwards (on the back) or forwards.
    let facing = if front.y.abs() < FRAC_1_SQRT_2 { front } else { up * -front.y.signum() };
    ops::atan2(-facing.x, -facing.z)
}
