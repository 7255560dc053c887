//! The harness: external forces and torques on pelvis, abdomen and chest, computed by PD controllers and limited. They
//! hold the height of the hips, keep the trunk upright, and help it to follow the commanded velocity and heading.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::frames::{ahead, heading_of, wrap};
use crate::sim::{GRAVITY, Physics};

/// Limits of the harness at strength 1.
pub(super) struct HarnessLimits {
    /// Horizontal force, N. While walking: two thirds of the body weight, about the push of a strong person.
    pub horizontal_force: f32,
    /// Vertical force, N.
    pub vertical_force: f32,
    /// Torque on the chest, and separately on the pelvis, N·m.
    pub torque: f32,
}

/// Limits while walking. A disturbance beyond them makes the body stumble.
pub(super) const WALKING: HarnessLimits =
    HarnessLimits { horizontal_force: 450.0, vertical_force: 600.0, torque: 200.0 };

/// Limits while getting up or jumping, when the harness lifts most of the body.
pub(super) const LIFTING: HarnessLimits =
    HarnessLimits { horizontal_force: 450.0, vertical_force: 2200.0, torque: 250.0 };

/// Gains of a PD controller.
#[derive(Clone, Copy)]
struct PdGain {
    stiffness: f32,
    damping: f32,
}

/// Fraction of the body weight that the harness always carries.
const WEIGHT_FRACTION: f32 = 0.35;
/// Stiffness and damping of the height per kg of body mass, 1/s² and 1/s: 1.3 Hz, near critical damping.
const HEIGHT_GAIN: PdGain = PdGain { stiffness: 70.0, damping: 12.0 };
/// Velocity gain per kg of body mass, 1/s.
const VELOCITY_GAIN: f32 = 7.0;
/// Integral gain of the velocity per kg of body mass, 1/s², and the limit of the integral term, N. The integral term
/// keeps the speed against a constant load, such as a crate.
const INTEGRAL_GAIN: f32 = 6.0;
const INTEGRAL_LIMIT: f32 = 200.0;
/// Time constant with which the integral term leaks while the body is off balance, s.
const INTEGRAL_LEAK_TIME: f32 = 0.1;
/// Stiffness (N·m/rad) and damping (N·m·s/rad) of the tilt of chest and pelvis.
const CHEST_GAIN: PdGain = PdGain { stiffness: 500.0, damping: 40.0 };
const PELVIS_GAIN: PdGain = PdGain { stiffness: 400.0, damping: 5.0 };
/// Stiffness (N·m/rad) and damping (N·m·s/rad) of the heading of chest and pelvis.
const CHEST_HEADING_GAIN: PdGain = PdGain { stiffness: 300.0, damping: 20.0 };
const PELVIS_HEADING_GAIN: PdGain = PdGain { stiffness: 300.0, damping: 5.0 };
/// Largest difference between target heading and heading, rad.
const MAX_HEADING_LEAD: f32 = 0.5;

/// Position gain that keeps a standing body over its feet, 1/s.
pub(super) const STAND_GAIN: f32 = 3.0;

/// What the harness controls at this physics step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setpoint {
    /// Scale of all forces and torques, 0..1.
    pub strength: f32,
    /// Target height of the hips, m; `None`: not controlled.
    pub height: Option<f32>,
    /// Target vertical velocity of the hips, m/s.
    pub vertical_velocity: f32,
    /// Target horizontal velocity, m/s; `None`: not controlled.
    pub velocity: Option<Vec3>,
    /// Target turning rate, rad/s; `None`: the heading is not controlled.
    pub turn_rate: Option<f32>,
    /// Target forward lean of the trunk, rad.
    pub lean: f32,
    /// 1 for a body in balance. Below 1 the integral term leaks.
    pub balance: f32,
}

impl Setpoint {
    /// Keeps the trunk upright and controls nothing else.
    pub const UPRIGHT: Self = Self {
        strength: 1.0,
        height: None,
        vertical_velocity: 0.0,
        velocity: None,
        turn_rate: None,
        lean: 0.0,
        balance: 1.0,
    };
}

/// State of the harness.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Harness {
    /// Target heading, rad.
    pub target_heading: f32,
    /// Integral term of the horizontal force, N.
    pub integral: Vec3,
}

impl Harness {
    /// Apply forces and torques for the next physics step.
    pub fn apply(
        &mut self,
        physics: &mut Physics<'_>,
        parts: &[RigidBodyHandle],
        anatomy: &Anatomy,
        setpoint: &Setpoint,
        limits: &HarnessLimits,
        heading: f32,
    ) {
        let dt = physics.dt();
        let Some(pelvis) = physics.bodies.get(parts[0]) else { return };
        let (position, velocity) = (pelvis.translation(), pelvis.linvel());
        let mass = anatomy.mass;
        let mut force = Vec3::ZERO;
        if let Some(height) = setpoint.height {
            let acceleration = HEIGHT_GAIN.stiffness * (height - position.y)
                + HEIGHT_GAIN.damping * (setpoint.vertical_velocity - velocity.y);
            let gravity = GRAVITY * pelvis.gravity_scale();
            force.y = (mass * (WEIGHT_FRACTION * gravity + acceleration))
                .clamp(-limits.vertical_force, limits.vertical_force);
        }
        if let Some(target) = setpoint.velocity {
            let error = Vec3::new(target.x - velocity.x, 0.0, target.z - velocity.z);
            self.integral = (self.integral + error * (INTEGRAL_GAIN * mass * dt)).clamp_length_max(INTEGRAL_LIMIT);
            self.integral *= 1.0 - (1.0 - setpoint.balance) * (dt / INTEGRAL_LEAK_TIME);
            force += (error * (VELOCITY_GAIN * mass) + self.integral).clamp_length_max(limits.horizontal_force);
        } else {
            self.integral = Vec3::ZERO;
        }
        // The vertical force is distributed over the whole trunk. The horizontal force acts on pelvis and abdomen only,
        // so that it does not tip the chest over an obstacle.
        let trunk = [parts[0], parts[anatomy.abdomen], parts[anatomy.torso]];
        let mass_of = |handles: &[RigidBodyHandle]| -> f32 {
            handles.iter().filter_map(|h| physics.bodies.get(*h)).map(RigidBody::mass).sum()
        };
        let (trunk_mass, lower_mass) = (mass_of(&trunk), mass_of(&trunk[..2]));
        for (i, handle) in trunk.into_iter().enumerate() {
            let Some(body) = physics.bodies.get_mut(handle) else { continue };
            let horizontal_force = if i < 2 { force.with_y(0.0) * (body.mass() / lower_mass) } else { Vec3::ZERO };
            let vertical_force = Vec3::Y * (force.y * body.mass() / trunk_mass);
            body.apply_impulse((horizontal_force + vertical_force) * (setpoint.strength * dt), true);
        }
        if let Some(turn_rate) = setpoint.turn_rate {
            let lead = wrap(self.target_heading + turn_rate * dt - heading).clamp(-MAX_HEADING_LEAD, MAX_HEADING_LEAD);
            self.target_heading = wrap(heading + lead);
        } else {
            self.target_heading = heading;
        }
        let front = ahead(self.target_heading);
        let (sin, cos) = ops::sin_cos(setpoint.lean);
        let up = Vec3::Y * cos + front * sin;
        let turn_rate = setpoint.turn_rate.unwrap_or(0.0);
        let chest = (parts[anatomy.torso], up, CHEST_GAIN, CHEST_HEADING_GAIN);
        let hips = (parts[0], Vec3::Y, PELVIS_GAIN, PELVIS_HEADING_GAIN);
        for (handle, up, tilt_gain, heading_gain) in [chest, hips] {
            let Some(body) = physics.bodies.get_mut(handle) else { continue };
            let rotation = *body.rotation();
            let angular_velocity = body.angvel();
            let mut torque =
                tilt_error(rotation, up) * tilt_gain.stiffness - angular_velocity.with_y(0.0) * tilt_gain.damping;
            if setpoint.turn_rate.is_some() {
                let yaw = heading_of(rotation);
                torque.y = heading_gain.stiffness * wrap(self.target_heading - yaw)
                    + heading_gain.damping * (turn_rate - angular_velocity.y);
            }
            body.apply_torque_impulse(torque.clamp_length_max(limits.torque) * (setpoint.strength * dt), true);
        }
    }
}

/// Rotation vector (rad) that turns the body's up axis to `up`.
pub(super) fn tilt_error(rotation: Quat, up: Vec3) -> Vec3 {
    let body_up = rotation * Vec3::Y;
    let axis = body_up.cross(up);
    let sine = axis.length();
    let angle = ops::atan2(sine, body_up.dot(up));
    if sine > 1e-5 { axis * (angle / sine) } else { rotation * Vec3::X * angle }
}
