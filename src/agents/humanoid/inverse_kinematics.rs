//! Inverse kinematics: from the gait's foot plans to joint targets. Foot trajectories, two-link inverse kinematics for
//! the legs, and arms that swing opposite to the legs.

use std::f32::consts::{FRAC_PI_2, PI};

use bevy::math::{Mat3, Quat, Vec3, ops};

use super::actuators::Actuators;
use super::anatomy::Anatomy;
use super::frames::{ahead, axis_angle, minimum_jerk, wrap};
use super::gait::{Gait, GaitCommand, Pelvis, REACH, TRIP_LIFT, duty_factor, running_fraction, stride_rate};
use super::joints::{JOINTS, Joints, joint_index};

/// Pitch of the foot at lift-off, toes down, at 1.4 m/s, rad.
const TOE_OFF: f32 = 0.60;
/// Pitch of the foot at touch-down, toes up, at 1.4 m/s, rad.
const HEEL_STRIKE: f32 = 0.20;
/// Fractions of the stance at which the roll onto the sole ends and the heel begins to rise.
const SOLE_FLAT: [f32; 2] = [0.12, 0.50];
/// Clearance of the swing foot over flat ground, m, and its increase per m/s above walking speed.
const CLEARANCE: [f32; 2] = [0.06, 0.08];
/// Clearance of the swing foot over obstacles, m.
const OBSTACLE_CLEARANCE: f32 = 0.07;
/// How far the elevating reflex draws the foot back, m.
const TRIP_BACK: f32 = 0.12;
/// Fraction of the swing after which the foot is above its foothold and only goes down.
const ARRIVAL: f32 = 0.92;
/// Fraction of the swing in which a foot that steps over an obstacle only goes up.
const CLIMB_WAIT: f32 = 0.15;
/// Fraction of the pelvis' tilt that a stance leg corrects.
const PELVIS_TILT_CORRECTION: f32 = 0.5;
/// Shoulder flexion, rad per m that the opposite foot is ahead of its hip.
const ARM_SWING: f32 = 1.0;

impl Gait {
    /// Pitch of a foot, rad, positive with toes up.
    fn pitch(&self, leg: usize, command: &GaitCommand) -> f32 {
        if !self.moving {
            return 0.0;
        }
        let speed = command.velocity.length();
        let amount = (command.forward / 1.4).clamp(0.0, 1.0) * (1.0 - 0.5 * command.crouch);
        let running_fraction = running_fraction(speed);
        let phase = self.leg_phase(leg);
        let duty_factor = duty_factor(speed);
        let (toe_off, heel_strike) = (-TOE_OFF * amount, HEEL_STRIKE * amount * (1.0 - running_fraction));
        if self.feet[leg].stance && phase < duty_factor {
            let u = phase / duty_factor;
            if u < SOLE_FLAT[0] {
                heel_strike * (1.0 - u / SOLE_FLAT[0])
            } else {
                let rise = ((u - SOLE_FLAT[1]) / (1.0 - SOLE_FLAT[1])).max(0.0);
                toe_off * rise * rise
            }
        } else if self.feet[leg].stance {
            heel_strike
        } else {
            let progress = self.feet[leg].progress.min(1.0);
            // Toes go up early where they could hit something.
            let end = if self.feet[leg].steps_over_obstacle() || self.feet[leg].trip_lift > 0.0 { 0.3 } else { 0.6 };
            toe_off * (1.0 + 0.25 * ops::sin(PI * (progress / 0.3).min(1.0))) * (1.0 - minimum_jerk(progress / end))
                + heel_strike * minimum_jerk((progress - 0.5) / 0.5)
        }
    }

    /// Vector from the sole's reference point to the ankle, m: the foot pitches about its ball or its heel.
    pub(super) fn sole_to_ankle(&self, leg: usize, anatomy: &Anatomy, command: &GaitCommand) -> Vec3 {
        let pitch = self.pitch(leg, command);
        let foot = &self.feet[leg];
        let pivot = if pitch < 0.0 { anatomy.ball } else { -anatomy.heel };
        let heading = if foot.stance { foot.stance_heading } else { foot.foothold_heading };
        let (sin, cos) = ops::sin_cos(pitch);
        // The ankle relative to the pivot: -pivot forward, the ankle's height up.
        let (x, y) = (-pivot, anatomy.ankle_height);
        ahead(heading) * (pivot + cos * x - sin * y) + Vec3::Y * (sin * x + cos * y)
    }

    /// Planned position of a swing foot's sole, without its lift. At lift-off and landing it is at rest relative to the
    /// ground; in between it moves with the pelvis, so that it keeps up with the body.
    pub(super) fn swing_position(&self, leg: usize, pelvis: &Pelvis, command: &GaitCommand) -> Vec3 {
        let foot = &self.feet[leg];
        let speed = command.velocity.length();
        let swing = (1.0 - duty_factor(speed)) / stride_rate(command);
        // A foot that steps over an obstacle goes up before it goes forward.
        let wait = if foot.steps_over_obstacle() { CLIMB_WAIT } else { 0.0 };
        let progress = ((foot.progress - wait) / (ARRIVAL - wait)).clamp(0.0, 1.0);
        let ground_motion = pelvis.velocity.with_y(0.0) * -swing;
        let correction =
            ground_motion * (progress * (1.0 - progress) * (1.0 - 2.0 * progress) + (foot.progress - 1.0).max(0.0));
        (pelvis.position + foot.lift_off.lerp(foot.landing, progress * progress * (3.0 - 2.0 * progress)) + correction)
            .with_y(foot.stance_position.y)
    }

    /// Target position of the ankle (m) and target orientation of the foot.
    fn foot_pose(&self, leg: usize, anatomy: &Anatomy, command: &GaitCommand, pelvis: &Pelvis) -> (Vec3, Quat) {
        let foot = &self.feet[leg];
        let offset = self.sole_to_ankle(leg, anatomy, command);
        let (position, heading) = if foot.stance {
            (foot.stance_position, foot.stance_heading)
        } else {
            let speed = command.velocity.length();
            let progress = self.feet[leg].progress.min(1.0);
            let mut position = self.swing_position(leg, pelvis, command);
            let free = 1.0 - minimum_jerk((progress - 0.6) / 0.3);
            position -= command.velocity.normalize_or_zero() * (TRIP_BACK / TRIP_LIFT * foot.trip_lift * free);
            let higher_end = foot.stance_position.y.max(foot.foothold.y);
            let clearance = CLEARANCE[0] + CLEARANCE[1] * (speed - 1.4).max(0.0);
            let lift = (foot.max_ground_height - higher_end).max(0.0)
                + if foot.steps_over_obstacle() { OBSTACLE_CLEARANCE } else { clearance };
            // A foot goes up early or down late.
            let rise = if foot.foothold.y > foot.stance_position.y {
                minimum_jerk(progress / 0.4)
            } else {
                minimum_jerk((progress - 0.5) / 0.5)
            };
            let arch = ops::sin(PI * ops::powf(progress, if foot.steps_over_obstacle() { 0.6 } else { 1.0 }));
            position.y = foot.stance_position.y
                + (foot.foothold.y - foot.stance_position.y) * rise
                + lift * arch
                + foot.trip_lift * (1.0 - minimum_jerk((progress - 0.7) / 0.3));
            (position, foot.stance_heading + wrap(foot.foothold_heading - foot.stance_heading) * minimum_jerk(progress))
        };
        let rotation = axis_angle(Vec3::Y, heading) * axis_angle(Vec3::X, self.pitch(leg, command));
        (position + offset, rotation)
    }

    /// Write the joint targets for the foot plans.
    pub fn pose(
        &self,
        anatomy: &Anatomy,
        actuators: &Actuators,
        command: &GaitCommand,
        pelvis: &Pelvis,
        angles: &mut Joints,
    ) {
        let (hips, heading) = (pelvis.position, pelvis.heading);
        let trunk = axis_angle(Vec3::Y, heading);
        let mut reach = [0.0; 2];
        for (leg, reach) in reach.iter_mut().enumerate() {
            let (ankle, foot) = self.foot_pose(leg, anatomy, command, pelvis);
            // The targets of a swing leg use the measured orientation of the pelvis. Those of a stance leg use a more
            // upright one, so that the leg turns the pelvis upright.
            let base = if self.feet[leg].stance {
                pelvis.rotation.lerp(trunk, PELVIS_TILT_CORRECTION)
            } else {
                pelvis.rotation
            };
            let to = clamp_to_reach(anatomy, ankle - hips - base * anatomy.hips[leg]);
            solve_leg(anatomy, actuators, leg, to, base, foot, angles);
            *reach = to.dot(ahead(heading));
        }
        let running_fraction = running_fraction(command.velocity.length());
        upper_body(reach, running_fraction, command, angles);
    }
}

/// Clamp an ankle's position relative to the hip (m) to the leg's reach, without a change of its height.
fn clamp_to_reach(anatomy: &Anatomy, to: Vec3) -> Vec3 {
    let reach = REACH * (anatomy.thigh + anatomy.shin);
    let max_distance = (reach * reach - to.y * to.y).max(0.01).sqrt();
    to.with_y(0.0).clamp_length_max(max_distance).with_y(to.y)
}

/// Two-link inverse kinematics: write the hip, knee and ankle angles that put the ankle at `to` relative to the hip
/// (m).
pub(super) fn solve_leg(
    anatomy: &Anatomy,
    actuators: &Actuators,
    leg: usize,
    to: Vec3,
    trunk: Quat,
    foot: Quat,
    angles: &mut Joints,
) {
    let (thigh, shin) = (anatomy.thigh, anatomy.shin);
    let straight = thigh + shin;
    let distance = to.length().clamp(0.35 * straight, 0.999 * straight);
    let along = to.normalize_or(Vec3::NEG_Y);
    let knee =
        PI - ops::acos(((thigh * thigh + shin * shin - distance * distance) / (2.0 * thigh * shin)).clamp(-1.0, 1.0));
    let hip_offset =
        ops::acos(((thigh * thigh + distance * distance - shin * shin) / (2.0 * thigh * distance)).clamp(-1.0, 1.0));
    // The knee bends towards the toes: the plane of the leg contains hip, ankle and the foot's heading.
    let toes = foot * Vec3::NEG_Z;
    let toes = Vec3::new(toes.x, 0.0, toes.z).normalize_or(trunk * Vec3::NEG_Z);
    let right = along.cross(toes).normalize_or(trunk * Vec3::X);
    let down = axis_angle(right, hip_offset) * along;
    let upper = Quat::from_mat3(&Mat3::from_cols(right, -down, right.cross(-down)));
    let lower = upper * axis_angle(Vec3::X, -knee);
    actuators.write_angles(anatomy.thighs[leg], trunk.inverse() * upper, angles);
    actuators.write_angles(anatomy.shins[leg], upper.inverse() * lower, angles);
    actuators.write_angles(anatomy.feet[leg], lower.inverse() * foot, angles);
}

/// Write the targets of trunk, head and arms. Each arm swings with the opposite leg (Elftman 1939). `reach` is how far
/// each foot is ahead of its hip, m.
fn upper_body(reach: [f32; 2], running_fraction: f32, command: &GaitCommand, angles: &mut Joints) {
    let twist = (reach[0] - reach[1]).clamp(-1.0, 1.0);
    // The shoulders turn opposite to the hips.
    angles[joint_index("thorax_twist")] = 0.15 * twist;
    angles[joint_index("neck_turn")] = (0.3 * command.turn_rate - 0.15 * twist).clamp(-0.8, 0.8);
    angles[joint_index("lumbar_flexion")] = 0.02 + 0.08 * running_fraction + 0.35 * command.crouch;
    angles[joint_index("lumbar_bend")] = 0.0;
    angles[joint_index("neck_flexion")] = -0.25 * command.crouch;
    for (arm, opposite) in [("left", 1), ("right", 0)] {
        let swing = reach[opposite].clamp(-0.6, 0.6);
        let index =
            |name: &str| JOINTS.iter().position(|j| j.strip_prefix(arm).is_some_and(|j| j == name)).unwrap_or(0);
        angles[index("_shoulder_flexion")] =
            ARM_SWING * (1.0 + 0.4 * running_fraction) * swing + 0.1 * running_fraction + 0.5 * command.crouch;
        angles[index("_shoulder_abduction")] = 0.12;
        angles[index("_shoulder_rotation")] = 0.0;
        angles[index("_elbow")] = 0.3 + 0.5 * swing.max(0.0) + (FRAC_PI_2 - 0.4) * running_fraction;
    }
}
