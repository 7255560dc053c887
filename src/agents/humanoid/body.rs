//! The humanoid's body.

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::action::Control;
use super::actuators::Actuators;
use super::anatomy::Anatomy;
use super::command::Command;
use super::frames::axis_angle;
use super::gait::{GaitCommand, Pelvis};
use super::joints::JOINT_COUNT;
use super::mjcf::{HumanoidModel, MjcfError};
use super::state::{ControllerState, Mode};
use crate::sim::{Body, Physics, TaskGoal};

/// Options of a humanoid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HumanoidOptions {
    /// Action space.
    pub control: Control,
    /// Strength of the harness, from 0 (no forces: the humanoid falls) to 1.
    pub harness: f32,
    /// Bit (0..32) of this humanoid's collision group. Parts of one group do not collide with each other, so two
    /// humanoids collide only if their bits differ. All groups collide with everything else.
    pub group: u8,
}

impl Default for HumanoidOptions {
    fn default() -> Self {
        Self { control: Control::Command, harness: 1.0, group: 1 }
    }
}

/// One humanoid in an arena.
pub struct Humanoid {
    pub(super) parts: Vec<RigidBodyHandle>,
    /// First collider of each foot.
    pub(super) soles: [ColliderHandle; 2],
    model: HumanoidModel,
    pub(super) anatomy: Anatomy,
    pub(super) actuators: Actuators,
    groups: InteractionGroups,
    pub(super) options: HumanoidOptions,
    pub(super) state: ControllerState,
}

impl Humanoid {
    /// Insert the built-in humanoid into an arena. It stands at `position` (m, on the ground) and faces `heading` (rad;
    /// 0 is along -z, positive is to the left).
    ///
    /// # Panics
    /// Never for a build that passed its tests: the embedded model is valid.
    pub fn spawn(physics: &mut Physics<'_>, position: Vec3, heading: f32, options: &HumanoidOptions) -> Self {
        Self::spawn_model(physics, HumanoidModel::embedded(), position, heading, options)
            .expect("the embedded model has all segments")
    }

    /// Insert a humanoid of another MJCF model into an arena. Turns on the arena's `friction_in_bias_pass`: without it,
    /// stance feet creep.
    ///
    /// # Errors
    /// When the model lacks a segment.
    pub fn spawn_model(
        physics: &mut Physics<'_>,
        model: &HumanoidModel,
        position: Vec3,
        heading: f32,
        options: &HumanoidOptions,
    ) -> Result<Self, MjcfError> {
        let anatomy = Anatomy::of(model)?;
        // Otherwise the correction of joint position errors slides loaded feet over the ground, by 3 cm/s in quiet
        // standing.
        physics.parameters.friction_in_bias_pass = true;
        let own = Group::from_bits_truncate(1 << (options.group % 32));
        let groups = InteractionGroups::new(own, Group::ALL & !own, InteractionTestMode::And);
        let root = position + Vec3::Y * anatomy.hip_height();
        let (parts, joints) = model.insert(physics, root, axis_angle(Vec3::Y, heading), groups);
        let soles = anatomy.feet.map(|part| {
            let foot = physics.bodies.get(parts[part]);
            foot.and_then(|b| b.colliders().first().copied()).unwrap_or_else(ColliderHandle::invalid)
        });
        let actuators = Actuators::new(model, joints, physics);
        let state = ControllerState::standing(&anatomy, position, heading);
        let options = HumanoidOptions { harness: options.harness.clamp(0.0, 1.0), ..*options };
        let mut humanoid = Self { parts, soles, model: model.clone(), anatomy, actuators, groups, options, state };
        humanoid.place(physics, position, heading);
        Ok(humanoid)
    }

    /// Set the strength of the harness, 0 to 1.
    pub fn set_harness(&mut self, strength: f32) {
        self.options.harness = strength.clamp(0.0, 1.0);
    }

    /// Colliders of a part as (shape, pose in the part's frame), for rendering. `part` is an index into `Body::parts`.
    pub fn shapes(&self, part: usize) -> impl Iterator<Item = (&SharedShape, Pose)> {
        self.model.parts.get(part).into_iter().flat_map(|p| &p.shapes).map(|s| (&s.shape, s.pose))
    }

    /// Which feet (left, right) are in the stance phase of the gait.
    pub fn stance(&self) -> [bool; 2] {
        self.state.gait.feet.each_ref().map(|f| f.stance)
    }

    /// A ray-cast filter that excludes this humanoid and sensors.
    pub(super) fn others_filter(&self) -> QueryFilter<'static> {
        QueryFilter::default().groups(self.groups).exclude_sensors()
    }
}

impl Body for Humanoid {
    fn sense(&mut self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]) {
        self.write_observation(physics, goal, observation);
    }

    fn actuate(&mut self, physics: &mut Physics<'_>, action: &[f32]) {
        match self.options.control {
            Control::Command => self.state.requested_command = Command::from_action(action),
            Control::Joints => {
                for (to, from) in self.state.joint_action.iter_mut().zip(action) {
                    *to = if from.is_nan() { 0.0 } else { from.clamp(-1.0, 1.0) };
                }
            }
        }
        self.plan_steps(physics);
    }

    fn before_step(&mut self, physics: &mut Physics<'_>) {
        self.update_controller(physics);
    }

    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32) {
        self.state = ControllerState::standing(&self.anatomy, position, heading);
        let gait = &self.state.gait;
        let root = Vec3::new(position.x, gait.height, position.z);
        let rotation = axis_angle(Vec3::Y, heading);
        let pelvis = Pelvis { position: root, velocity: Vec3::ZERO, rotation, heading };
        let mut targets = [0.0; JOINT_COUNT];
        gait.pose(&self.anatomy, &self.actuators, &GaitCommand::default(), &pelvis, &mut targets);
        self.state.joint_targets = targets;
        for (handle, pose) in
            self.parts.iter().zip(self.actuators.forward_kinematics(&self.model, root, rotation, &targets))
        {
            let Some(body) = physics.bodies.get_mut(*handle) else { continue };
            body.set_position(pose, true);
            body.set_linvel(Vec3::ZERO, true);
            body.set_angvel(Vec3::ZERO, true);
            body.reset_forces(true);
            body.reset_torques(true);
        }
        self.actuators.clear_impulses(physics);
    }

    fn parts(&self) -> &[RigidBodyHandle] {
        &self.parts
    }

    fn save(&self, out: &mut Vec<u8>) {
        // Serializing plain numbers into a vector cannot fail. If it did, `load` would reject the empty bytes.
        if let Ok(bytes) = postcard::to_extend(&self.state, Vec::new()) {
            out.extend(bytes);
        }
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        match postcard::take_from_bytes(bytes) {
            Ok((state, [])) => {
                self.state = state;
                true
            }
            _ => false,
        }
    }

    fn is_down(&self, _physics: &Physics<'_>) -> bool {
        matches!(self.state.mode, Mode::Down | Mode::GetUp)
    }
}
