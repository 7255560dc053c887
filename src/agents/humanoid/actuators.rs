//! Joint servos: Rapier motors as spring and damper with a gain and a torque limit per hinge.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;

use super::JOINT_COUNT;
use super::mjcf::{Blueprint, Link};
use crate::sim::Physics;

/// One value per joint, in the order of [`super::JOINTS`]; angles in rad.
pub(super) type Joints = [f32; JOINT_COUNT];

/// Fastest target speed fed forward to a servo, rad/s: about the peak knee speed of a sprinter's swing.
const TARGET_SPEED: f32 = 15.0;

/// One hinge and its servo.
#[derive(Clone, Debug)]
pub(super) struct Dof {
    /// Place in [`super::JOINTS`].
    pub index: usize,
    /// Axis of the Rapier joint.
    pub axis: JointAxis,
    /// +1 where the hinge turns with that axis, -1 where against.
    pub sign: f32,
    /// Smallest angle, rad.
    pub low: f32,
    /// Largest angle, rad.
    pub high: f32,
    /// Spring, N·m/rad.
    pub stiffness: f32,
    /// Damper, N·m·s/rad.
    pub damping: f32,
    /// Largest torque, N·m.
    pub torque: f32,
}

impl Dof {
    /// Limits about the Rapier axis, rad.
    pub fn frame_range(&self) -> [f32; 2] {
        if self.sign > 0.0 { [self.low, self.high] } else { [-self.high, -self.low] }
    }

    /// Component of the relative rotation's vector part along this axis.
    fn component(&self, q: Quat) -> f32 {
        self.sign * [q.x, q.y, q.z][self.axis as usize - 3]
    }
}

/// The servos of one humanoid.
pub(super) struct Actuators {
    joints: Vec<ImpulseJointHandle>,
    links: Vec<Link>,
    parents: Vec<RigidBodyHandle>,
    children: Vec<RigidBodyHandle>,
    /// Angle ranges, rad.
    pub ranges: [(f32, f32); JOINT_COUNT],
    /// The targets last aimed at, and the motor positions that they gave: the next step's `previous`, as a rule.
    aimed: (Joints, Joints),
}

impl Actuators {
    /// The servos of the joints just inserted.
    pub fn new(blueprint: &Blueprint, joints: Vec<ImpulseJointHandle>, physics: &Physics<'_>) -> Self {
        let mut ranges = [(0.0, 0.0); JOINT_COUNT];
        for dof in blueprint.links.iter().flat_map(|l| &l.dofs) {
            ranges[dof.index] = (dof.low, dof.high);
        }
        let bodies =
            |j: &ImpulseJointHandle| physics.joints.get(*j).map(|j| (j.body1(), j.body2())).unwrap_or_default();
        Self {
            parents: joints.iter().map(|j| bodies(j).0).collect(),
            children: joints.iter().map(|j| bodies(j).1).collect(),
            links: blueprint.links.clone(),
            joints,
            ranges,
            // No target is ever this, so that nothing is taken for known.
            aimed: ([f32::NAN; JOINT_COUNT], [0.0; JOINT_COUNT]),
        }
    }

    /// Write the angles for which `part` is turned by `rotation` against its parent's frame (rest posture: identity
    /// for parallel frames), within the joint's range.
    pub fn aim(&self, part: usize, rotation: Quat, angles: &mut Joints) {
        let Some(link) = self.links.iter().find(|l| l.part == part) else { return };
        let frame1 = link.rest * link.frame;
        let q = frame1.inverse() * rotation * link.frame;
        for dof in &link.dofs {
            angles[dof.index] = twist(dof, q).clamp(dof.low, dof.high);
        }
    }

    /// Read joint angles (rad) and speeds (rad/s).
    pub fn read(&self, physics: &Physics<'_>, angles: &mut Joints, speeds: &mut Joints) {
        for (i, link) in self.links.iter().enumerate() {
            let (Some(parent), Some(child)) =
                (physics.bodies.get(self.parents[i]), physics.bodies.get(self.children[i]))
            else {
                continue;
            };
            let frame1 = *parent.rotation() * link.rest * link.frame;
            let q = frame1.inverse() * *child.rotation() * link.frame;
            let spin: Vec3 = frame1.inverse() * (child.angvel() - parent.angvel());
            for dof in &link.dofs {
                angles[dof.index] = twist(dof, q);
                speeds[dof.index] = dof.component(Quat::from_xyzw(spin.x, spin.y, spin.z, 0.0));
            }
        }
    }

    /// Set the motors for the next step: `previous` are the targets of the step before, whose change is fed forward;
    /// `gain` scales springs, dampers and torque limits (1 = the file's).
    pub fn drive(&mut self, physics: &mut Physics<'_>, targets: &Joints, previous: &Joints, gain: f32) {
        let inv_dt = 1.0 / physics.dt();
        if self.aimed.0 != *previous {
            self.aimed = (*previous, self.positions(previous));
        }
        let now = if *targets == *previous { self.aimed.1 } else { self.positions(targets) };
        for (link, handle) in self.links.iter().zip(&self.joints) {
            let Some(joint) = physics.joints.get_mut(*handle, false) else { continue };
            for dof in &link.dofs {
                let (at, was) = (now[dof.index], self.aimed.1[dof.index]);
                let speed = ((at - was) * inv_dt).clamp(-TARGET_SPEED, TARGET_SPEED);
                let data = &mut joint.data;
                data.set_motor(
                    dof.axis,
                    at * dof.sign,
                    speed * dof.sign,
                    dof.stiffness * gain,
                    dof.damping * gain.max(MIN_DAMPING),
                );
                data.set_motor_max_force(dof.axis, dof.torque * gain.max(MIN_DAMPING));
            }
        }
        self.aimed = (*targets, now);
    }

    /// What each motor holds for joint angles `targets`, rad: Rapier's motors measure twice the arc sine of the relative
    /// rotation's vector part.
    fn positions(&self, targets: &Joints) -> Joints {
        let mut positions = [0.0; JOINT_COUNT];
        for link in &self.links {
            let turned = rotation(link, targets);
            for dof in &link.dofs {
                positions[dof.index] = 2.0 * ops::asin(dof.component(turned).clamp(-1.0, 1.0));
            }
        }
        positions
    }
}

impl Actuators {
    /// Poses of all parts for joint `angles` with the root at `position`, turned by `rotation`.
    pub fn postures(&self, blueprint: &Blueprint, position: Vec3, rotation: Quat, angles: &Joints) -> Vec<Pose> {
        let mut poses = vec![Pose::from_parts(position, rotation); blueprint.parts.len()];
        // Parents come before their children.
        for link in &self.links {
            let part = &blueprint.parts[link.part];
            let parent = &blueprint.parts[part.parent];
            let base = poses[part.parent];
            let anchor = parent.rotation.inverse() * (part.offset + part.rotation * link.anchor - parent.offset);
            let turn = base.rotation * link.rest * link.frame * self::rotation(link, angles) * link.frame.inverse();
            poses[link.part] = Pose::from_parts(base * anchor - turn * link.anchor, turn);
        }
        poses
    }

    /// Forget the impulses of the last step: the body was put elsewhere.
    pub fn rest(&self, physics: &mut Physics<'_>) {
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

/// Share of the dampers and torque limits left in a limp body: passive tissue damps even a relaxed joint.
const MIN_DAMPING: f32 = 0.2;

/// Angle about a hinge's axis of the relative rotation `q` in the joint's frame, rad.
fn twist(dof: &Dof, q: Quat) -> f32 {
    let q = if q.w < 0.0 { -q } else { q };
    2.0 * ops::atan2(dof.component(q), q.w)
}

/// Relative rotation in the joint's frame for which the twists are `angles`: a Rodrigues vector.
fn rotation(link: &Link, angles: &Joints) -> Quat {
    let mut v = [0.0; 3];
    for dof in &link.dofs {
        v[dof.axis as usize - 3] = dof.sign * ops::tan(0.5 * angles[dof.index]);
    }
    Quat::from_xyzw(v[0], v[1], v[2], 1.0).normalize()
}
