//! Jumping, lying and getting up.

use bevy::math::{Vec3, ops};

use super::body::Humanoid;
use super::command::Command;
use super::frames::axis_angle;
use super::gait::{CROUCH_DEPTH, Gait, GaitCommand, Pelvis};
use super::harness::{STAND_GAIN, Setpoint};
use super::inverse_kinematics::solve_leg;
use super::joints::{JOINT_COUNT, Joints, joint_index};
use super::measurement::Measurement;
use super::state::Mode;
use crate::sim::GRAVITY;

/// Time in [`Mode::Down`], s: at least and at most. In between it ends once the body is slower than [`STILL_SPEED`].
const LIMP_TIME: [f32; 2] = [1.0, 1.7];
/// Speed below which a lying body counts as still, m/s.
const STILL_SPEED: f32 = 0.5;
/// Servo gain of a limp body.
const LIMP_GAIN: f32 = 0.04;
/// Servo gain at the end of the squat, while getting up.
const SQUAT_GAIN: f32 = 0.5;
/// The body stands again above this cosine of the tilt.
const UPRIGHT_COSINE: f32 = 0.9;
/// The body stands again above this height of the hips over the ground, m.
const UPRIGHT_HEIGHT: f32 = 0.75;
/// The body stands again within this distance of the hips from their standing height, m.
const UPRIGHT_TOLERANCE: f32 = 0.12;
/// Forward lean at the start of the rise, rad.
const RISE_LEAN: f32 = 0.15;
/// Getting up, first part: time in which the legs move into a squat, s.
const SQUAT_TIME: f32 = 0.9;
/// Getting up, second part: time of the rise from the squat, s.
const RISE_TIME: f32 = 1.0;
/// Time after which an attempt to get up ends without success, s.
const GET_UP_TIMEOUT: f32 = 3.5;
/// Height of the hips over the ground in the squat, m.
const SQUAT_HEIGHT: f32 = 0.45;

/// Jump: time of the dip, s.
pub(super) const DIP_TIME: f32 = 0.2;
/// Jump: maximum time of the push, s.
const PUSH_TIME: f32 = 0.3;
/// Jump: maximum time of the flight, s.
const FLIGHT_TIME: f32 = 1.2;
/// Jump: time of the landing, s.
const LAND_TIME: f32 = 0.3;
/// Jump: depth of the dip, as crouch.
const DIP_CROUCH: f32 = 0.55;
/// Jump: target vertical speed of the hips during the push, m/s.
const TAKE_OFF_SPEED: f32 = 2.5;
/// Jump: rise of the hips over their standing height, m: an average counter-movement jump.
const JUMP_HEIGHT: f32 = 0.32;
/// Jump: leg length in flight, as a fraction of the straight leg.
const TUCK_LENGTH: f32 = 0.88;

impl Humanoid {
    /// A standing gait with both feet on the ground below the hips, shifted by `offset` (m).
    pub(super) fn gait_below(&self, pelvis: &Pelvis, offset: Vec3) -> Gait {
        let mut position = pelvis.position + offset;
        position.y = self.state.ground_height;
        let mut gait = Gait::stand(&self.anatomy, position, pelvis.heading, self.state.ground_height);
        gait.height = pelvis.position.y;
        gait
    }

    /// Counter-movement jump: dip, push, flight and landing.
    pub(super) fn jump(&mut self, dt: f32, measured: &Measurement, targets: &mut Joints) -> (Setpoint, f32) {
        let pelvis = &measured.pelvis;
        let gait_command = self.gait_command(pelvis);
        let standing_height = self.state.ground_height + self.anatomy.hip_height();
        let time = self.state.time_in_mode;
        let grounded = measured.contact != [false; 2];
        let mut setpoint = Setpoint {
            velocity: Some(gait_command.velocity),
            turn_rate: Some(gait_command.turn_rate),
            ..Setpoint::UPRIGHT
        };
        let mut hips = pelvis.position + pelvis.velocity * dt;
        match self.state.mode {
            Mode::Dip => {
                hips.y = standing_height - CROUCH_DEPTH * DIP_CROUCH * (time / DIP_TIME).min(1.0);
                setpoint.height = Some(hips.y);
                if time > DIP_TIME {
                    self.set_mode(Mode::Push);
                }
            }
            Mode::Push => {
                hips.y = (hips.y + TAKE_OFF_SPEED * dt).max(standing_height - CROUCH_DEPTH * DIP_CROUCH) + 0.05;
                // The height error is 0: only the vertical velocity is controlled.
                setpoint.height = Some(pelvis.position.y);
                setpoint.vertical_velocity = 2.0 * TAKE_OFF_SPEED;
                let apex = pelvis.position.y + pelvis.velocity.y.max(0.0) * pelvis.velocity.y / (2.0 * GRAVITY);
                if apex >= standing_height + JUMP_HEIGHT || time > PUSH_TIME {
                    self.set_mode(Mode::Flight);
                }
            }
            Mode::Flight => {
                setpoint.velocity = None;
                if (time > 0.15 && grounded && pelvis.velocity.y < 0.5) || time > FLIGHT_TIME {
                    self.state.gait = self.gait_below(pelvis, Vec3::ZERO);
                    self.set_mode(Mode::Land);
                }
            }
            _ => {
                let depth = 0.3 * (1.0 - time / LAND_TIME).max(0.0);
                hips.y = standing_height - 0.03 - CROUCH_DEPTH * depth;
                setpoint.height = Some(hips.y);
                if time > LAND_TIME {
                    self.set_mode(Mode::Walk);
                }
            }
        }
        if self.state.mode == Mode::Flight {
            let trunk = axis_angle(Vec3::Y, pelvis.heading);
            let leg_length = TUCK_LENGTH * (self.anatomy.thigh + self.anatomy.shin);
            for leg in 0..2 {
                let ankle = Vec3::NEG_Y * leg_length + gait_command.velocity * 0.08;
                solve_leg(&self.anatomy, &self.actuators, leg, ankle, trunk, trunk, targets);
            }
            for arm in ["left_shoulder_flexion", "right_shoulder_flexion"] {
                targets[joint_index(arm)] = 1.2;
            }
        } else {
            let still = GaitCommand::default();
            self.state.gait.height = hips.y;
            self.state.gait.pose(
                &self.anatomy,
                &self.actuators,
                &still,
                &Pelvis { position: hips, ..*pelvis },
                targets,
            );
        }
        (setpoint, 1.0)
    }

    /// Lie limp until the body is still, then get up.
    pub(super) fn go_limp(&mut self, measured: &Measurement, targets: &mut Joints) -> (Setpoint, f32) {
        *targets = [0.0; JOINT_COUNT];
        for name in ["left_knee", "right_knee", "left_elbow", "right_elbow", "left_hip_flexion", "right_hip_flexion"] {
            targets[joint_index(name)] = 0.4;
        }
        let time = self.state.time_in_mode;
        let is_still = time > LIMP_TIME[0] && measured.pelvis.velocity.length() < STILL_SPEED;
        if (is_still || time > LIMP_TIME[1]) && self.options.harness > 0.0 {
            self.set_mode(Mode::GetUp);
        }
        let is_upright =
            measured.upright > UPRIGHT_COSINE && measured.pelvis.position.y - self.state.ground_height > UPRIGHT_HEIGHT;
        if is_still && is_upright && self.options.harness == 0.0 {
            // Without a harness the body got up by its own joint torques.
            self.state.gait = self.gait_below(&measured.pelvis, Vec3::ZERO);
            self.set_mode(Mode::Walk);
        }
        (Setpoint { strength: 0.0, ..Setpoint::UPRIGHT }, LIMP_GAIN)
    }

    /// Move the legs into a squat, then rise from it.
    pub(super) fn get_up(&mut self, dt: f32, measured: &Measurement, targets: &mut Joints) -> (Setpoint, f32) {
        let pelvis = &measured.pelvis;
        let time = self.state.time_in_mode;
        let mut setpoint = Setpoint { velocity: Some(Vec3::ZERO), lean: RISE_LEAN, ..Setpoint::UPRIGHT };
        if time < SQUAT_TIME {
            let progress = time / SQUAT_TIME;
            *targets = [0.0; JOINT_COUNT];
            for (name, angle) in [
                ("left_hip_flexion", 1.7),
                ("right_hip_flexion", 1.7),
                ("left_knee", 2.2),
                ("right_knee", 2.2),
                ("left_ankle_flexion", 0.4),
                ("right_ankle_flexion", 0.4),
                ("left_shoulder_flexion", 0.6),
                ("right_shoulder_flexion", 0.6),
                ("left_elbow", 0.6),
                ("right_elbow", 0.6),
                ("lumbar_flexion", 0.4),
            ] {
                targets[joint_index(name)] = angle * (2.0 * progress).min(1.0);
            }
            setpoint.strength = progress;
            setpoint.height = Some(self.state.ground_height + SQUAT_HEIGHT);
            self.state.gait = self.gait_below(pelvis, Vec3::ZERO);
            return (setpoint, LIMP_GAIN + (SQUAT_GAIN - LIMP_GAIN) * progress);
        }
        let progress = ((time - SQUAT_TIME) / RISE_TIME).min(1.0);
        // Cosine interpolation of heights and lean.
        let eased = 0.5 - 0.5 * ops::cos(std::f32::consts::PI * progress);
        let standing_height = self.state.gait.support_height + self.anatomy.hip_height() - 0.03;
        let start = self.state.gait.support_height + SQUAT_HEIGHT;
        let mut hips = pelvis.position + pelvis.velocity * dt;
        hips.y = start + (standing_height - start) * eased;
        setpoint.height = Some(hips.y);
        let gait_command = GaitCommand { crouch: 0.5 * (1.0 - eased), ..GaitCommand::default() };
        self.state.gait.height = hips.y;
        self.state.gait.pose(
            &self.anatomy,
            &self.actuators,
            &gait_command,
            &Pelvis { position: hips, ..*pelvis },
            targets,
        );
        let feet_center = (self.state.gait.feet[0].stance_position + self.state.gait.feet[1].stance_position) * 0.5;
        let correction = (feet_center - pelvis.position) * STAND_GAIN;
        setpoint.velocity = Some(Vec3::new(correction.x, 0.0, correction.z));
        setpoint.turn_rate = Some(0.0);
        setpoint.lean = RISE_LEAN * (1.0 - eased);
        let up = measured.upright > UPRIGHT_COSINE && (pelvis.position.y - standing_height).abs() < UPRIGHT_TOLERANCE;
        if progress >= 1.0 && up {
            self.state.command = Command::default();
            self.set_mode(Mode::Walk);
        } else if time > GET_UP_TIMEOUT {
            self.set_mode(Mode::Down);
        }
        (setpoint, SQUAT_GAIN + (1.0 - SQUAT_GAIN) * progress)
    }
}
