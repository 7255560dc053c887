//! A humanoid as an active ragdoll: jointed rigid bodies moved by torque-limited servos that follow a gait, and a harness
//! of limited virtual forces for balance. Hit hard it stumbles or falls, and gets up again.

mod actuators;
mod anatomy;
mod frames;
mod gait;
mod harness;
mod legs;
mod mjcf;
mod motion;
mod moves;
mod sensors;

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use self::actuators::{Actuators, Joints};
use self::anatomy::Anatomy;
use self::frames::turned;
use self::gait::{Gait, Pace, Pelvis};
use self::harness::Harness;
use self::motion::{Command, Mode};
use crate::sim::{Body, Guide, Physics};
use crate::spaces::{Field, Layout};

pub use self::mjcf::{Blueprint, MjcfError};
pub use self::sensors::RANGE_ARC;

/// Number of hinges.
pub const JOINT_COUNT: usize = 25;

/// The hinges, in the order of observations and actions.
pub const JOINTS: [&str; JOINT_COUNT] = [
    "lumbar_flexion",
    "lumbar_bend",
    "thorax_twist",
    "neck_flexion",
    "neck_turn",
    "left_shoulder_flexion",
    "left_shoulder_abduction",
    "left_shoulder_rotation",
    "left_elbow",
    "right_shoulder_flexion",
    "right_shoulder_abduction",
    "right_shoulder_rotation",
    "right_elbow",
    "left_hip_flexion",
    "left_hip_abduction",
    "left_hip_rotation",
    "left_knee",
    "left_ankle_flexion",
    "left_ankle_roll",
    "right_hip_flexion",
    "right_hip_abduction",
    "right_hip_rotation",
    "right_knee",
    "right_ankle_flexion",
    "right_ankle_roll",
];

/// Bodies the gait and the harness use; a file may have others besides.
const PARTS: [&str; 8] =
    ["abdomen", "torso", "left_thigh", "left_shin", "left_foot", "right_thigh", "right_shin", "right_foot"];

/// What the action drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Walking commands; the gait drives the joints.
    #[default]
    Command,
    /// Joint targets; the harness only holds height and uprightness.
    Joints,
}

/// How a humanoid is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HumanoidOptions {
    /// What the action drives.
    pub control: Control,
    /// Strength of the harness, 0 (none: it falls) to 1.
    pub harness: f32,
    /// Bit (0..32) of the collision group of this humanoid's parts: parts of one group pass through each other. Two
    /// humanoids with different bits collide, and all collide with everything else.
    pub group: u8,
}

impl Default for HumanoidOptions {
    fn default() -> Self {
        Self { control: Control::Command, harness: 1.0, group: 1 }
    }
}

/// Everything that is remembered between ticks.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Memory {
    mode: Mode,
    /// Time in the mode, s.
    clock: f32,
    /// What was asked last.
    wanted: Command,
    /// What is being done: `wanted` with limited changes.
    command: Command,
    gait: Gait,
    /// Horizontal velocity of the pelvis, smoothed, m/s.
    speed: Vec3,
    harness: Harness,
    /// Time since a foot touched something, s.
    air: f32,
    /// Height of the ground below the pelvis, m.
    ground: f32,
    /// Joint targets of the action, -1..1.
    action: Joints,
    /// Joint targets of the last step, rad.
    targets: Joints,
}

/// One humanoid in an arena.
pub struct Humanoid {
    parts: Vec<RigidBodyHandle>,
    /// First collider of each foot.
    soles: [ColliderHandle; 2],
    blueprint: Blueprint,
    anatomy: Anatomy,
    actuators: Actuators,
    groups: InteractionGroups,
    options: HumanoidOptions,
    memory: Memory,
}

impl Humanoid {
    /// Put the built-in humanoid into an arena, standing at `position` (m, on the ground) and facing `heading` (rad; 0
    /// looks along -z, positive turns left).
    ///
    /// # Panics
    /// Never for a build that passed its tests: the embedded model is valid.
    pub fn spawn(physics: &mut Physics<'_>, position: Vec3, heading: f32, options: &HumanoidOptions) -> Self {
        Self::spawn_blueprint(physics, Blueprint::embedded(), position, heading, options)
            .expect("the embedded blueprint has all segments")
    }

    /// Put a humanoid of another file into an arena. Turns on the arena's `friction_in_bias_pass`, without which feet
    /// that stand creep.
    ///
    /// # Errors
    /// When the blueprint lacks a segment.
    pub fn spawn_blueprint(
        physics: &mut Physics<'_>,
        blueprint: &Blueprint,
        position: Vec3,
        heading: f32,
        options: &HumanoidOptions,
    ) -> Result<Self, MjcfError> {
        let anatomy = Anatomy::of(blueprint)?;
        // Without it, the correction of joint errors moves loaded feet over the ground, by 3 cm/s in quiet standing.
        physics.parameters.friction_in_bias_pass = true;
        let own = Group::from_bits_truncate(1 << (options.group % 32));
        let groups = InteractionGroups::new(own, Group::ALL & !own, InteractionTestMode::And);
        let root = position + Vec3::Y * anatomy.hip_height();
        let (parts, joints) = blueprint.insert(physics, root, turned(Vec3::Y, heading), groups);
        let soles = anatomy.feet.map(|part| {
            let foot = physics.bodies.get(parts[part]);
            foot.and_then(|b| b.colliders().first().copied()).unwrap_or_else(ColliderHandle::invalid)
        });
        let actuators = Actuators::new(blueprint, joints, physics);
        let memory = Memory::standing(&anatomy, position, heading);
        let options = HumanoidOptions { harness: options.harness.clamp(0.0, 1.0), ..*options };
        let mut humanoid =
            Self { parts, soles, blueprint: blueprint.clone(), anatomy, actuators, groups, options, memory };
        humanoid.place(physics, position, heading);
        Ok(humanoid)
    }

    /// Change the strength of the harness, 0 to 1.
    pub fn set_harness(&mut self, strength: f32) {
        self.options.harness = strength.clamp(0.0, 1.0);
    }

    /// Colliders of a part as (shape, pose in the part), for viewers. `part` counts as in `Body::parts`.
    pub fn shapes(&self, part: usize) -> impl Iterator<Item = (&SharedShape, Pose)> {
        self.blueprint.parts.get(part).into_iter().flat_map(|p| &p.shapes).map(|s| (&s.shape, s.pose))
    }

    /// Which feet (left, right) the gait has on the ground.
    pub fn stance(&self) -> [bool; 2] {
        self.memory.gait.feet.each_ref().map(|f| f.stance)
    }

    /// A ray-cast filter that leaves out this humanoid and sensors.
    fn others(&self) -> QueryFilter<'static> {
        QueryFilter::default().groups(self.groups).exclude_sensors()
    }
}

impl Memory {
    fn standing(anatomy: &Anatomy, position: Vec3, heading: f32) -> Self {
        Self {
            mode: Mode::Walk,
            clock: 0.0,
            wanted: Command::default(),
            command: Command::default(),
            gait: Gait::stand(anatomy, position, heading, position.y),
            speed: Vec3::ZERO,
            harness: Harness { heading, drift: Vec3::ZERO },
            air: 0.0,
            ground: position.y,
            action: [0.0; JOINT_COUNT],
            targets: [0.0; JOINT_COUNT],
        }
    }
}

/// Place of a hinge in [`JOINTS`].
fn joint(name: &str) -> usize {
    JOINTS.iter().position(|j| *j == name).unwrap_or(0)
}

/// The observation's fields.
pub fn observation_layout() -> Layout {
    sensors::layout()
}

/// The action's fields.
pub fn action_layout(control: Control) -> Layout {
    match control {
        Control::Command => Layout::new(
            "humanoid/command",
            vec![
                Field::new("forward", 1, "1", -1.0, 2.0),
                Field::new("sideways", 1, "1", -1.0, 1.0),
                Field::new("turn", 1, "1", -1.0, 1.0),
                Field::new("jump", 1, "1", 0.0, 1.0),
                Field::new("crouch", 1, "1", 0.0, 1.0),
            ],
        ),
        Control::Joints => {
            Layout::new("humanoid/joints", JOINTS.iter().map(|j| Field::new(*j, 1, "1", -1.0, 1.0)).collect())
        }
    }
}

impl Body for Humanoid {
    fn sense(&mut self, physics: &Physics<'_>, guide: &Guide, observation: &mut [f32]) {
        sensors::sense(self, physics, guide, observation);
    }

    fn actuate(&mut self, physics: &mut Physics<'_>, action: &[f32]) {
        match self.options.control {
            Control::Command => self.memory.wanted = Command::from_action(action),
            Control::Joints => {
                for (to, from) in self.memory.action.iter_mut().zip(action) {
                    *to = if from.is_nan() { 0.0 } else { from.clamp(-1.0, 1.0) };
                }
            }
        }
        self.look(physics);
    }

    fn before_step(&mut self, physics: &mut Physics<'_>) {
        self.advance(physics);
    }

    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32) {
        self.memory = Memory::standing(&self.anatomy, position, heading);
        let gait = &self.memory.gait;
        let root = Vec3::new(position.x, gait.height, position.z);
        let rotation = turned(Vec3::Y, heading);
        let pelvis = Pelvis { position: root, velocity: Vec3::ZERO, rotation, heading };
        let mut targets = [0.0; JOINT_COUNT];
        gait.pose(&self.anatomy, &self.actuators, &Pace::default(), &pelvis, &mut targets);
        self.memory.targets = targets;
        for (handle, pose) in self.parts.iter().zip(self.actuators.postures(&self.blueprint, root, rotation, &targets))
        {
            let Some(body) = physics.bodies.get_mut(*handle) else { continue };
            body.set_position(pose, true);
            body.set_linvel(Vec3::ZERO, true);
            body.set_angvel(Vec3::ZERO, true);
            body.reset_forces(true);
            body.reset_torques(true);
        }
        self.actuators.rest(physics);
    }

    fn parts(&self) -> &[RigidBodyHandle] {
        &self.parts
    }

    fn save(&self, out: &mut Vec<u8>) {
        // Serialising plain numbers into memory cannot fail; were it to, `load` would refuse the empty rest.
        if let Ok(bytes) = postcard::to_extend(&self.memory, Vec::new()) {
            out.extend(bytes);
        }
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        match postcard::take_from_bytes(bytes) {
            Ok((memory, [])) => {
                self.memory = memory;
                true
            }
            _ => false,
        }
    }

    fn is_down(&self, _physics: &Physics<'_>) -> bool {
        matches!(self.memory.mode, Mode::Down | Mode::GetUp)
    }
}
