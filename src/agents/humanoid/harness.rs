//! The harness: virtual springs and dampers on pelvis, abdomen and chest that keep the body up, upright and on its way,
//! within limits of force and torque.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::frames::{ahead, heading_of, wrap};
use crate::sim::{GRAVITY, Physics};

/// Limits at strength 1.
pub(super) struct Limits {
    /// Horizontal force, N: two thirds of body weight, what a strong person pushes with.
    pub push: f32,
    /// Vertical force, N.
    pub lift: f32,
    /// Torque on the chest, and as much on the pelvis, N·m.
    pub torque: f32,
}

/// While walking: beyond these the body stumbles.
pub(super) const WALKING: Limits = Limits { push: 450.0, lift: 600.0, torque: 200.0 };

/// While getting up or jumping, where the harness lifts most of the body.
pub(super) const LIFTING: Limits = Limits { push: 450.0, lift: 2200.0, torque: 250.0 };

/// Share of the weight that the harness carries in any case.
const WEIGHT_SHARE: f32 = 0.35;
/// Height spring and damper per kg of body, 1/s² and 1/s: 1.3 Hz, near critical.
const HEIGHT_GAIN: [f32; 2] = [70.0, 12.0];
/// Velocity gain per kg of body, 1/s.
const VELOCITY_GAIN: f32 = 7.0;
/// Integral gain per kg of body, 1/s², and its limit, N: holds the speed against a crate.
const DRIFT_GAIN: f32 = 6.0;
const DRIFT_LIMIT: f32 = 200.0;
/// Time constant in which a body off balance lets go of it, s.
const DRIFT_TIME: f32 = 0.1;
/// Upright spring (N·m/rad) and damper (N·m·s/rad) of chest and pelvis.
const CHEST_GAIN: [f32; 2] = [500.0, 40.0];
const PELVIS_GAIN: [f32; 2] = [400.0, 5.0];
/// Heading spring (N·m/rad) and damper (N·m·s/rad) of chest and pelvis.
const CHEST_HEADING_GAIN: [f32; 2] = [300.0, 20.0];
const PELVIS_HEADING_GAIN: [f32; 2] = [300.0, 5.0];
/// Largest lead of the wanted heading over the actual, rad.
const HEADING_LEAD: f32 = 0.5;

/// What the harness is to hold now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    /// 0..1, strength times any fade.
    pub strength: f32,
    /// Height of the hips, m; `None` lets them fly.
    pub height: Option<f32>,
    /// Vertical velocity wanted, m/s.
    pub climb: f32,
    /// Horizontal velocity wanted, m/s; `None` lets it be.
    pub velocity: Option<Vec3>,
    /// Turning rate wanted, rad/s; `None` lets it be.
    pub turn: Option<f32>,
    /// Forward lean of the trunk, rad.
    pub lean: f32,
    /// 1 while all goes well; less lets go of what pushes against a load.
    pub steady: f32,
}

impl Hold {
    /// Upright, and nothing else.
    pub const UPRIGHT: Self =
        Self { strength: 1.0, height: None, climb: 0.0, velocity: None, turn: None, lean: 0.0, steady: 1.0 };
}

/// What the harness remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Harness {
    /// Wanted heading, rad.
    pub heading: f32,
    /// Integral part of the push, N.
    pub drift: Vec3,
}

impl Harness {
    /// Push for the step that follows.
    pub fn apply(
        &mut self,
        physics: &mut Physics<'_>,
        parts: &[RigidBodyHandle],
        anatomy: &Anatomy,
        hold: &Hold,
        limits: &Limits,
        heading: f32,
    ) {
        let dt = physics.dt();
        let Some(pelvis) = physics.bodies.get(parts[0]) else { return };
        let (position, velocity) = (pelvis.translation(), pelvis.linvel());
        let mass = anatomy.mass;
        let mut force = Vec3::ZERO;
        if let Some(height) = hold.height {
            let pull = HEIGHT_GAIN[0] * (height - position.y) + HEIGHT_GAIN[1] * (hold.climb - velocity.y);
            let gravity = GRAVITY * pelvis.gravity_scale();
            force.y = (mass * (WEIGHT_SHARE * gravity + pull)).clamp(-limits.lift, limits.lift);
        }
        if let Some(wanted) = hold.velocity {
            let error = Vec3::new(wanted.x - velocity.x, 0.0, wanted.z - velocity.z);
            self.drift = (self.drift + error * (DRIFT_GAIN * mass * dt)).clamp_length_max(DRIFT_LIMIT);
            self.drift *= 1.0 - (1.0 - hold.steady) * (dt / DRIFT_TIME);
            let push = (error * (VELOCITY_GAIN * mass) + self.drift).clamp_length_max(limits.push);
            force += push;
        } else {
            self.drift = Vec3::ZERO;
        }
        // The lift is shared by the whole trunk; the push acts low, so that it does not tip the chest over what it meets.
        let trunk = [parts[0], parts[anatomy.abdomen], parts[anatomy.torso]];
        let mass_of = |handles: &[RigidBodyHandle]| -> f32 {
            handles.iter().filter_map(|h| physics.bodies.get(*h)).map(RigidBody::mass).sum()
        };
        let (high, low) = (mass_of(&trunk), mass_of(&trunk[..2]));
        for (i, handle) in trunk.into_iter().enumerate() {
            let Some(body) = physics.bodies.get_mut(handle) else { continue };
            let push = if i < 2 { force.with_y(0.0) * (body.mass() / low) } else { Vec3::ZERO };
            let lift = Vec3::Y * (force.y * body.mass() / high);
            body.apply_impulse((push + lift) * (hold.strength * dt), true);
        }
        if let Some(turn) = hold.turn {
            let lead = wrap(self.heading + turn * dt - heading).clamp(-HEADING_LEAD, HEADING_LEAD);
            self.heading = wrap(heading + lead);
        } else {
            self.heading = heading;
        }
        let front = ahead(self.heading);
        let (sin, cos) = ops::sin_cos(hold.lean);
        let up = Vec3::Y * cos + front * sin;
        let turn = hold.turn.unwrap_or(0.0);
        let chest = (parts[anatomy.torso], up, CHEST_GAIN, CHEST_HEADING_GAIN);
        let hips = (parts[0], Vec3::Y, PELVIS_GAIN, PELVIS_HEADING_GAIN);
        for (handle, up, [spring, damper], [yaw_spring, yaw_damper]) in [chest, hips] {
            let Some(body) = physics.bodies.get_mut(handle) else { continue };
            let rotation = *body.rotation();
            let spin = body.angvel();
            let flat = Vec3::new(spin.x, 0.0, spin.z);
            let mut torque = tilt(rotation, up) * spring - flat * damper;
            if hold.turn.is_some() {
                let yaw = heading_of(rotation);
                torque.y = yaw_spring * wrap(self.heading - yaw) + yaw_damper * (turn - spin.y);
            }
            body.apply_torque_impulse(torque.clamp_length_max(limits.torque) * (hold.strength * dt), true);
        }
    }
}

/// Rotation vector (rad) that brings the body's up to `up`.
pub(super) fn tilt(rotation: Quat, up: Vec3) -> Vec3 {
    let own = rotation * Vec3::Y;
    let axis = own.cross(up);
    let sine = axis.length();
    let angle = ops::atan2(sine, own.dot(up));
    if sine > 1e-5 { axis * (angle / sine) } else { rotation * Vec3::X * angle }
}
