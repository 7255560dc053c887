//! What the humanoid is doing: walking, jumping, lying, getting up; and each physics step of it.

use bevy::math::{Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::actuators::Joints;
use super::frames::{ahead, heading_of, left};
use super::gait::{Pace, Pelvis, STEP_HEIGHT};
use super::harness::{Hold, LIFTING, WALKING};
use super::moves::DIP_TIME;
use super::{Control, Humanoid};
use crate::sim::Physics;

/// Speed of `forward` = 1: preferred walking speed of adults, m/s (Bohannon 1997).
const WALK_SPEED: f32 = 1.4;
/// Speed of `forward` = 2, m/s: a jog.
const RUN_SPEED: f32 = 3.0;
/// Speed of `forward` = -1, m/s.
const BACK_SPEED: f32 = 0.8;
/// Speed of `sideways` = 1, m/s.
const SIDE_SPEED: f32 = 0.7;
/// Turning rate of `turn` = 1, rad/s.
const TURN_RATE: f32 = 1.5;
/// Fastest change of the followed velocity, m/s², turning rate, rad/s², and crouch, 1/s.
const VELOCITY_CHANGE: f32 = 2.5;
const TURN_CHANGE: f32 = 6.0;
const CROUCH_CHANGE: f32 = 2.5;
/// Position gain of standing over the feet, 1/s.
pub(super) const STAND_GAIN: f32 = 3.0;
/// How much faster than the body the legs may be set to go, m/s, and the time constant of the body's speed, s.
const HURRY: f32 = 0.6;
const SPEED_TIME: f32 = 0.25;
/// Uprightness (cosines) below which it stops to catch itself, and above which it goes at full speed: 37 and 18 degrees.
const STEADY: [f32; 2] = [0.80, 0.95];
/// Trailing of a swing foot, m, from which it goes slower and at which it stops.
const HELD_UP: [f32; 2] = [0.14, 0.30];
/// Place of the leading foot along the way, m from the pelvis, at which the body stops, and from which it goes at full
/// speed: without a foot below it would fall.
const BEHIND: [f32; 2] = [-0.40, -0.25];
/// Speed at which it goes back, m/s per m that the leading foot is behind.
const BACK_GAIN: f32 = 1.5;
/// How much farther than the plan the legs push per metre that the hips sag.
const SAG_GAIN: f32 = 1.0;
/// Lean of the trunk per m/s, rad: upright walking, a runner's 8 degrees.
const LEAN: f32 = 0.045;

/// Forward lean at full crouch, rad.
const CROUCH_LEAN: f32 = 0.3;
/// Time without a foot on the ground, s, after which the harness lets the body fall: longer than a runner's flight.
const AIR_TIME: f32 = 0.3;
/// How far ahead of the hips, in s of their motion, the feet of a falling body are held.
const LANDING_LEAD: f32 = 0.1;

/// Tilt beyond which the body falls: cosine of 50 degrees.
const FALL_COSINE: f32 = 0.643;
/// Height of the hips, share of standing, below which the body has fallen: below full crouch.
const FALL_HEIGHT: f32 = 0.42;
/// What the humanoid is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    /// Standing, walking, running.
    Walk,
    /// Going down for a jump.
    Dip,
    /// Pushing off.
    Push,
    /// In the air.
    Flight,
    /// Taking up the landing.
    Land,
    /// Lying, or falling, limp.
    Down,
    /// Getting up.
    GetUp,
}

/// A walking command in SI units.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Command {
    /// m/s.
    pub forward: f32,
    /// m/s, to the left.
    pub sideways: f32,
    /// rad/s, to the left.
    pub turn: f32,
    /// Wants to be in the air.
    pub jump: bool,
    /// 0..1.
    pub crouch: f32,
}

impl Command {
    /// Read an action of the `command` layout; what is missing or not a number is 0.
    pub fn from_action(action: &[f32]) -> Self {
        let get = |i: usize, low: f32, high: f32| {
            action.get(i).copied().filter(|x| !x.is_nan()).unwrap_or(0.0).clamp(low, high)
        };
        let forward = get(0, -1.0, 2.0);
        Self {
            forward: if forward < 0.0 {
                forward * BACK_SPEED
            } else {
                forward.min(1.0) * WALK_SPEED + (forward - 1.0).max(0.0) * (RUN_SPEED - WALK_SPEED)
            },
            sideways: get(1, -1.0, 1.0) * SIDE_SPEED,
            turn: get(2, -1.0, 1.0) * TURN_RATE,
            jump: get(3, 0.0, 1.0) > 0.5,
            crouch: get(4, 0.0, 1.0),
        }
    }

    fn follow(&mut self, wanted: &Self, dt: f32) {
        let step = |now: &mut f32, to: f32, rate: f32| *now += (to - *now).clamp(-rate * dt, rate * dt);
        step(&mut self.forward, wanted.forward, VELOCITY_CHANGE);
        step(&mut self.sideways, wanted.sideways, VELOCITY_CHANGE);
        step(&mut self.turn, wanted.turn, TURN_CHANGE);
        step(&mut self.crouch, wanted.crouch, CROUCH_CHANGE);
    }
}

/// What a step needs to know of the body.
pub(super) struct Now {
    pub pelvis: Pelvis,
    /// Vertical part of the chest's up axis.
    pub upright: f32,
    pub contact: [bool; 2],
    pub ankles: [Vec3; 2],
}

impl Humanoid {
    fn now(&self, physics: &Physics<'_>) -> Now {
        let body = |part: usize| physics.bodies.get(self.parts[part]);
        let (position, rotation) = physics.pose(self.parts[0]);
        let velocity = body(0).map_or(Vec3::ZERO, RigidBody::linvel);
        let (_, chest) = physics.pose(self.parts[self.anatomy.torso]);
        Now {
            pelvis: Pelvis { position, velocity, rotation, heading: heading_of(rotation) },
            upright: (chest * Vec3::Y).y,
            contact: self.contacts(physics),
            ankles: self.anatomy.feet.map(|part| physics.pose(self.parts[part]).0),
        }
    }

    /// Which feet touch something.
    pub(super) fn contacts(&self, physics: &Physics<'_>) -> [bool; 2] {
        self.soles.map(|sole| physics.narrow_phase.contact_pairs_with(sole).any(|pair| pair.has_any_active_contact()))
    }

    /// Height of what is below `place`, m, looked for from a step above `level` to `reach` below.
    pub(super) fn ground_at(&self, physics: &Physics<'_>, place: Vec3, level: f32) -> Option<f32> {
        let top = level + 2.0 * STEP_HEIGHT;
        let origin = Vec3::new(place.x, top, place.z);
        physics.cast_ray(origin, Vec3::NEG_Y, 4.0 * STEP_HEIGHT, self.others()).map(|hit| top - hit.distance)
    }

    /// What the legs are to do: the command, but hardly faster than the body goes, so that steps are short against a
    /// load.
    pub(super) fn pace(&self, pelvis: &Pelvis) -> Pace {
        let c = &self.memory.command;
        let wanted = self.wanted_velocity(pelvis);
        let way = wanted.normalize_or_zero();
        let share = ((self.memory.speed.dot(way) + HURRY) / wanted.length().max(HURRY)).clamp(0.0, 1.0);
        Pace { velocity: wanted * share, turn: c.turn, forward: c.forward * share, crouch: c.crouch }
    }

    fn wanted_velocity(&self, pelvis: &Pelvis) -> Vec3 {
        let c = &self.memory.command;
        ahead(pelvis.heading) * c.forward + left(pelvis.heading) * c.sideways
    }

    /// Look at the ground and plan the steps: once a tick.
    pub(super) fn look(&mut self, physics: &Physics<'_>) {
        let now = self.now(physics);
        let under = now.pelvis.position;
        if let Some(hit) = physics.cast_ray(under, Vec3::NEG_Y, 3.0, self.others()) {
            self.memory.ground = under.y - hit.distance;
        }
        if self.memory.mode == Mode::Walk && self.options.control == Control::Command {
            let pace = self.pace(&now.pelvis);
            let level = self.memory.gait.support;
            let mut gait = self.memory.gait.clone();
            // What is too high to step on is a wall; a hole is stepped into no deeper than a step.
            let ground = |at: Vec3| {
                let found = self.ground_at(physics, at, level).unwrap_or(level - STEP_HEIGHT);
                if found > level + STEP_HEIGHT { level } else { found.max(level - STEP_HEIGHT) }
            };
            gait.plan(&self.anatomy, &pace, &now.pelvis, ground);
            self.memory.gait = gait;
        }
    }

    pub(super) fn enter(&mut self, mode: Mode) {
        self.memory.mode = mode;
        self.memory.clock = 0.0;
    }

    /// Everything before a physics step.
    pub(super) fn advance(&mut self, physics: &mut Physics<'_>) {
        let dt = physics.dt();
        let now = self.now(physics);
        let wanted = self.memory.wanted;
        self.memory.command.follow(&wanted, dt);
        self.memory.clock += dt;
        let follow = 1.0 - ops::exp(-dt / SPEED_TIME);
        self.memory.speed += (now.pelvis.velocity.with_y(0.0) - self.memory.speed) * follow;
        self.memory.air = if now.contact == [false; 2] { self.memory.air + dt } else { 0.0 };
        let height = now.pelvis.position.y - self.memory.ground;
        let upright = self.memory.mode != Mode::Down && self.memory.mode != Mode::GetUp;
        if upright && (now.upright < FALL_COSINE || height < FALL_HEIGHT * self.anatomy.hip_height()) {
            self.enter(Mode::Down);
        }
        let mut targets = self.memory.targets;
        let (hold, gain) = match self.memory.mode {
            Mode::Walk => self.walk(dt, &now, &mut targets),
            Mode::Dip | Mode::Push | Mode::Flight | Mode::Land => self.jump(dt, &now, &mut targets),
            Mode::Down => self.lie(&now, &mut targets),
            Mode::GetUp => self.get_up(dt, &now, &mut targets),
        };
        let joints = self.options.control == Control::Joints;
        if joints {
            for (i, target) in targets.iter_mut().enumerate() {
                let (low, high) = self.actuators.ranges[i];
                *target = 0.5 * (low + high) + 0.5 * (high - low) * self.memory.action[i];
            }
        }
        self.actuators.drive(physics, &targets, &self.memory.targets, if joints { 1.0 } else { gain });
        self.memory.targets = targets;
        let limits = if self.memory.mode == Mode::Walk { WALKING } else { LIFTING };
        let hold = Hold { strength: hold.strength * self.options.harness, ..hold };
        self.memory.harness.apply(physics, &self.parts, &self.anatomy, &hold, &limits, now.pelvis.heading);
    }

    fn walk(&mut self, dt: f32, now: &Now, targets: &mut Joints) -> (Hold, f32) {
        let pelvis = &now.pelvis;
        let pace = self.pace(pelvis);
        if self.options.control == Control::Joints {
            let standing = self.memory.ground + self.anatomy.hip_height();
            let height = (self.memory.air < AIR_TIME).then_some(standing);
            return (Hold { height, ..Hold::UPRIGHT }, 1.0);
        }
        if self.memory.air < AIR_TIME {
            self.memory.gait.advance(dt, &self.anatomy, &pace, pelvis, now.contact, now.ankles);
        } else {
            // Falling: both legs reach for the ground below.
            self.memory.gait = self.planted(pelvis, pelvis.velocity.with_y(0.0) * LANDING_LEAD);
        }
        if self.memory.wanted.jump && now.contact != [false; 2] {
            self.memory.gait = self.planted(pelvis, pace.velocity * DIP_TIME);
            self.enter(Mode::Dip);
        }
        let gait = &self.memory.gait;
        // Tilted, or with a foot held up, it stops to catch itself.
        let steady = ((now.upright - STEADY[0]) / (STEADY[1] - STEADY[0])).clamp(0.0, 1.0);
        let free = 1.0 - ((gait.lag() - HELD_UP[0]) / (HELD_UP[1] - HELD_UP[0])).clamp(0.0, 1.0);
        let way = pace.velocity.normalize_or_zero();
        let support = now.ankles.iter().map(|ankle| (*ankle - pelvis.position).dot(way)).fold(f32::MIN, f32::max);
        let carried = ((support - BEHIND[0]) / (BEHIND[1] - BEHIND[0])).clamp(0.0, 1.0);
        let mut steady = steady.min(free).min(carried);
        // Without a foot below it goes back to where one is.
        let back = way * ((1.0 - carried) * BACK_GAIN * support.min(0.0));
        let mut velocity = self.wanted_velocity(pelvis) * steady + back;
        let mut hips = pelvis.position + pelvis.velocity * dt;
        if !gait.moving {
            // Stand over the middle of the feet.
            let middle = (gait.feet[0].anchor + gait.feet[1].anchor) * 0.5;
            velocity = (middle - pelvis.position) * STAND_GAIN;
            velocity.y = 0.0;
            steady = 0.0;
        }
        // The legs reach lower than the hips sag, so that they carry their share.
        hips.y = gait.height + SAG_GAIN * (gait.height - pelvis.position.y);
        gait.pose(&self.anatomy, &self.actuators, &pace, &Pelvis { position: hips, ..*pelvis }, targets);
        let hold = Hold {
            // Nothing holds a body up that has walked over an edge.
            height: (self.memory.air < AIR_TIME).then_some(gait.height),
            velocity: Some(velocity),
            turn: Some(pace.turn),
            lean: LEAN * pace.forward + CROUCH_LEAN * pace.crouch,
            steady,
            ..Hold::UPRIGHT
        };
        (hold, 1.0)
    }
}
