//! What a car senses.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;

use super::Vehicle;
use crate::agents::rays::{RayFan, body_filter};
use crate::sim::{Guide, Physics, Surface, heading_of, wrap_angle};
use crate::spaces::{Field, Layout};

/// Distances ahead of the car at which it sees the course, m: close for the tightest bend, far for braking from
/// 20 m/s at 8 m/s² (25 m).
pub const AHEAD: [f32; 7] = [2.0, 4.0, 7.0, 11.0, 16.0, 22.0, 30.0];
/// Range rays: 17 over 240°, enough for a cone (0.3 m) to be met at 3 m.
pub const RAYS: RayFan = RayFan { count: 17, arc: 4.19, reach: 25.0 };
/// How far from the goal it still shows, m.
const GOAL_REACH: f32 = 20.0;
/// The same, for the last metres: a network that sees tens of metres cannot tell half a metre from none, one that sees
/// two can.
const GOAL_NEAR: f32 = 2.0;
/// How far the end of an open course shows, m.
const END_REACH: f32 = 30.0;

/// The car's observation.
pub fn observation_layout() -> Layout {
    Layout::new(
        "vehicle/observation",
        vec![
            Field::new("velocity_forward", 1, "m/s", -30.0, 30.0),
            Field::new("velocity_left", 1, "m/s", -15.0, 15.0),
            Field::new("velocity_up", 1, "m/s", -10.0, 10.0),
            Field::new("yaw_rate", 1, "rad/s", -6.0, 6.0),
            Field::new("roll", 1, "1", -1.0, 1.0),
            Field::new("pitch", 1, "1", -1.0, 1.0),
            Field::new("wheel_contact", 4, "1", 0.0, 1.0),
            Field::new("wheel_slip", 4, "m/s", -10.0, 10.0),
            Field::new("course_offset", 1, "m", -10.0, 10.0),
            Field::new("course_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("course_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("course_ahead_forward", AHEAD.len(), "m", -35.0, 35.0),
            Field::new("course_ahead_left", AHEAD.len(), "m", -35.0, 35.0),
            Field::new("course_left_to_go", 1, "m", 0.0, END_REACH),
            Field::new("goal_forward", 1, "m", -GOAL_REACH, GOAL_REACH),
            Field::new("goal_left", 1, "m", -GOAL_REACH, GOAL_REACH),
            Field::new("goal_near_forward", 1, "m", -GOAL_NEAR, GOAL_NEAR),
            Field::new("goal_near_left", 1, "m", -GOAL_NEAR, GOAL_NEAR),
            Field::new("goal_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("goal_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("ray", RAYS.count, "m", 0.0, RAYS.reach),
        ],
    )
}

/// Writes numbers one after the other.
struct Writer<'a> {
    out: &'a mut [f32],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, low: f32, high: f32, value: f32) {
        self.out[self.at] = value.clamp(low, high);
        self.at += 1;
    }
}

/// Write a car's observation in the order of [`observation_layout`].
pub(super) fn sense(vehicle: &Vehicle, physics: &Physics<'_>, guide: &Guide, out: &mut [f32]) {
    let handle = vehicle.chassis();
    let Some(chassis) = physics.bodies.get(handle) else { return };
    let (position, rotation) = (chassis.translation(), *chassis.rotation());
    let forward = rotation * Vec3::NEG_Z;
    let heading = heading_of(forward);
    // Level frame: the course and the goal lie on the ground, whatever the suspension does.
    let level = Quat::from_rotation_y(-heading);
    let velocity = rotation.inverse() * chassis.linvel();
    let up = rotation.inverse() * Vec3::Y;
    let mut w = Writer { out, at: 0 };
    w.put(-30.0, 30.0, -velocity.z);
    w.put(-15.0, 15.0, -velocity.x);
    w.put(-10.0, 10.0, velocity.y);
    w.put(-6.0, 6.0, chassis.angvel().y);
    w.put(-1.0, 1.0, up.x);
    w.put(-1.0, 1.0, up.z);
    for wheel in vehicle.controller.wheels() {
        w.put(0.0, 1.0, f32::from(u8::from(wheel.raycast_info().is_in_contact)));
    }
    for wheel in vehicle.controller.wheels() {
        // Speed across the wheel's rolling direction.
        let at = rotation * (wheel.chassis_connection_point_cs + Vec3::NEG_Y * 0.3) + position;
        let axle = rotation * Quat::from_rotation_y(wheel.steering) * Vec3::X;
        w.put(-10.0, 10.0, chassis.velocity_at_point(at).dot(axle));
    }
    let relative = |point: Vec3| {
        let d = level * (point - position);
        (-d.z, -d.x)
    };
    match &guide.course {
        Some(course) => {
            let here = course.project(position);
            let error = wrap_angle(here.heading - heading);
            w.put(-10.0, 10.0, here.offset);
            w.put(-1.0, 1.0, ops::sin(error));
            w.put(-1.0, 1.0, ops::cos(error));
            let points = AHEAD.map(|d| relative(course.point_at(here.along + d)));
            for (ahead, _) in points {
                w.put(-35.0, 35.0, ahead);
            }
            for (_, left) in points {
                w.put(-35.0, 35.0, left);
            }
            let to_go = if course.closed() { END_REACH } else { course.length() - here.along };
            w.put(0.0, END_REACH, to_go);
        }
        None => {
            for _ in 0..(4 + 2 * AHEAD.len()) {
                w.put(0.0, 0.0, 0.0);
            }
        }
    }
    match guide.goal {
        Some(goal) => {
            let (ahead, left) = relative(goal);
            let error = guide.goal_heading.map_or(0.0, |h| wrap_angle(h - heading));
            w.put(-GOAL_REACH, GOAL_REACH, ahead);
            w.put(-GOAL_REACH, GOAL_REACH, left);
            w.put(-GOAL_NEAR, GOAL_NEAR, ahead);
            w.put(-GOAL_NEAR, GOAL_NEAR, left);
            w.put(-1.0, 1.0, ops::sin(error));
            w.put(-1.0, 1.0, ops::cos(error));
        }
        None => {
            for _ in 0..6 {
                w.put(0.0, 0.0, 0.0);
            }
        }
    }
    // From the middle of the bonnet, level with a cone's top.
    let origin = position + rotation * Vec3::new(0.0, -0.05, -0.6);
    // Banked and rising ground is no obstacle; the rays see what stands on it.
    let predicate = |_: ColliderHandle, c: &Collider| c.parent() != Some(handle) && !Surface::of(c).is_floor();
    let at = w.at;
    RAYS.cast(physics, origin, rotation, body_filter(&predicate), &mut out[at..at + RAYS.count]);
}
