//! The interface between an arena and its controlled bodies.

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::conditions::Conditions;
use super::goal::TaskGoal;
use super::physics::Physics;

/// A controlled body inside one arena: its rigid bodies and joints live in the arena's Rapier sets, its sensors and
/// actuators here.
///
/// All internal state that a body keeps between ticks must pass through [`Body::save`] and [`Body::load`]: the state hash
/// and the snapshots contain it.
pub trait Body: Send + Sync + 'static {
    /// Write the observation; `observation.len()` is the size of the body's observation layout.
    fn sense(&mut self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]);

    /// Take the action of the tick; `action.len()` is the size of the body's action layout. Called once per tick.
    fn actuate(&mut self, physics: &mut Physics<'_>, action: &[f32]);

    /// Apply forces and motor targets for the physics step that follows. Called before every physics step.
    fn before_step(&mut self, physics: &mut Physics<'_>);

    /// Run the physics library's own controller of this kind of body (Rapier's ray-cast vehicle), if there is one. Called
    /// after [`Body::before_step`], and separate from it, so that benchmarks can measure the library's part on its own.
    fn run_controller(&mut self, _physics: &mut Physics<'_>) {}

    /// Multiply the body's mass by `factor`. Called on a body in its nominal state, before it is placed.
    fn scale_mass(&mut self, physics: &mut Physics<'_>, factor: f32) {
        super::conditions::scale_mass(physics, self.parts(), factor);
    }

    /// Set the conditions that are not part of the physics sets, such as the grip of tires.
    fn set_conditions(&mut self, _conditions: &Conditions) {}

    /// Put the whole body at rest with its root over `position` (m, on the ground), facing `heading` radians about +y
    /// (0 looks along -z, positive turns left), in its start posture.
    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32);

    /// The body's rigid bodies, the root (chassis, pelvis) first.
    fn parts(&self) -> &[RigidBodyHandle];

    /// Append the body's internal state to `out`.
    fn save(&self, out: &mut Vec<u8>);

    /// Restore the internal state that [`Body::save`] wrote. `false` when the bytes are not of this kind of body.
    fn load(&mut self, bytes: &[u8]) -> bool;

    /// Append the poses of the wheels, for the viewer.
    fn wheels(&self, _physics: &Physics<'_>, _out: &mut Vec<WheelPose>) {}

    /// True while the body has fallen: a humanoid on the ground, a car on its roof.
    fn is_down(&self, _physics: &Physics<'_>) -> bool {
        false
    }
}

/// A sensor that a scene adds to a body, beyond the body's own.
pub trait Sensor: Send + Sync + 'static {
    /// Number of values that it writes.
    fn size(&self) -> usize;

    /// Write the values; `out.len()` is [`Sensor::size`].
    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]);
}

/// Pose and size of a wheel, for the viewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheelPose {
    /// Center, m.
    pub position: Vec3,
    /// Orientation; the axle is the local x axis.
    pub rotation: bevy::math::Quat,
    /// Radius, m.
    pub radius: f32,
    /// Width, m.
    pub width: f32,
}
