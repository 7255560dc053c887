//! Jumping, lying and getting up.

use bevy::math::{Vec3, ops};

use super::actuators::Joints;
use super::frames::turned;
use super::gait::{CROUCH_DROP, Gait, Pace, Pelvis};
use super::harness::Hold;
use super::legs::solve_leg;
use super::motion::{Command, Mode, Now, STAND_GAIN};
use super::{Humanoid, JOINT_COUNT, joint};
use crate::sim::GRAVITY;

/// Time spent limp, s, at least and at most; in between it waits until it lies still, m/s.
const LIMP_TIME: [f32; 2] = [1.0, 1.7];
const STILL_SPEED: f32 = 0.5;
/// Servo gain while limp and while gathering.
const LIMP_GAIN: f32 = 0.04;
const GATHER_GAIN: f32 = 0.5;
/// Up again: cosine of the tilt, height of the hips over the ground, m, and their distance from the wanted height, m.
const RISEN_COSINE: f32 = 0.9;
const RISEN_HEIGHT: f32 = 0.75;
const RISEN_TOLERANCE: f32 = 0.12;
/// Forward lean at the start of the rise, rad.
const RISE_LEAN: f32 = 0.15;
/// Getting up, s: gather the legs, then rise; give up after.
const GATHER_TIME: f32 = 0.9;
const RISE_TIME: f32 = 1.0;
const GIVE_UP_TIME: f32 = 3.5;
/// Height of the hips over the ground while gathering, m: a deep squat.
const SQUAT_HEIGHT: f32 = 0.45;

/// Jump: longest dip, push, flight and recovery, s.
pub(super) const DIP_TIME: f32 = 0.2;
const PUSH_TIME: f32 = 0.3;
const FLIGHT_TIME: f32 = 1.2;
const LAND_TIME: f32 = 0.3;
/// Depth of the dip as crouch, speed aimed at in the push, m/s, and rise of the hips over standing, m: an average
/// counter-movement jump.
const DIP: f32 = 0.55;
const TAKE_OFF_SPEED: f32 = 2.5;
const JUMP_RISE: f32 = 0.32;
/// Leg length in flight, share of straight.
const TUCK: f32 = 0.88;

impl Humanoid {
    /// A gait that stands with both feet below the hips, moved by `offset`.
    pub(super) fn planted(&self, pelvis: &Pelvis, offset: Vec3) -> Gait {
        let mut place = pelvis.position + offset;
        place.y = self.memory.ground;
        let mut gait = Gait::stand(&self.anatomy, place, pelvis.heading, self.memory.ground);
        gait.height = pelvis.position.y;
        gait
    }

    pub(super) fn jump(&mut self, dt: f32, now: &Now, targets: &mut Joints) -> (Hold, f32) {
        let pelvis = &now.pelvis;
        let pace = self.pace(pelvis);
        let standing = self.memory.ground + self.anatomy.hip_height();
        let clock = self.memory.clock;
        let grounded = now.contact != [false; 2];
        let mut hold = Hold { velocity: Some(pace.velocity), turn: Some(pace.turn), ..Hold::UPRIGHT };
        let mut hips = pelvis.position + pelvis.velocity * dt;
        match self.memory.mode {
            Mode::Dip => {
                hips.y = standing - CROUCH_DROP * DIP * (clock / DIP_TIME).min(1.0);
                hold.height = Some(hips.y);
                if clock > DIP_TIME {
                    self.enter(Mode::Push);
                }
            }
            Mode::Push => {
                hips.y = (hips.y + TAKE_OFF_SPEED * dt).max(standing - CROUCH_DROP * DIP) + 0.05;
                // Only the speed is held: the height follows it.
                hold.height = Some(pelvis.position.y);
                hold.climb = 2.0 * TAKE_OFF_SPEED;
                let apex = pelvis.position.y + pelvis.velocity.y.max(0.0) * pelvis.velocity.y / (2.0 * GRAVITY);
                if apex >= standing + JUMP_RISE || clock > PUSH_TIME {
                    self.enter(Mode::Flight);
                }
            }
            Mode::Flight => {
                hold.velocity = None;
                if (clock > 0.15 && grounded && pelvis.velocity.y < 0.5) || clock > FLIGHT_TIME {
                    self.memory.gait = self.planted(pelvis, Vec3::ZERO);
                    self.enter(Mode::Land);
                }
            }
            _ => {
                let depth = 0.3 * (1.0 - clock / LAND_TIME).max(0.0);
                hips.y = standing - 0.03 - CROUCH_DROP * depth;
                hold.height = Some(hips.y);
                if clock > LAND_TIME {
                    self.enter(Mode::Walk);
                }
            }
        }
        if self.memory.mode == Mode::Flight {
            let trunk = turned(Vec3::Y, pelvis.heading);
            let drop = TUCK * (self.anatomy.thigh + self.anatomy.shin);
            for leg in 0..2 {
                let to = Vec3::NEG_Y * drop + pace.velocity * 0.08;
                solve_leg(&self.anatomy, &self.actuators, leg, to, trunk, trunk, targets);
            }
            for arm in ["left_shoulder_flexion", "right_shoulder_flexion"] {
                targets[joint(arm)] = 1.2;
            }
        } else {
            let still = Pace::default();
            self.memory.gait.height = hips.y;
            self.memory.gait.pose(
                &self.anatomy,
                &self.actuators,
                &still,
                &Pelvis { position: hips, ..*pelvis },
                targets,
            );
        }
        (hold, 1.0)
    }

    pub(super) fn lie(&mut self, now: &Now, targets: &mut Joints) -> (Hold, f32) {
        *targets = [0.0; JOINT_COUNT];
        for name in ["left_knee", "right_knee", "left_elbow", "right_elbow", "left_hip_flexion", "right_hip_flexion"] {
            targets[joint(name)] = 0.4;
        }
        let clock = self.memory.clock;
        let rests = clock > LIMP_TIME[0] && now.pelvis.velocity.length() < STILL_SPEED;
        if (rests || clock > LIMP_TIME[1]) && self.options.harness > 0.0 {
            self.enter(Mode::GetUp);
        }
        let risen = now.upright > RISEN_COSINE && now.pelvis.position.y - self.memory.ground > RISEN_HEIGHT;
        if rests && risen && self.options.harness == 0.0 {
            // A body without a harness got up by its own joints.
            self.memory.gait = self.planted(&now.pelvis, Vec3::ZERO);
            self.enter(Mode::Walk);
        }
        (Hold { strength: 0.0, ..Hold::UPRIGHT }, LIMP_GAIN)
    }

    pub(super) fn get_up(&mut self, dt: f32, now: &Now, targets: &mut Joints) -> (Hold, f32) {
        let pelvis = &now.pelvis;
        let clock = self.memory.clock;
        let mut hold = Hold { velocity: Some(Vec3::ZERO), lean: RISE_LEAN, ..Hold::UPRIGHT };
        if clock < GATHER_TIME {
            let t = clock / GATHER_TIME;
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
                targets[joint(name)] = angle * (2.0 * t).min(1.0);
            }
            hold.strength = t;
            hold.height = Some(self.memory.ground + SQUAT_HEIGHT);
            self.memory.gait = self.planted(pelvis, Vec3::ZERO);
            return (hold, LIMP_GAIN + (GATHER_GAIN - LIMP_GAIN) * t);
        }
        let t = ((clock - GATHER_TIME) / RISE_TIME).min(1.0);
        let ease = 0.5 - 0.5 * ops::cos(std::f32::consts::PI * t);
        let standing = self.memory.gait.support + self.anatomy.hip_height() - 0.03;
        let start = self.memory.gait.support + SQUAT_HEIGHT;
        let mut hips = pelvis.position + pelvis.velocity * dt;
        hips.y = start + (standing - start) * ease;
        hold.height = Some(hips.y);
        let pace = Pace { crouch: 0.5 * (1.0 - ease), ..Pace::default() };
        self.memory.gait.height = hips.y;
        self.memory.gait.pose(&self.anatomy, &self.actuators, &pace, &Pelvis { position: hips, ..*pelvis }, targets);
        let middle = (self.memory.gait.feet[0].anchor + self.memory.gait.feet[1].anchor) * 0.5;
        let back = (middle - pelvis.position) * STAND_GAIN;
        hold.velocity = Some(Vec3::new(back.x, 0.0, back.z));
        hold.turn = Some(0.0);
        hold.lean = RISE_LEAN * (1.0 - ease);
        let up = now.upright > RISEN_COSINE && (pelvis.position.y - standing).abs() < RISEN_TOLERANCE;
        if t >= 1.0 && up {
            self.memory.command = Command::default();
            self.enter(Mode::Walk);
        } else if clock > GIVE_UP_TIME {
            self.enter(Mode::Down);
        }
        (hold, GATHER_GAIN + (1.0 - GATHER_GAIN) * t)
    }
}
