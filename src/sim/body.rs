//! The contract between an arena and the bodies that act in it.

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::conditions::Conditions;
use super::guide::Guide;
use super::physics::Physics;

/// A controlled body inside one arena: its rigid bodies and joints live in the arena's Rapier sets, its sensors and
/// actuators here.
///
/// Everything a body remembers between ticks must pass through [`Body::save`] and [`Body::load`]: the state hash and
/// the snapshots are made of it.
pub trait Body: Send + Sync + 'static {
    /// Write the observation; `observation.len()` is the body's observation layout's size.
    fn sense(&mut self, physics: &Physics<'_>, guide: &Guide, observation: &mut [f32]);

    /// Take the tick's action; `action.len()` is the body's action layout's size. Called once a tick.
    fn actuate(&mut self, physics: &mut Physics<'_>, action: &[f32]);

    /// Apply forces and motor targets for the physics step that follows. Called before every physics step.
    fn before_step(&mut self, physics: &mut Physics<'_>);

    /// Run the physics library's own controller of this kind of body (Rapier's ray-cast vehicle), where it has one.
    /// Called after [`Body::before_step`]; apart from it, so that benchmarks can tell our work from the library's.
    fn run_controller(&mut self, _physics: &mut Physics<'_>) {}

    /// Have `factor` of the mass that it was made with. Called on a body as it was made, before it is placed.
    fn weigh(&mut self, physics: &mut Physics<'_>, factor: f32) {
        super::conditions::weigh(physics, self.parts(), factor);
    }

    /// Live under these conditions from now on, as far as the physics sets do not hold them: grip, for tyres.
    fn condition(&mut self, _conditions: &Conditions) {}

    /// Put the whole body at rest with its root over `position` (m, on the ground), facing `heading` radians about +y
    /// (0 looks along -z, positive turns left), in its start posture.
    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32);

    /// The body's rigid bodies, the root (chassis, pelvis) first.
    fn parts(&self) -> &[RigidBodyHandle];

    /// Append what the body remembers between ticks.
    fn save(&self, out: &mut Vec<u8>);

    /// Take back what [`Body::save`] wrote. `false`: the bytes are not of this body.
    fn load(&mut self, bytes: &[u8]) -> bool;

    /// Extra shapes for a viewer (wheels), as (world position, orientation, radius m, width m) of cylinders along the
    /// local x axis.
    fn wheels(&self, _physics: &Physics<'_>, _out: &mut Vec<WheelPose>) {}

    /// True while the body cannot act (a humanoid that lies on the ground, a car on its roof).
    fn is_down(&self, _physics: &Physics<'_>) -> bool {
        false
    }
}

/// A sensor that a scene gives to a body beside the body's own.
pub trait Sense: Send + Sync + 'static {
    /// How many numbers it writes.
    fn size(&self) -> usize;

    /// Write them; `out.len()` is [`Sense::size`].
    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, guide: &Guide, out: &mut [f32]);
}

/// Where a wheel is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheelPose {
    /// Centre, m.
    pub position: Vec3,
    /// Orientation; the axle is the local x axis.
    pub rotation: bevy::math::Quat,
    /// Radius, m.
    pub radius: f32,
    /// Width, m.
    pub width: f32,
}
