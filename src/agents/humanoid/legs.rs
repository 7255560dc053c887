//! From foot plans to joint targets: the feet's ways, inverse kinematics for the legs, counter-swing for the arms.

use std::f32::consts::{FRAC_PI_2, PI};

use bevy::math::{Mat3, Quat, Vec3, ops};

use super::actuators::{Actuators, Joints};
use super::anatomy::Anatomy;
use super::frames::{ahead, smooth, turned, wrap};
use super::gait::{Gait, Pace, Pelvis, REACH, TRIP_LIFT, duty, running, stride_rate};
use super::joint;

/// Toe-down pitch at lift-off and toe-up pitch at touch-down, rad, at 1.4 m/s.
const TOE_OFF: f32 = 0.60;
const HEEL_STRIKE: f32 = 0.20;
/// Parts of the stance: end of the roll onto the sole, start of the heel's rise.
const SOLE_FLAT: [f32; 2] = [0.12, 0.50];
/// Height of the swing foot over flat ground, m, and its growth per m/s above walking speed.
const CLEARANCE: [f32; 2] = [0.06, 0.08];
/// Height kept over obstacles, m.
const OBSTACLE_CLEARANCE: f32 = 0.07;
/// How far back, m, a foot is drawn that is lifted so.
const TRIP_BACK: f32 = 0.12;
/// Part of the swing after which the foot is where it will stand, and only comes down.
const ARRIVAL: f32 = 0.92;
/// Part of the swing in which a foot that climbs goes up only.
const CLIMB_WAIT: f32 = 0.15;
/// How much of the pelvis' tilt a standing leg takes out of its target.
const UPRIGHT_SHARE: f32 = 0.5;
/// Shoulder swing, rad, per metre that the opposite foot is ahead of the hip.
const ARM_SWING: f32 = 1.0;

impl Gait {
    /// Foot pitch, rad, toes up positive.
    fn pitch(&self, leg: usize, pace: &Pace) -> f32 {
        if !self.moving {
            return 0.0;
        }
        let speed = pace.velocity.length();
        let amount = (pace.forward / 1.4).clamp(0.0, 1.0) * (1.0 - 0.5 * pace.crouch);
        let run = running(speed);
        let phase = self.leg_phase(leg);
        let duty = duty(speed);
        let (off, strike) = (-TOE_OFF * amount, HEEL_STRIKE * amount * (1.0 - run));
        if self.feet[leg].stance && phase < duty {
            let u = phase / duty;
            if u < SOLE_FLAT[0] {
                strike * (1.0 - u / SOLE_FLAT[0])
            } else {
                let rise = ((u - SOLE_FLAT[1]) / (1.0 - SOLE_FLAT[1])).max(0.0);
                off * rise * rise
            }
        } else if self.feet[leg].stance {
            strike
        } else {
            let s = self.feet[leg].progress.min(1.0);
            // Toes up early where they could catch.
            let level = if self.feet[leg].climbs() || self.feet[leg].trip > 0.0 { 0.3 } else { 0.6 };
            off * (1.0 + 0.25 * ops::sin(PI * (s / 0.3).min(1.0))) * (1.0 - smooth(s / level))
                + strike * smooth((s - 0.5) / 0.5)
        }
    }

    /// From the sole's reference point to the ankle: the foot turns about its ball or its heel.
    pub(super) fn sole_to_ankle(&self, leg: usize, anatomy: &Anatomy, pace: &Pace) -> Vec3 {
        let pitch = self.pitch(leg, pace);
        let foot = &self.feet[leg];
        let pivot = if pitch < 0.0 { anatomy.ball } else { -anatomy.heel };
        let yaw = if foot.stance { foot.yaw } else { foot.target_yaw };
        let (s, c) = ops::sin_cos(pitch);
        // The ankle seen from the pivot: -pivot ahead, the ankle's height up.
        let (x, y) = (-pivot, anatomy.ankle_height);
        ahead(yaw) * (pivot + c * x - s * y) + Vec3::Y * (s * x + c * y)
    }

    /// Where a swinging sole is planned to be, without its lift: at rest over the ground at both ends, and carried with
    /// the pelvis in between so that it cannot be left behind.
    pub(super) fn swing_place(&self, leg: usize, pelvis: &Pelvis, pace: &Pace) -> Vec3 {
        let foot = &self.feet[leg];
        let speed = pace.velocity.length();
        let swing = (1.0 - duty(speed)) / stride_rate(pace);
        // Over an obstacle the foot goes up before it goes forward.
        let wait = if foot.climbs() { CLIMB_WAIT } else { 0.0 };
        let s = ((foot.progress - wait) / (ARRIVAL - wait)).clamp(0.0, 1.0);
        let back = pelvis.velocity.with_y(0.0) * -swing;
        let sway = back * (s * (1.0 - s) * (1.0 - 2.0 * s) + (foot.progress - 1.0).max(0.0));
        (pelvis.position + foot.start.lerp(foot.end, s * s * (3.0 - 2.0 * s)) + sway).with_y(foot.anchor.y)
    }

    /// Ankle position and foot orientation now.
    fn foot_pose(&self, leg: usize, anatomy: &Anatomy, pace: &Pace, pelvis: &Pelvis) -> (Vec3, Quat) {
        let foot = &self.feet[leg];
        let offset = self.sole_to_ankle(leg, anatomy, pace);
        let (place, yaw) = if foot.stance {
            (foot.anchor, foot.yaw)
        } else {
            let speed = pace.velocity.length();
            let s = self.feet[leg].progress.min(1.0);
            let mut place = self.swing_place(leg, pelvis, pace);
            let free = 1.0 - smooth((s - 0.6) / 0.3);
            place -= pace.velocity.normalize_or_zero() * (TRIP_BACK / TRIP_LIFT * foot.trip * free);
            let flat = foot.anchor.y.max(foot.target.y);
            let bump = CLEARANCE[0] + CLEARANCE[1] * (speed - 1.4).max(0.0);
            let lift = (foot.crest - flat).max(0.0) + if foot.climbs() { OBSTACLE_CLEARANCE } else { bump };
            // Up early, down late.
            let rise = if foot.target.y > foot.anchor.y { smooth(s / 0.4) } else { smooth((s - 0.5) / 0.5) };
            let arch = ops::sin(PI * ops::powf(s, if foot.climbs() { 0.6 } else { 1.0 }));
            place.y = foot.anchor.y
                + (foot.target.y - foot.anchor.y) * rise
                + lift * arch
                + foot.trip * (1.0 - smooth((s - 0.7) / 0.3));
            (place, foot.yaw + wrap(foot.target_yaw - foot.yaw) * smooth(s))
        };
        let rotation = turned(Vec3::Y, yaw) * turned(Vec3::X, self.pitch(leg, pace));
        (place + offset, rotation)
    }

    /// Write the joint targets for an upright pelvis.
    pub fn pose(&self, anatomy: &Anatomy, actuators: &Actuators, pace: &Pace, pelvis: &Pelvis, angles: &mut Joints) {
        let (hips, heading) = (pelvis.position, pelvis.heading);
        let trunk = turned(Vec3::Y, heading);
        let mut reach = [0.0; 2];
        for (leg, reach) in reach.iter_mut().enumerate() {
            let (ankle, foot) = self.foot_pose(leg, anatomy, pace, pelvis);
            // A swinging leg goes by where the pelvis is, a standing leg also turns it upright.
            let base = if self.feet[leg].stance { pelvis.rotation.lerp(trunk, UPRIGHT_SHARE) } else { pelvis.rotation };
            let to = within_reach(anatomy, ankle - hips - base * anatomy.hips[leg]);
            solve_leg(anatomy, actuators, leg, to, base, foot, angles);
            *reach = to.dot(ahead(heading));
        }
        let run = running(pace.velocity.length());
        upper_body(reach, run, pace, angles);
    }
}

/// Bring an ankle's place, seen from the hip, within the leg's reach without changing its height.
fn within_reach(anatomy: &Anatomy, to: Vec3) -> Vec3 {
    let reach = REACH * (anatomy.thigh + anatomy.shin);
    let flat = to.with_y(0.0);
    let wide = (reach * reach - to.y * to.y).max(0.01).sqrt();
    flat.clamp_length_max(wide).with_y(to.y)
}

/// Two-link inverse kinematics: hip, knee and ankle angles for the ankle at `to` m from the hip.
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
    let lead =
        ops::acos(((thigh * thigh + distance * distance - shin * shin) / (2.0 * thigh * distance)).clamp(-1.0, 1.0));
    // The knee bends towards the toes; the leg's plane holds hip, ankle and the foot's heading.
    let toes = foot * Vec3::NEG_Z;
    let toes = Vec3::new(toes.x, 0.0, toes.z).normalize_or(trunk * Vec3::NEG_Z);
    let right = along.cross(toes).normalize_or(trunk * Vec3::X);
    let down = turned(right, lead) * along;
    let upper = Quat::from_mat3(&Mat3::from_cols(right, -down, right.cross(-down)));
    let lower = upper * turned(Vec3::X, -knee);
    actuators.aim(anatomy.thighs[leg], trunk.inverse() * upper, angles);
    actuators.aim(anatomy.shins[leg], upper.inverse() * lower, angles);
    actuators.aim(anatomy.feet[leg], lower.inverse() * foot, angles);
}

/// Trunk, head and arms: each arm goes with the opposite leg (Elftman 1939), whose reach ahead of its hip is in m.
fn upper_body(reach: [f32; 2], run: f32, pace: &Pace, angles: &mut Joints) {
    let twist = (reach[0] - reach[1]).clamp(-1.0, 1.0);
    // The shoulders turn against the hips.
    angles[joint("thorax_twist")] = 0.15 * twist;
    angles[joint("neck_turn")] = (0.3 * pace.turn - 0.15 * twist).clamp(-0.8, 0.8);
    angles[joint("lumbar_flexion")] = 0.02 + 0.08 * run + 0.35 * pace.crouch;
    angles[joint("lumbar_bend")] = 0.0;
    angles[joint("neck_flexion")] = -0.25 * pace.crouch;
    for (arm, opposite) in [("left", 1), ("right", 0)] {
        let swing = reach[opposite].clamp(-0.6, 0.6);
        let at =
            |name: &str| super::JOINTS.iter().position(|j| j.strip_prefix(arm).is_some_and(|j| j == name)).unwrap_or(0);
        angles[at("_shoulder_flexion")] = ARM_SWING * (1.0 + 0.4 * run) * swing + 0.1 * run + 0.5 * pace.crouch;
        angles[at("_shoulder_abduction")] = 0.12;
        angles[at("_shoulder_rotation")] = 0.0;
        angles[at("_elbow")] = 0.3 + 0.5 * swing.max(0.0) + (FRAC_PI_2 - 0.4) * run;
    }
}
