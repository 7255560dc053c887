//! The gait: a phase variable schedules the stance and the swing of each foot, and places its footholds.
//!
//! A stance foot keeps its position on the ground, so that it does not slide while the pelvis moves. A swing foot moves
//! to the position that the hip will have half a stance later (Raibert, "Legged Robots that Balance", 1986), at the
//! height of the ground there.

use std::f32::consts::TAU;

use bevy::math::{Quat, Vec3, ops};
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::foot::Foot;
use super::frames::{left, wrap};

/// Stride rate when stepping in place, 1/s, and its increase per m/s of speed: 1.1 Hz at 1.4 m/s and 1.6 Hz at 3 m/s,
/// the upper end of human walking and running (Cavagna & Franzetti 1986), since the rigid foot shortens the step.
const STRIDE_RATE: [f32; 2] = [0.72, 0.25];
/// Increase of the stride rate per m/s of sideways speed: side steps are short, as the legs must not cross.
const SIDE_STRIDE_RATE: f32 = 0.5;
/// Duty factor, the fraction of the stride in which a foot is in stance: walking (Perry 1992), and running at 3 m/s.
const DUTY_FACTOR: [f32; 2] = [0.57, 0.38];
/// Speeds between which walking changes into running, m/s. The human transition speed is about 2 m/s.
const RUN_TRANSITION_SPEED: [f32; 2] = [1.8, 2.4];
/// Height of the hip joints in walking, as a fraction of their height with straight legs.
const WALK_HIP_HEIGHT: f32 = 0.96;
/// Height of the hip joints in standing, as a fraction of their height with straight legs.
const STAND_HIP_HEIGHT: f32 = 0.988;
/// How far the hips go down at full crouch, m.
pub(super) const CROUCH_DEPTH: f32 = 0.36;
/// Maximum leg length in the inverse kinematics, as a fraction of the straight leg: a knee never locks.
pub(super) const REACH: f32 = 0.993;
/// Lateral distance of a foot from the midline, as a fraction of the hip joint's: the step width of adults is 0.1 m.
const STEP_WIDTH: f32 = 0.75;
/// Part of the swing (progress) in which contact triggers the elevating reflex: the foot is lifted, as by a person who
/// trips (Eng, Winter & Patla 1994).
const TRIP_SWING: [f32; 2] = [0.25, 0.8];
/// Speed of the lift in the elevating reflex, m/s.
const TRIP_SPEED: f32 = 2.0;
/// Maximum lift of the elevating reflex, m.
pub(super) const TRIP_LIFT: f32 = 0.22;
/// Tracking lag from which a swing foot counts as blocked, m.
const BLOCKED_LAG: f32 = 0.16;
/// Time after which a blocked swing foot is put down where it is, s.
const MAX_BLOCKED_TIME: f32 = 0.35;
/// Maximum tracking lag at which contact ends the swing, m.
const MAX_LANDING_LAG: f32 = 0.15;
/// Swing progress at which the stance begins even without contact.
const MAX_SWING_PROGRESS: f32 = 1.25;
/// How far an ankle behind the body may be beyond the straight leg's length before the foot is lifted, m.
const MAX_OVERREACH: f32 = 0.03;
/// Swing progress after which contact ends the swing and the foothold no longer changes.
pub(super) const LATE_SWING: f32 = 0.75;
/// Swing progress from which the hip height allows for the landing.
const MID_SWING: f32 = 0.5;
/// Tolerance of the feet's position in standing, m.
const STAND_POSITION_TOLERANCE: f32 = 0.09;
/// Tolerance of the feet's heading in standing, rad.
const STAND_HEADING_TOLERANCE: f32 = 0.3;
/// Distance between the planned and the actual position of a stance foot, m, beyond which the plan follows.
const SLIP_TOLERANCE: f32 = 0.05;
/// Rate limit of the support height, m/s.
const MAX_SUPPORT_SPEED: f32 = 0.7;
/// How far the hips may go down so that a stance leg reaches the ground, m: human hips move by 0.05 m in walking.
const MAX_HIP_DROP: f32 = 0.05;
/// Time constant of the hip height, s.
const HIP_HEIGHT_TIME_CONSTANT: f32 = 0.08;

/// Target of the gait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GaitCommand {
    /// Target velocity, m/s (world axes, horizontal).
    pub velocity: Vec3,
    /// Target turning rate, rad/s.
    pub turn_rate: f32,
    /// Target speed along the heading, m/s.
    pub forward: f32,
    /// Crouch, 0 (upright) to 1.
    pub crouch: f32,
}

/// State of the pelvis.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pelvis {
    /// Midpoint of the hip joints, m.
    pub position: Vec3,
    /// Velocity, m/s.
    pub velocity: Vec3,
    /// Orientation.
    pub rotation: Quat,
    /// Heading, rad.
    pub heading: f32,
}

/// Measured state of a sole.
struct Sole {
    /// Position of the sole's point under the ankle, m.
    position: Vec3,
    in_contact: bool,
}

impl Foot {
    /// Let the plan of a stance foot follow a slip, and begin the swing when the stance `ends`.
    fn advance_stance(&mut self, sole: &Sole, ends: bool, pelvis: &Pelvis) {
        let slip = (sole.position - self.stance_position).with_y(0.0);
        let distance = slip.length();
        if sole.in_contact && distance > SLIP_TOLERANCE {
            self.stance_position += slip * (1.0 - SLIP_TOLERANCE / distance);
        }
        if ends {
            let position = self.stance_position;
            let from_pelvis = (position - pelvis.position).with_y(0.0);
            *self = Self {
                stance: false,
                progress: 0.0,
                foothold: position,
                foothold_heading: self.stance_heading,
                max_ground_height: position.y,
                lift_off: from_pelvis,
                landing: from_pelvis,
                ..*self
            };
        }
    }
}

/// State of the gait.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Gait {
    /// Phase of the left leg, 0..1, stance first. The right leg is half a stride later.
    pub phase: f32,
    /// Whether the feet step; otherwise the body stands.
    pub moving: bool,
    /// Plans of the feet (left, right).
    pub feet: [Foot; 2],
    /// Height of the ground under the stance feet, rate limited, m.
    pub support_height: f32,
    /// Target height of the hips, m.
    pub height: f32,
}

/// Fraction of running in the gait at `speed` m/s: 0 for walking, 1 for running.
pub(super) fn running_fraction(speed: f32) -> f32 {
    ((speed - RUN_TRANSITION_SPEED[0]) / (RUN_TRANSITION_SPEED[1] - RUN_TRANSITION_SPEED[0])).clamp(0.0, 1.0)
}

/// Duty factor at `speed` m/s.
pub(super) fn duty_factor(speed: f32) -> f32 {
    DUTY_FACTOR[0] + (DUTY_FACTOR[1] - DUTY_FACTOR[0]) * running_fraction(speed)
}

/// Strides per second.
pub(super) fn stride_rate(command: &GaitCommand) -> f32 {
    let speed = command.velocity.length();
    let sideways = (speed * speed - command.forward * command.forward).max(0.0).sqrt();
    STRIDE_RATE[0] + STRIDE_RATE[1] * speed.min(3.5) + SIDE_STRIDE_RATE * sideways
}

/// +1 for the left leg (0), -1 for the right leg (1).
pub(super) fn side(leg: usize) -> f32 {
    if leg == 0 { 1.0 } else { -1.0 }
}

impl Gait {
    /// Standing with both feet under the hips, on ground of height `ground` (m).
    pub fn stand(anatomy: &Anatomy, position: Vec3, heading: f32, ground: f32) -> Self {
        let mut gait = Self {
            support_height: ground,
            height: ground + anatomy.hip_height() * STAND_HIP_HEIGHT,
            ..Self::default()
        };
        for (leg, foot) in gait.feet.iter_mut().enumerate() {
            let mut position = position + left(heading) * (side(leg) * anatomy.half_width);
            position.y = ground;
            *foot = Foot {
                stance: true,
                stance_position: position,
                stance_heading: heading,
                foothold: position,
                foothold_heading: heading,
                max_ground_height: ground,
                ..Foot::default()
            };
        }
        gait
    }

    /// Phase of one leg, 0..1.
    pub(super) fn leg_phase(&self, leg: usize) -> f32 {
        (self.phase + 0.5 * leg as f32).fract()
    }

    /// Time until a swing foot lands, s; 0 for a stance foot.
    pub(super) fn landing_time(&self, leg: usize, command: &GaitCommand) -> f32 {
        let speed = command.velocity.length();
        let swing = (1.0 - duty_factor(speed)) / stride_rate(command);
        if self.feet[leg].stance { 0.0 } else { (1.0 - self.feet[leg].progress).max(0.0) * swing }
    }

    /// Position of a foot in standing, below the pelvis.
    pub(super) fn neutral_position(anatomy: &Anatomy, pelvis: &Pelvis, heading: f32, leg: usize) -> Vec3 {
        pelvis.position + left(heading) * (side(leg) * anatomy.half_width * STEP_WIDTH)
    }

    /// Advance the gait by `dt` s, with the measured contacts of the feet and positions of the ankles (left, right).
    pub fn advance(
        &mut self,
        dt: f32,
        anatomy: &Anatomy,
        command: &GaitCommand,
        pelvis: &Pelvis,
        contact: [bool; 2],
        ankles: [Vec3; 2],
    ) {
        let speed = command.velocity.length();
        let feet_off_position = (0..2).any(|leg| {
            let foot = &self.feet[leg];
            let mut offset = foot.stance_position - Self::neutral_position(anatomy, pelvis, pelvis.heading, leg);
            offset.y = 0.0;
            offset.length() > if self.moving { STAND_POSITION_TOLERANCE } else { 1.5 * STAND_POSITION_TOLERANCE }
                || wrap(foot.stance_heading - pelvis.heading).abs() > STAND_HEADING_TOLERANCE
        });
        let commanded = speed > 0.05 || command.turn_rate.abs() > 0.1;
        let both_in_stance = self.feet[0].stance && self.feet[1].stance;
        if commanded || feet_off_position {
            self.moving = true;
        } else if both_in_stance {
            self.moving = false;
        }
        let duty_factor = duty_factor(speed);
        let phase_before = [self.leg_phase(0), self.leg_phase(1)];
        if self.moving {
            self.phase = (self.phase + dt * stride_rate(command)).fract();
        }
        let swing_increment = dt * stride_rate(command) / (1.0 - duty_factor);
        for leg in 0..2 {
            let phase = self.leg_phase(leg);
            let ankle = self.feet[leg].stance_position + self.sole_to_ankle(leg, anatomy, command);
            let stance_ends = phase_before[leg] < duty_factor && phase >= duty_factor;
            let leg_overstretched =
                self.moving && self.feet[1 - leg].stance && self.is_overstretched(leg, anatomy, pelvis, ankle);
            let sole =
                Sole { position: ankles[leg] - (ankle - self.feet[leg].stance_position), in_contact: contact[leg] };
            if self.feet[leg].stance {
                self.feet[leg].advance_stance(&sole, stance_ends || leg_overstretched, pelvis);
            } else {
                self.advance_swing(leg, [dt, swing_increment], &sole, command, pelvis);
            }
        }
        self.update_hip_height(dt, anatomy, command, pelvis);
    }

    /// Advance the swing of a foot by `dt` s and by `increment` of its progress, until it touches down.
    fn advance_swing(
        &mut self,
        leg: usize,
        [dt, increment]: [f32; 2],
        sole: &Sole,
        command: &GaitCommand,
        pelvis: &Pelvis,
    ) {
        let foot = &mut self.feet[leg];
        // A blocked foot waits at mid-swing, lifted below the hip.
        if foot.tracking_lag < BLOCKED_LAG || foot.progress < MID_SWING {
            foot.progress += increment;
        } else {
            foot.blocked_time += dt;
        }
        let error = self.swing_position(leg, pelvis, command) - sole.position;
        let foot = &mut self.feet[leg];
        foot.tracking_lag = error.with_y(0.0).dot(pelvis.velocity.with_y(0.0).normalize_or_zero()).max(0.0);
        if sole.in_contact && foot.progress > TRIP_SWING[0] && foot.progress < TRIP_SWING[1] {
            foot.trip_lift = (foot.trip_lift + TRIP_SPEED * dt).min(TRIP_LIFT);
        }
        let touches_down =
            sole.in_contact && foot.tracking_lag < MAX_LANDING_LAG && sole.position.y < foot.foothold.y + 0.03;
        let swing_timeout = foot.progress > MAX_SWING_PROGRESS || foot.blocked_time > MAX_BLOCKED_TIME;
        if touches_down && foot.progress > LATE_SWING || swing_timeout {
            foot.stance = true;
            foot.stance_position = Vec3::new(sole.position.x, foot.foothold.y, sole.position.z);
            foot.stance_heading = foot.foothold_heading;
            foot.tracking_lag = 0.0;
            foot.trip_lift = 0.0;
            foot.blocked_time = 0.0;
        }
    }

    /// Whether the ankle of a stance leg is behind the moving body and out of the leg's reach.
    fn is_overstretched(&self, leg: usize, anatomy: &Anatomy, pelvis: &Pelvis, ankle: Vec3) -> bool {
        let hip = pelvis.position + left(pelvis.heading) * (side(leg) * anatomy.half_width);
        let leg = hip - ankle;
        leg.with_y(0.0).dot(pelvis.velocity) > 0.0 && leg.length() > anatomy.thigh + anatomy.shin + MAX_OVERREACH
    }

    /// Update the target height of the hips: it follows the ground and keeps stance feet in reach.
    fn update_hip_height(&mut self, dt: f32, anatomy: &Anatomy, command: &GaitCommand, pelvis: &Pelvis) {
        let in_stance = || self.feet.iter().filter(|f| f.stance);
        let count = in_stance().count();
        if count > 0 {
            let mean = in_stance().map(|f| f.stance_position.y).sum::<f32>() / count as f32;
            self.support_height += (mean - self.support_height).clamp(-MAX_SUPPORT_SPEED * dt, MAX_SUPPORT_SPEED * dt);
        }
        let running_fraction = running_fraction(command.velocity.length());
        // In running, the hips are lowest in mid-stance and highest in flight, twice per stride. The phase leads by the
        // filter's delay.
        let oscillation = -0.03
            * running_fraction
            * ops::cos(
                2.0 * TAU
                    * (self.phase + HIP_HEIGHT_TIME_CONSTANT * stride_rate(command)
                        - 0.5 * duty_factor(command.velocity.length())),
            );
        let height_fraction = if self.moving { WALK_HIP_HEIGHT } else { STAND_HIP_HEIGHT };
        let nominal_height = self.support_height + anatomy.hip_height() * height_fraction
            - 0.03 * running_fraction
            - CROUCH_DEPTH * command.crouch
            + oscillation;
        let mut height = nominal_height;
        for leg in 0..2 {
            let foot = &self.feet[leg];
            if !foot.stance && foot.progress < MID_SWING {
                continue;
            }
            // A foot that is about to land must reach the ground too, from the hip's position at landing.
            let position = if foot.stance { foot.stance_position } else { foot.foothold };
            let ankle = position + self.sole_to_ankle(leg, anatomy, command);
            let hip = pelvis.position + left(pelvis.heading) * (side(leg) * anatomy.half_width);
            let remaining = self.landing_time(leg, command);
            let hip = hip + command.velocity * remaining;
            let (dx, dz) = (ankle.x - hip.x, ankle.z - hip.z);
            let reach = REACH * (anatomy.thigh + anatomy.shin);
            height = height.min(ankle.y + (reach * reach - dx * dx - dz * dz).max(0.0).sqrt());
        }
        let height = height.max(nominal_height - MAX_HIP_DROP);
        self.height += (height - self.height) * (1.0 - ops::exp(-dt / HIP_HEIGHT_TIME_CONSTANT));
    }

    /// Maximum tracking lag of the swing feet, m.
    pub fn tracking_lag(&self) -> f32 {
        self.feet.iter().map(|f| f.tracking_lag).fold(0.0, f32::max)
    }
}
