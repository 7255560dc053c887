//! The gait: a phase variable schedules the stance and the swing of each foot, and places its footholds.
//!
//! A stance foot keeps its position on the ground, so that it does not slide while the pelvis moves. A swing foot moves
//! to the position that the hip will have half a stance later (Raibert, "Legged Robots that Balance", 1986), at the
//! height of the ground there.

use std::f32::consts::TAU;

use bevy::math::{Quat, Vec3, ops};
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::frames::{ahead, left, wrap};

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
/// Fraction of the stance in which the foot is ahead of the hip, at 1.4 m/s. It is below one half, because the raised
/// heel prolongs the part of the stance behind the hip.
const STANCE_AHEAD_FRACTION: f32 = 0.34;
/// Raibert's foot-placement gain: extra step length per m/s of velocity error, s.
const FOOT_PLACEMENT_GAIN: f32 = 0.12;
/// Shifts of a foothold along its heading, m, that are tried in this order if an edge lies under the foot.
const FOOTHOLD_SHIFTS: [f32; 6] = [0.08, -0.08, 0.16, -0.16, 0.24, -0.24];
/// Minimum height difference of an edge, m.
const EDGE_HEIGHT: f32 = 0.04;
/// Distance kept from an edge, m.
const EDGE_MARGIN: f32 = 0.03;
/// Maximum height of a step, m. Anything higher is a wall.
pub(super) const MAX_STEP_HEIGHT: f32 = 0.25;
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
const LATE_SWING: f32 = 0.75;
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

/// The plan of one foot. Its position is that of the sole's point under the ankle, m.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Foot {
    /// In stance, otherwise in swing.
    pub stance: bool,
    /// Progress of the swing, 0..1; above 1 while the foot waits for contact.
    pub progress: f32,
    /// Position on the ground in stance, m.
    pub stance_position: Vec3,
    /// Heading in stance, rad.
    pub stance_heading: f32,
    /// Position at the end of the swing, m.
    pub foothold: Vec3,
    /// Heading at the end of the swing, rad.
    pub foothold_heading: f32,
    /// Maximum height of the ground between lift-off and foothold, m.
    pub max_ground_height: f32,
    /// Position relative to the pelvis at lift-off, m (horizontal, world axes).
    pub lift_off: Vec3,
    /// Position relative to the pelvis at landing, m (horizontal, world axes).
    pub landing: Vec3,
    /// How far the sole is behind its planned position in the swing, m.
    tracking_lag: f32,
    /// How long the swing has been blocked, s.
    pub blocked_time: f32,
    /// Lift by the elevating reflex, m.
    pub trip_lift: f32,
}

impl Foot {
    /// Whether the swing crosses ground that is higher than the lift-off position.
    pub fn steps_over_obstacle(&self) -> bool {
        self.max_ground_height > self.stance_position.y + EDGE_HEIGHT
    }
}

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
fn side(leg: usize) -> f32 {
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
    fn landing_time(&self, leg: usize, command: &GaitCommand) -> f32 {
        let speed = command.velocity.length();
        let swing = (1.0 - duty_factor(speed)) / stride_rate(command);
        if self.feet[leg].stance { 0.0 } else { (1.0 - self.feet[leg].progress).max(0.0) * swing }
    }

    /// Position of a foot in standing, below the pelvis.
    fn neutral_position(anatomy: &Anatomy, pelvis: &Pelvis, heading: f32, leg: usize) -> Vec3 {
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
            let actual = ankles[leg] - (ankle - self.feet[leg].stance_position);
            let foot = &mut self.feet[leg];
            if foot.stance {
                let slip = (actual - foot.stance_position).with_y(0.0);
                let distance = slip.length();
                if contact[leg] && distance > SLIP_TOLERANCE {
                    foot.stance_position += slip * (1.0 - SLIP_TOLERANCE / distance);
                }
                if stance_ends || leg_overstretched {
                    let position = foot.stance_position;
                    let from_pelvis = (position - pelvis.position).with_y(0.0);
                    *foot = Foot {
                        stance: false,
                        progress: 0.0,
                        foothold: position,
                        foothold_heading: foot.stance_heading,
                        max_ground_height: position.y,
                        lift_off: from_pelvis,
                        landing: from_pelvis,
                        ..*foot
                    };
                }
            } else {
                // A blocked foot waits at mid-swing, lifted below the hip.
                if foot.tracking_lag < BLOCKED_LAG || foot.progress < MID_SWING {
                    foot.progress += swing_increment;
                } else {
                    foot.blocked_time += dt;
                }
                let error = self.swing_position(leg, pelvis, command) - actual;
                let foot = &mut self.feet[leg];
                foot.tracking_lag = error.with_y(0.0).dot(pelvis.velocity.with_y(0.0).normalize_or_zero()).max(0.0);
                if contact[leg] && foot.progress > TRIP_SWING[0] && foot.progress < TRIP_SWING[1] {
                    foot.trip_lift = (foot.trip_lift + TRIP_SPEED * dt).min(TRIP_LIFT);
                }
                let touches_down =
                    contact[leg] && foot.tracking_lag < MAX_LANDING_LAG && actual.y < foot.foothold.y + 0.03;
                let swing_timeout = foot.progress > MAX_SWING_PROGRESS || foot.blocked_time > MAX_BLOCKED_TIME;
                if touches_down && foot.progress > LATE_SWING || swing_timeout {
                    foot.stance = true;
                    foot.stance_position = Vec3::new(actual.x, foot.foothold.y, actual.z);
                    foot.stance_heading = foot.foothold_heading;
                    foot.tracking_lag = 0.0;
                    foot.trip_lift = 0.0;
                    foot.blocked_time = 0.0;
                }
            }
        }
        self.update_hip_height(dt, anatomy, command, pelvis);
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

    /// Plan the footholds of the swing feet. `ground` maps a position to the height of the ground there (m).
    pub fn plan_footholds(
        &mut self,
        anatomy: &Anatomy,
        command: &GaitCommand,
        pelvis: &Pelvis,
        ground: impl Fn(Vec3) -> f32,
    ) {
        let speed = command.velocity.length();
        let stride_rate = stride_rate(command);
        let duty_factor = duty_factor(speed);
        for leg in 0..2 {
            let progress = self.feet[leg].progress.min(1.0);
            if self.feet[leg].stance || progress > LATE_SWING {
                continue;
            }
            let remaining = self.landing_time(leg, command);
            let stance = duty_factor / stride_rate;
            let ahead_fraction = if command.forward > 0.0 { STANCE_AHEAD_FRACTION } else { 0.5 };
            let heading = pelvis.heading + command.turn_rate * (remaining + 0.5 * stance);
            let mut velocity = pelvis.velocity;
            velocity.y = 0.0;
            // Steps use the measured velocity: against a load they are shorter than commanded.
            let step = velocity * remaining + (command.velocity + velocity) * (0.5 * ahead_fraction * stance);
            let correction = (velocity - command.velocity) * FOOT_PLACEMENT_GAIN;
            let mut position = Self::neutral_position(anatomy, pelvis, heading, leg) + step + correction;
            // The foothold never crosses the other foot.
            let other = self.feet[1 - leg].stance_position;
            let lateral_gap = (position - other).dot(left(heading)) * side(leg);
            position += left(heading) * (side(leg) * (anatomy.half_width - lateral_gap).max(0.0));
            let start = self.feet[leg].stance_position;
            position = avoid_edges(anatomy, position, heading, &ground);
            position.y = ground(position);
            let toe = ahead(heading) * anatomy.ball;
            let max_ground_height = [(0.35, toe), (0.7, toe), (1.0, toe * 1.4)]
                .map(|(t, ahead)| ground(start.lerp(position, t) + ahead))
                .into_iter()
                .fold(position.y, f32::max);
            let foot = &mut self.feet[leg];
            foot.foothold = position;
            foot.landing = (position - pelvis.position - velocity * remaining).with_y(0.0);
            foot.foothold_heading = heading;
            foot.max_ground_height = max_ground_height;
        }
    }
}

/// Shift a foothold along its heading by the first of [`FOOTHOLD_SHIFTS`] that leaves no edge under the foot, if one is
/// needed.
fn avoid_edges(anatomy: &Anatomy, position: Vec3, heading: f32, ground: impl Fn(Vec3) -> f32) -> Vec3 {
    let front = ahead(heading);
    let uneven = |at: Vec3| {
        let toe = ground(at + front * (anatomy.ball + EDGE_MARGIN));
        let heel = ground(at - front * (anatomy.heel + EDGE_MARGIN));
        (toe - heel).abs() > EDGE_HEIGHT
    };
    if !uneven(position) {
        return position;
    }
    FOOTHOLD_SHIFTS.into_iter().map(|shift| position + front * shift).find(|at| !uneven(*at)).unwrap_or(position)
}
