//! The controller's state.

use bevy::math::Vec3;
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::command::Command;
use super::gait::Gait;
use super::harness::Harness;
use super::joints::{JOINT_COUNT, Joints};

/// State of the controller's state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    /// Standing, walking, running.
    Walk,
    /// Jump: lowering the hips.
    Dip,
    /// Jump: pushing off.
    Push,
    /// Jump: in the air.
    Flight,
    /// Jump: absorbing the landing.
    Land,
    /// Falling or lying, limp.
    Down,
    /// Getting up.
    GetUp,
}

/// The controller's state between physics steps. It is part of the arena's snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ControllerState {
    /// What the body does.
    pub mode: Mode,
    /// Time since the mode began, s.
    pub time_in_mode: f32,
    /// The command of the last action.
    pub requested_command: Command,
    /// The command that the gait follows: `requested_command` after rate limiting.
    pub command: Command,
    /// The gait.
    pub gait: Gait,
    /// Horizontal velocity of the pelvis after a low-pass filter, m/s.
    pub smoothed_velocity: Vec3,
    /// The harness.
    pub harness: Harness,
    /// Time since the last contact of a foot, s.
    pub time_in_air: f32,
    /// Height of the ground below the pelvis, m.
    pub ground_height: f32,
    /// Normalized joint targets of the last action, -1..1.
    pub joint_action: Joints,
    /// Joint targets of the last physics step, rad.
    pub joint_targets: Joints,
}

impl ControllerState {
    /// Standing at `position` (m, on the ground) with `heading` (rad).
    pub fn standing(anatomy: &Anatomy, position: Vec3, heading: f32) -> Self {
        Self {
            mode: Mode::Walk,
            time_in_mode: 0.0,
            requested_command: Command::default(),
            command: Command::default(),
            gait: Gait::stand(anatomy, position, heading, position.y),
            smoothed_velocity: Vec3::ZERO,
            harness: Harness { target_heading: heading, integral: Vec3::ZERO },
            time_in_air: 0.0,
            ground_height: position.y,
            joint_action: [0.0; JOINT_COUNT],
            joint_targets: [0.0; JOINT_COUNT],
        }
    }
}
