//! The car's sensors.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;

use super::body::Vehicle;
use crate::agents::observation_writer::ObservationWriter;
use crate::agents::rays::{RangeSensor, ray_filter};
use crate::sim::{Physics, Surface, TaskGoal, heading_of, wrap_angle};
use crate::spaces::{Field, Layout};

/// Distances ahead of the car at which the course is observed, m: near ones for the tightest bend, far ones for braking
/// from 20 m/s at 8 m/s² (25 m).
pub const AHEAD: [f32; 7] = [2.0, 4.0, 7.0, 11.0, 16.0, 22.0, 30.0];
/// Range rays: 17 over 240°, dense enough to hit a cone (0.3 m) at 3 m.
pub const RAYS: RangeSensor = RangeSensor { count: 17, arc: 4.19, max_range: 25.0 };
/// Bound of the observed goal position, m.
const MAX_GOAL_DISTANCE: f32 = 20.0;
/// Bound of the near goal position, m: a second, finer scale for parking. After normalization over tens of meters, a
/// network cannot resolve half a meter.
const MAX_NEAR_GOAL_DISTANCE: f32 = 2.0;
/// Bound of the observed distance to the end of an open course, m.
const MAX_END_DISTANCE: f32 = 30.0;

/// The car's observation layout.
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
            Field::new("course_left_to_go", 1, "m", 0.0, MAX_END_DISTANCE),
            Field::new("goal_forward", 1, "m", -MAX_GOAL_DISTANCE, MAX_GOAL_DISTANCE),
            Field::new("goal_left", 1, "m", -MAX_GOAL_DISTANCE, MAX_GOAL_DISTANCE),
            Field::new("goal_near_forward", 1, "m", -MAX_NEAR_GOAL_DISTANCE, MAX_NEAR_GOAL_DISTANCE),
            Field::new("goal_near_left", 1, "m", -MAX_NEAR_GOAL_DISTANCE, MAX_NEAR_GOAL_DISTANCE),
            Field::new("goal_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("goal_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("ray", RAYS.count, "m", 0.0, RAYS.max_range),
        ],
    )
}

impl Vehicle {
    /// Write a car's observation in the order of [`observation_layout`].
    pub(super) fn write_observation(&self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]) {
        let handle = self.chassis();
        let Some(chassis) = physics.bodies.get(handle) else { return };
        let (position, rotation) = (chassis.translation(), *chassis.rotation());
        let forward = rotation * Vec3::NEG_Z;
        let heading = heading_of(forward);
        // Heading frame: positions of course and goal do not depend on roll and pitch of the chassis.
        let to_heading_frame = Quat::from_rotation_y(-heading);
        let velocity = rotation.inverse() * chassis.linvel();
        let up = rotation.inverse() * Vec3::Y;
        let mut out = ObservationWriter::new(observation);
        out.push(-velocity.z, -30.0, 30.0);
        out.push(-velocity.x, -15.0, 15.0);
        out.push(velocity.y, -10.0, 10.0);
        out.push(chassis.angvel().y, -6.0, 6.0);
        out.push(up.x, -1.0, 1.0);
        out.push(up.z, -1.0, 1.0);
        for wheel in self.controller.wheels() {
            out.push(f32::from(u8::from(wheel.raycast_info().is_in_contact)), 0.0, 1.0);
        }
        for wheel in self.controller.wheels() {
            // Lateral slip: speed across the rolling direction of the wheel.
            let at = rotation * (wheel.chassis_connection_point_cs + Vec3::NEG_Y * 0.3) + position;
            let axle = rotation * Quat::from_rotation_y(wheel.steering) * Vec3::X;
            out.push(chassis.velocity_at_point(at).dot(axle), -10.0, 10.0);
        }
        let relative = |point: Vec3| {
            let offset = to_heading_frame * (point - position);
            (-offset.z, -offset.x)
        };
        match &goal.course {
            Some(course) => {
                let projection = course.project(position);
                let heading_error = wrap_angle(projection.heading - heading);
                out.push(projection.offset, -10.0, 10.0);
                out.push(ops::sin(heading_error), -1.0, 1.0);
                out.push(ops::cos(heading_error), -1.0, 1.0);
                let points = AHEAD.map(|d| relative(course.point_at(projection.along + d)));
                for (ahead, _) in points {
                    out.push(ahead, -35.0, 35.0);
                }
                for (_, left) in points {
                    out.push(left, -35.0, 35.0);
                }
                let to_go = if course.closed() { MAX_END_DISTANCE } else { course.length() - projection.along };
                out.push(to_go, 0.0, MAX_END_DISTANCE);
            }
            None => {
                out.push_zeros(4 + 2 * AHEAD.len());
            }
        }
        match goal.position {
            Some(goal_position) => {
                let (ahead, left) = relative(goal_position);
                let heading_error = goal.heading.map_or(0.0, |h| wrap_angle(h - heading));
                out.push(ahead, -MAX_GOAL_DISTANCE, MAX_GOAL_DISTANCE);
                out.push(left, -MAX_GOAL_DISTANCE, MAX_GOAL_DISTANCE);
                out.push(ahead, -MAX_NEAR_GOAL_DISTANCE, MAX_NEAR_GOAL_DISTANCE);
                out.push(left, -MAX_NEAR_GOAL_DISTANCE, MAX_NEAR_GOAL_DISTANCE);
                out.push(ops::sin(heading_error), -1.0, 1.0);
                out.push(ops::cos(heading_error), -1.0, 1.0);
            }
            None => {
                out.push_zeros(6);
            }
        }
        // From the middle of the hood, at the height of a cone's top.
        let origin = position + rotation * Vec3::new(0.0, -0.05, -0.6);
        // The rays pass through floors, banked or sloped: they measure the obstacles on them.
        let predicate = |_: ColliderHandle, c: &Collider| c.parent() != Some(handle) && !Surface::of(c).is_floor();
        RAYS.cast(physics, origin, rotation, ray_filter(&predicate), &mut out.rest()[..RAYS.count]);
    }
}
