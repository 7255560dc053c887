//! A hinge.

use bevy::math::Quat;
use bevy_rapier3d::rapier::prelude::JointAxis;

/// One degree of freedom: a hinge and its servo.
#[derive(Clone, Debug)]
pub(super) struct Dof {
    /// Index in [`super::joints::JOINTS`].
    pub index: usize,
    /// Axis of the Rapier joint.
    pub axis: JointAxis,
    /// +1 if the hinge turns about that axis, -1 if about its opposite.
    pub sign: f32,
    /// Lower joint limit, rad.
    pub low: f32,
    /// Upper joint limit, rad.
    pub high: f32,
    /// Position gain kp, N·m/rad.
    pub stiffness: f32,
    /// Velocity gain kv plus joint damping, N·m·s/rad.
    pub damping: f32,
    /// Torque limit, N·m.
    pub torque: f32,
}

impl Dof {
    /// Joint limits about the Rapier axis, rad.
    pub fn frame_range(&self) -> [f32; 2] {
        if self.sign > 0.0 { [self.low, self.high] } else { [-self.high, -self.low] }
    }

    /// Component of a quaternion's vector part along this axis.
    pub fn component(&self, q: Quat) -> f32 {
        self.sign * [q.x, q.y, q.z][self.axis as usize - 3]
    }
}
