//! The phase-driven gait: which foot stands, which swings, and where to.
//!
//! A stance foot keeps its place on the ground, so that it does not slide whatever the pelvis does. A swing foot goes to
//! where the hip will be half a stance later (Raibert, "Legged Robots that Balance", 1986), at the height of the ground
//! found there.

use std::f32::consts::TAU;

use bevy::math::{Quat, Vec3, ops};
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::frames::{ahead, left, wrap};

/// Strides per second when stepping on the spot, and its growth per m/s: 1.1 Hz at 1.4 m/s and 1.6 Hz at 3 m/s, the
/// upper end of human walking and running (Cavagna & Franzetti 1986): the rigid foot shortens the step.
const STRIDE_RATE: [f32; 2] = [0.72, 0.25];
/// Strides per second more for each m/s sideways: side steps are short, as the legs must not cross.
const SIDE_RATE: f32 = 0.5;
/// Share of the stride that a foot is on the ground: walking (Perry 1992), and running at 3 m/s.
const DUTY: [f32; 2] = [0.57, 0.38];
/// Between these speeds, m/s, walking becomes running; people change at about 2 m/s.
const RUN_SPEED: [f32; 2] = [1.8, 2.4];
/// Height of the hip joints in walking as a share of their height in standing with straight legs.
const HIP_HEIGHT: f32 = 0.96;
/// The same in standing.
const STAND_HEIGHT: f32 = 0.988;
/// Drop of the hips at full crouch, m.
pub(super) const CROUCH_DROP: f32 = 0.36;
/// Share of the straight leg's length that the inverse kinematics uses, so that a knee never locks.
pub(super) const REACH: f32 = 0.993;
/// Lateral distance of a foot from the midline, as a share of the hip joint's: step width of adults is 0.1 m.
const STEP_WIDTH: f32 = 0.75;
/// Share of the stance that lies ahead of the hip at 1.4 m/s: the raised heel lets the foot stay longer behind.
const AHEAD: f32 = 0.34;
/// Extra step per m/s of velocity error, s (Raibert's foot-placement gain).
const PLACEMENT_GAIN: f32 = 0.12;
/// Footholds tried where an edge lies under the foot, m along its heading; the height, m, that makes an edge; and the
/// distance, m, kept from it.
const SHIFTS: [f32; 6] = [0.08, -0.08, 0.16, -0.16, 0.24, -0.24];
const EDGE_HEIGHT: f32 = 0.04;
const EDGE_MARGIN: f32 = 0.03;
/// Highest step that is climbed, m.
pub(super) const STEP_HEIGHT: f32 = 0.25;
/// A swing foot that meets something between these parts of its swing is lifted at this speed, m/s, by at most this, m:
/// the elevating reflex of a person who trips (Eng, Winter & Patla 1994).
const TRIP_SWING: [f32; 2] = [0.25, 0.8];
const TRIP_SPEED: f32 = 2.0;
pub(super) const TRIP_LIFT: f32 = 0.22;
/// A swing foot that trails its plan by this, m, is held up by something.
const HELD_UP: f32 = 0.16;
/// How long it waits to be free before it is put down where it is, s.
const LONGEST_WAIT: f32 = 0.35;
/// How far a foot may trail when its stance begins, m.
const LATE: f32 = 0.15;
/// Swing progress at which a foot that found no ground stands all the same.
const LONGEST_SWING: f32 = 1.25;
/// How far beyond a straight leg's length a trailing ankle may be before the foot is lifted, m.
const OVERSTRETCH: f32 = 0.03;
/// Swing progress after which contact ends the swing and the target is frozen.
const LATE_SWING: f32 = 0.75;
/// Swing progress from which the hips come down for the landing.
const MID_SWING: f32 = 0.5;
/// Stand-still tolerances: place (m) and direction (rad) of the feet.
const PLACE_TOLERANCE: [f32; 2] = [0.09, 0.3];
/// How far the sole may be from its plan before the plan follows, m.
const SLIP_TOLERANCE: f32 = 0.05;
/// Fastest change of the support height, m/s.
const SUPPORT_SPEED: f32 = 0.7;
/// How far the hips come down to let a stance leg reach, m: human hips move by 0.05 m in walking.
const DEEPEST: f32 = 0.05;
/// Time constant of the pelvis height, s.
const HEIGHT_TIME: f32 = 0.08;

/// One foot's plan. Places are those of the sole's point under the ankle, m.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Foot {
    /// On the ground.
    pub stance: bool,
    /// How far the swing has come, 0..1, beyond 1 while it waits for the ground.
    pub progress: f32,
    /// Where it stands, and its heading (rad).
    pub anchor: Vec3,
    pub yaw: f32,
    /// Where the swing ends, and the heading there.
    pub target: Vec3,
    pub target_yaw: f32,
    /// Highest ground between lift-off and target, m.
    pub crest: f32,
    /// Places seen from the pelvis at lift-off and at landing, m (horizontal, world axes).
    pub start: Vec3,
    pub end: Vec3,
    /// How far the swinging sole trails its plan, m.
    lag: f32,
    /// How long it has been held up, s.
    pub held: f32,
    /// Lift, m, added because the swing met something.
    pub trip: f32,
}

impl Foot {
    /// Whether the swing leads over something higher than where the foot stood.
    pub fn climbs(&self) -> bool {
        self.crest > self.anchor.y + EDGE_HEIGHT
    }
}

/// What the gait is to do now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Wanted velocity, m/s (world, horizontal).
    pub velocity: Vec3,
    /// Wanted turning rate, rad/s.
    pub turn: f32,
    /// Wanted speed along the heading, m/s.
    pub forward: f32,
    /// 0 upright to 1 crouched.
    pub crouch: f32,
}

/// State of the pelvis.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pelvis {
    /// Midway between the hip joints, m.
    pub position: Vec3,
    /// m/s.
    pub velocity: Vec3,
    /// Orientation.
    pub rotation: Quat,
    /// rad.
    pub heading: f32,
}

/// What the gait remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Gait {
    /// Left leg's phase, 0..1; stance first. The right leg is half a stride later.
    pub phase: f32,
    /// Stepping, as opposed to standing.
    pub moving: bool,
    /// Left, right.
    pub feet: [Foot; 2],
    /// Height of the ground that carries the body, m.
    pub support: f32,
    /// Height of the hips, m.
    pub height: f32,
}

/// Share of running in the gait at `speed` m/s.
pub(super) fn running(speed: f32) -> f32 {
    ((speed - RUN_SPEED[0]) / (RUN_SPEED[1] - RUN_SPEED[0])).clamp(0.0, 1.0)
}

pub(super) fn duty(speed: f32) -> f32 {
    DUTY[0] + (DUTY[1] - DUTY[0]) * running(speed)
}

pub(super) fn stride_rate(pace: &Pace) -> f32 {
    let speed = pace.velocity.length();
    let sideways = (speed * speed - pace.forward * pace.forward).max(0.0).sqrt();
    STRIDE_RATE[0] + STRIDE_RATE[1] * speed.min(3.5) + SIDE_RATE * sideways
}

/// -1 for the right side, +1 for the left.
fn side(leg: usize) -> f32 {
    if leg == 0 { 1.0 } else { -1.0 }
}

impl Gait {
    /// Standing with both feet under the hips on ground at height `ground` m.
    pub fn stand(anatomy: &Anatomy, position: Vec3, heading: f32, ground: f32) -> Self {
        let mut gait =
            Self { support: ground, height: ground + anatomy.hip_height() * STAND_HEIGHT, ..Self::default() };
        for (leg, foot) in gait.feet.iter_mut().enumerate() {
            let mut place = position + left(heading) * (side(leg) * anatomy.half_width);
            place.y = ground;
            *foot = Foot {
                stance: true,
                anchor: place,
                yaw: heading,
                target: place,
                target_yaw: heading,
                crest: ground,
                ..Foot::default()
            };
        }
        gait
    }

    pub(super) fn leg_phase(&self, leg: usize) -> f32 {
        (self.phase + 0.5 * leg as f32).fract()
    }

    /// Time until a swinging foot lands, s; 0 for one that stands.
    fn landing_time(&self, leg: usize, pace: &Pace) -> f32 {
        let speed = pace.velocity.length();
        let swing = (1.0 - duty(speed)) / stride_rate(pace);
        if self.feet[leg].stance { 0.0 } else { (1.0 - self.feet[leg].progress).max(0.0) * swing }
    }

    /// Where a foot would stand below the pelvis at rest.
    fn neutral(anatomy: &Anatomy, pelvis: &Pelvis, heading: f32, leg: usize) -> Vec3 {
        pelvis.position + left(heading) * (side(leg) * anatomy.half_width * STEP_WIDTH)
    }

    /// Go on by `dt` s; `contact` and `ankles` are what the feet feel and where their ankles are.
    pub fn advance(
        &mut self,
        dt: f32,
        anatomy: &Anatomy,
        pace: &Pace,
        pelvis: &Pelvis,
        contact: [bool; 2],
        ankles: [Vec3; 2],
    ) {
        let speed = pace.velocity.length();
        let misplaced = (0..2).any(|leg| {
            let foot = &self.feet[leg];
            let mut off = foot.anchor - Self::neutral(anatomy, pelvis, pelvis.heading, leg);
            off.y = 0.0;
            off.length() > if self.moving { PLACE_TOLERANCE[0] } else { 1.5 * PLACE_TOLERANCE[0] }
                || wrap(foot.yaw - pelvis.heading).abs() > PLACE_TOLERANCE[1]
        });
        let commanded = speed > 0.05 || pace.turn.abs() > 0.1;
        let both = self.feet[0].stance && self.feet[1].stance;
        if commanded || misplaced {
            self.moving = true;
        } else if both {
            self.moving = false;
        }
        let duty = duty(speed);
        let before = [self.leg_phase(0), self.leg_phase(1)];
        if self.moving {
            self.phase = (self.phase + dt * stride_rate(pace)).fract();
        }
        let swing_step = dt * stride_rate(pace) / (1.0 - duty);
        for leg in 0..2 {
            let now = self.leg_phase(leg);
            let ankle = self.feet[leg].anchor + self.sole_to_ankle(leg, anatomy, pace);
            let due = before[leg] < duty && now >= duty;
            let left_behind =
                self.moving && self.feet[1 - leg].stance && self.overstretched(leg, anatomy, pelvis, ankle);
            let actual = ankles[leg] - (ankle - self.feet[leg].anchor);
            let foot = &mut self.feet[leg];
            if foot.stance {
                let slip = (actual - foot.anchor).with_y(0.0);
                let distance = slip.length();
                if contact[leg] && distance > SLIP_TOLERANCE {
                    foot.anchor += slip * (1.0 - SLIP_TOLERANCE / distance);
                }
                if due || left_behind {
                    let anchor = foot.anchor;
                    *foot = Foot {
                        stance: false,
                        progress: 0.0,
                        target: anchor,
                        target_yaw: foot.yaw,
                        crest: anchor.y,
                        start: (anchor - pelvis.position).with_y(0.0),
                        end: (anchor - pelvis.position).with_y(0.0),
                        ..*foot
                    };
                }
            } else {
                // A foot that is held up waits below the hip, lifted.
                if foot.lag < HELD_UP || foot.progress < MID_SWING {
                    foot.progress += swing_step;
                } else {
                    foot.held += dt;
                }
                let lag = self.swing_place(leg, pelvis, pace) - actual;
                let foot = &mut self.feet[leg];
                foot.lag = lag.with_y(0.0).dot(pelvis.velocity.with_y(0.0).normalize_or_zero()).max(0.0);
                if contact[leg] && foot.progress > TRIP_SWING[0] && foot.progress < TRIP_SWING[1] {
                    foot.trip = (foot.trip + TRIP_SPEED * dt).min(TRIP_LIFT);
                }
                let touches = contact[leg] && foot.lag < LATE && actual.y < foot.target.y + 0.03;
                let over = foot.progress > LONGEST_SWING || foot.held > LONGEST_WAIT;
                if touches && foot.progress > LATE_SWING || over {
                    foot.stance = true;
                    foot.anchor = Vec3::new(actual.x, foot.target.y, actual.z);
                    foot.yaw = foot.target_yaw;
                    foot.lag = 0.0;
                    foot.trip = 0.0;
                    foot.held = 0.0;
                }
            }
        }
        self.settle(dt, anatomy, pace, pelvis);
    }

    /// Whether a standing leg trails the moving body beyond its reach.
    fn overstretched(&self, leg: usize, anatomy: &Anatomy, pelvis: &Pelvis, ankle: Vec3) -> bool {
        let hip = pelvis.position + left(pelvis.heading) * (side(leg) * anatomy.half_width);
        let way = hip - ankle;
        way.with_y(0.0).dot(pelvis.velocity) > 0.0 && way.length() > anatomy.thigh + anatomy.shin + OVERSTRETCH
    }

    /// Follow the ground with the hips.
    fn settle(&mut self, dt: f32, anatomy: &Anatomy, pace: &Pace, pelvis: &Pelvis) {
        let standing = || self.feet.iter().filter(|f| f.stance);
        let count = standing().count();
        if count > 0 {
            let mean = standing().map(|f| f.anchor.y).sum::<f32>() / count as f32;
            self.support += (mean - self.support).clamp(-SUPPORT_SPEED * dt, SUPPORT_SPEED * dt);
        }
        let run = running(pace.velocity.length());
        // A runner's hips are lowest in mid-stance and highest in flight, twice a stride; ahead by the filter's delay.
        let bounce = -0.03
            * run
            * ops::cos(2.0 * TAU * (self.phase + HEIGHT_TIME * stride_rate(pace) - 0.5 * duty(pace.velocity.length())));
        let posture = if self.moving { HIP_HEIGHT } else { STAND_HEIGHT };
        let full = self.support + anatomy.hip_height() * posture - 0.03 * run - CROUCH_DROP * pace.crouch + bounce;
        let mut height = full;
        for leg in 0..2 {
            let foot = &self.feet[leg];
            if !foot.stance && foot.progress < MID_SWING {
                continue;
            }
            // A foot about to land must reach the ground too, from where the hip will be then.
            let place = if foot.stance { foot.anchor } else { foot.target };
            let ankle = place + self.sole_to_ankle(leg, anatomy, pace);
            let hip = pelvis.position + left(pelvis.heading) * (side(leg) * anatomy.half_width);
            let remaining = self.landing_time(leg, pace);
            let hip = hip + pace.velocity * remaining;
            let (dx, dz) = (ankle.x - hip.x, ankle.z - hip.z);
            let reach = REACH * (anatomy.thigh + anatomy.shin);
            height = height.min(ankle.y + (reach * reach - dx * dx - dz * dz).max(0.0).sqrt());
        }
        let height = height.max(full - DEEPEST);
        self.height += (height - self.height) * (1.0 - ops::exp(-dt / HEIGHT_TIME));
    }

    /// How far the worst swing foot trails its plan, m.
    pub fn lag(&self) -> f32 {
        self.feet.iter().map(|f| f.lag).fold(0.0, f32::max)
    }

    /// Plan the swing feet; `ground` tells the height of the ground (m) under a place.
    pub fn plan(&mut self, anatomy: &Anatomy, pace: &Pace, pelvis: &Pelvis, ground: impl Fn(Vec3) -> f32) {
        let speed = pace.velocity.length();
        let rate = stride_rate(pace);
        let duty = duty(speed);
        for leg in 0..2 {
            let s = self.feet[leg].progress.min(1.0);
            if self.feet[leg].stance || s > LATE_SWING {
                continue;
            }
            let remaining = self.landing_time(leg, pace);
            let stance = duty / rate;
            let forward = if pace.forward > 0.0 { AHEAD } else { 0.5 };
            let heading = pelvis.heading + pace.turn * (remaining + 0.5 * stance);
            let mut velocity = pelvis.velocity;
            velocity.y = 0.0;
            // Held back by a load, steps are shorter than wanted.
            let step = velocity * remaining + (pace.velocity + velocity) * (0.5 * forward * stance);
            let correction = (velocity - pace.velocity) * PLACEMENT_GAIN;
            let mut place = Self::neutral(anatomy, pelvis, heading, leg) + step + correction;
            // Never step across the other foot.
            let other = self.feet[1 - leg].anchor;
            let gap = (place - other).dot(left(heading)) * side(leg);
            place += left(heading) * (side(leg) * (anatomy.half_width - gap).max(0.0));
            let start = self.feet[leg].anchor;
            place = on_one_level(anatomy, place, heading, &ground);
            place.y = ground(place);
            let toe = ahead(heading) * anatomy.ball;
            let crest = [(0.35, toe), (0.7, toe), (1.0, toe * 1.4)]
                .map(|(t, ahead)| ground(start.lerp(place, t) + ahead))
                .into_iter()
                .fold(place.y, f32::max);
            let foot = &mut self.feet[leg];
            foot.target = place;
            foot.end = (place - pelvis.position - velocity * remaining).with_y(0.0);
            foot.target_yaw = heading;
            foot.crest = crest;
        }
    }
}

/// Move a foothold along its heading, by as little as needed and at most [`SHIFTS`], so that no edge lies under the foot.
fn on_one_level(anatomy: &Anatomy, place: Vec3, heading: f32, ground: impl Fn(Vec3) -> f32) -> Vec3 {
    let front = ahead(heading);
    let uneven = |at: Vec3| {
        let toe = ground(at + front * (anatomy.ball + EDGE_MARGIN));
        let heel = ground(at - front * (anatomy.heel + EDGE_MARGIN));
        (toe - heel).abs() > EDGE_HEIGHT
    };
    if !uneven(place) {
        return place;
    }
    SHIFTS.into_iter().map(|shift| place + front * shift).find(|at| !uneven(*at)).unwrap_or(place)
}
