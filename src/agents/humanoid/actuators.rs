//! PD servos at the joints: each hinge has a Rapier motor with a stiffness, a damping and a torque limit.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;

use super::dof::Dof;
use super::joints::{JOINT_COUNT, Joints};
use super::mjcf::{HumanoidModel, Link};
use crate::sim::Physics;

/// Limit of the target velocity that is fed forward to a servo, rad/s: about the peak knee speed in a sprinter's swing.
const MAX_TARGET_VELOCITY: f32 = 15.0;

/// Targets of all servos.
#[derive(Clone, Copy)]
struct MotorTargets {
    /// Joint angles, rad.
    angles: Joints,
    /// The motor positions that give these angles, rad.
    positions: Joints,
}

/// The servos of one humanoid.
pub(super) struct Actuators {
    joints: Vec<ImpulseJointHandle>,
    links: Vec<Link>,
    parents: Vec<RigidBodyHandle>,
    children: Vec<RigidBodyHandle>,
    /// Joint limits (low, high), rad.
    pub ranges: [(f32, f32); JOINT_COUNT],
    /// The last step's targets: they usually are the next step's `previous`.
    last: MotorTargets,
}

impl Actuators {
    /// The servos of the joints just inserted.
    pub fn new(model: &HumanoidModel, joints: Vec<ImpulseJointHandle>, physics: &Physics<'_>) -> Self {
        let mut ranges = [(0.0, 0.0); JOINT_COUNT];
        for dof in model.links.iter().flat_map(|l| &l.dofs) {
            ranges[dof.index] = (dof.low, dof.high);
        }
        let bodies =
            |j: &ImpulseJointHandle| physics.joints.get(*j).map(|j| (j.body1(), j.body2())).unwrap_or_default();
        Self {
            parents: joints.iter().map(|j| bodies(j).0).collect(),
            children: joints.iter().map(|j| bodies(j).1).collect(),
            links: model.links.clone(),
            joints,
            ranges,
            // NaN equals no target, so the first step computes its motor positions.
            last: MotorTargets { angles: [f32::NAN; JOINT_COUNT], positions: [0.0; JOINT_COUNT] },
        }
    }

    /// Write the joint angles that give `part` the orientation `rotation` relative to its parent's frame (in the rest
    /// pose: the identity for parallel frames), clamped to the joint limits.
    pub fn write_angles(&self, part: usize, rotation: Quat, angles: &mut Joints) {
        let Some(link) = self.links.iter().find(|l| l.part == part) else { return };
        let frame1 = link.rest * link.frame;
        let q = frame1.inverse() * rotation * link.frame;
        for dof in &link.dofs {
            angles[dof.index] = twist(dof, q).clamp(dof.low, dof.high);
        }
    }

    /// Read joint angles (rad) and joint velocities (rad/s).
    pub fn read_joints(&self, physics: &Physics<'_>, angles: &mut Joints, velocities: &mut Joints) {
        for (i, link) in self.links.iter().enumerate() {
            let (Some(parent), Some(child)) =
                (physics.bodies.get(self.parents[i]), physics.bodies.get(self.children[i]))
            else {
                continue;
            };
            let frame1 = *parent.rotation() * link.rest * link.frame;
            let q = frame1.inverse() * *child.rotation() * link.frame;
            let angular_velocity: Vec3 = frame1.inverse() * (child.angvel() - parent.angvel());
            for dof in &link.dofs {
                angles[dof.index] = twist(dof, q);
                velocities[dof.index] =
                    dof.component(Quat::from_xyzw(angular_velocity.x, angular_velocity.y, angular_velocity.z, 0.0));
            }
        }
    }

    /// Set the motors for the next physics step. The change from the last step's targets, `previous`, is fed forward as
    /// target velocity. `gain` scales stiffness, damping and torque limits (1: those of the file).
    pub fn set_motors(&mut self, physics: &mut Physics<'_>, targets: &Joints, previous: &Joints, gain: f32) {
        let inv_dt = 1.0 / physics.dt();
        if self.last.angles != *previous {
            self.last = MotorTargets { angles: *previous, positions: self.motor_positions(previous) };
        }
        let last = self.last.positions;
        let positions = if *targets == *previous { last } else { self.motor_positions(targets) };
        for (link, handle) in self.links.iter().zip(&self.joints) {
            let Some(joint) = physics.joints.get_mut(*handle, false) else { continue };
            for dof in &link.dofs {
                let position = positions[dof.index];
                let velocity = ((position - last[dof.index]) * inv_dt).clamp(-MAX_TARGET_VELOCITY, MAX_TARGET_VELOCITY);
                let data = &mut joint.data;
                data.set_motor(
                    dof.axis,
                    position * dof.sign,
                    velocity * dof.sign,
                    dof.stiffness * gain,
                    dof.damping * gain.max(MIN_DAMPING),
                );
                data.set_motor_max_force(dof.axis, dof.torque * gain.max(MIN_DAMPING));
            }
        }
        self.last = MotorTargets { angles: *targets, positions };
    }

    /// Motor target positions for joint angles `targets`, rad. Rapier's motors measure twice the arc sine of the
    /// relative rotation's vector part.
    fn motor_positions(&self, targets: &Joints) -> Joints {
        let mut positions = [0.0; JOINT_COUNT];
        for link in &self.links {
            let relative = rotation(link, targets);
            for dof in &link.dofs {
                positions[dof.index] = 2.0 * ops::asin(dof.component(relative).clamp(-1.0, 1.0));
            }
        }
        positions
    }
}

impl Actuators {
    /// Poses of all parts for joint `angles` (rad) and a root at `position` with orientation `rotation`.
    pub fn forward_kinematics(
        &self,
        model: &HumanoidModel,
        position: Vec3,
        rotation: Quat,
        angles: &Joints,
    ) -> Vec<Pose> {
        let mut poses = vec![Pose::from_parts(position, rotation); model.parts.len()];
        // Parents come before their children.
        for link in &self.links {
            let part = &model.parts[link.part];
            let parent = &model.parts[part.parent];
            let base = poses[part.parent];
            let anchor = parent.rotation.inverse() * (part.offset + part.rotation * link.anchor - parent.offset);
            let orientation =
                base.rotation * link.rest * link.frame * self::rotation(link, angles) * link.frame.inverse();
            poses[link.part] = Pose::from_parts(base * anchor - orientation * link.anchor, orientation);
        }
        poses
    }

    /// Clear the joints' accumulated impulses (the solver's warm start) after the body was placed elsewhere.
    pub fn clear_impulses(&self, physics: &mut Physics<'_>) {
        for handle in &self.joints {
            let Some(joint) = physics.joints.get_mut(*handle, false) else { continue };
            joint.impulses = Default::default();
            for motor in &mut joint.data.motors {
                motor.impulse = 0.0;
            }
            for limit in &mut joint.data.limits {
                limit.impulse = 0.0;
            }
        }
    }
}

/// Minimum scale of damping and torque limits, for a limp body: passive tissue damps even a relaxed joint.
const MIN_DAMPING: f32 = 0.2;

/// Angle about a hinge's axis of the relative rotation `q` in the joint's frame, rad.
fn twist(dof: &Dof, q: Quat) -> f32 {
    let q = if q.w < 0.0 { -q } else { q };
    2.0 * ops::atan2(dof.component(q), q.w)
}

/// Relative rotation in the joint's frame whose twists are `angles`, from its Rodrigues vector.
fn rotation(link: &Link, angles: &Joints) -> Quat {
    let mut v = [0.0; 3];
    for dof in &link.dofs {
        v[dof.axis as usize - 3] = dof.sign * ops::tan(0.5 * angles[dof.index]);
    }
    Quat::from_xyzw(v[0], v[1], v[2], 1.0).normalize()
}
