//! An operator that drives a car along its course.

use bevy::input::keyboard::KeyCode;
use bevy::math::ops;

use super::latch::KeyLatch;
use super::operator::{Hands, KeyPair, Operator, Skill};
use crate::agents::vehicle::{AHEAD, RAYS, VehicleSpecification, observation_layout};

/// Deceleration that an operator plans with, m/s²: half of what the brakes give.
const PLANNED_BRAKING: f32 = 4.0;
/// Speed that it parks with, by the distance left, 1/s: straight in, ever slower, back again where it went too far.
const APPROACH: f32 = 0.6;
/// Where the goal itself, not the way's length, tells the distance left, m.
const NEAR: f32 = 1.9;
/// Parked within this distance, m.
const ARRIVED: f32 = 0.2;
/// Half the width of the lane that must be free of obstacles, m.
const LANE: f32 = 1.4;
/// The gap kept behind what stands on the lane, m, from the middle of the bonnet.
const GAP: f32 = 4.5;

/// How far beyond the place where a thing was last seen it swings back, m: its length, and half a car's.
const PAST: f32 = 5.0;

/// Steers by pure pursuit (Coulter 1992, eq. 1), brakes for bends and for what is in the lane, stops at a goal.
pub struct DriveOperator {
    hands: Hands,
    skill: Skill,
    cruise: f32,
    lateral: f32,
    wheelbase: f32,
    lock: f32,
    steering_acceleration: f32,
    fields: Fields,
    /// How far beside a thing on the lane it passes, left of it above zero; 0 stops behind it, m.
    dodge: f32,
    /// How far ahead a thing on the lane makes it swing out, m.
    notice: f32,
    /// Way that is left until it swings back, m.
    dodging: f32,
    /// How far left of the line it means to be, m.
    aside: f32,
    /// What the ideal speed is multiplied by.
    mood: f32,
    /// How long that stays so, s.
    mood_left: f32,
}

/// Where in the observation things stand.
struct Fields {
    ahead: usize,
    left: usize,
    to_go: usize,
    goal_near: usize,
    goal_heading: usize,
    rays: usize,
}

impl DriveOperator {
    /// An operator that goes at most `cruise` m/s and takes bends at `lateral` m/s².
    pub fn new(skill: Skill, cruise: f32, lateral: f32, car: &VehicleSpecification) -> Self {
        let layout = observation_layout();
        let start = |name: &str| layout.range(name).map_or(0, |r| r.start);
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
            KeyPair { action: 1, up: KeyCode::KeyW, down: None },
            KeyPair { action: 2, up: KeyCode::KeyS, down: None },
        ];
        Self {
            hands: Hands::new(skill, pairs),
            skill,
            cruise,
            lateral,
            wheelbase: car.wheelbase,
            lock: car.steering_lock,
            steering_acceleration: car.steering_acceleration,
            fields: Fields {
                ahead: start("course_ahead_forward"),
                left: start("course_ahead_left"),
                to_go: start("course_left_to_go"),
                goal_near: start("goal_near_forward"),
                goal_heading: start("goal_heading_sin"),
                rays: start("ray"),
            },
            dodge: 0.0,
            notice: 0.0,
            dodging: 0.0,
            aside: 0.0,
            mood: 1.0,
            mood_left: 0.0,
        }
    }

    /// The same, passing things on the lane `beside` metres beside them, on a side that chance chooses when they are
    /// `notice` metres ahead.
    pub fn dodging(self, beside: f32, notice: f32) -> Self {
        Self { dodge: beside, notice, ..self }
    }

    /// Change line and speed a little every few seconds.
    fn drift(&mut self, dt: f32) {
        self.mood_left -= dt;
        if self.mood_left <= 0.0 {
            let (aside, pace) = self.skill.stray();
            self.mood_left = 1.5 + 0.7 * self.hands.noise();
            self.aside = aside * self.hands.noise();
            self.mood = 1.0 + pace * self.hands.noise();
        }
    }

    /// The course ahead as (forward, left), m, the car's own place first.
    fn path(&self, observation: &[f32]) -> [(f32, f32); AHEAD.len() + 1] {
        let mut path = [(0.0, 0.0); AHEAD.len() + 1];
        for (i, point) in path[1..].iter_mut().enumerate() {
            *point = (observation[self.fields.ahead + i], observation[self.fields.left + i]);
        }
        path
    }

    /// The path's point at about `distance` metres ahead.
    fn aim(path: &[(f32, f32)], distance: f32) -> (f32, f32) {
        let mut last = 0.0;
        for (i, d) in AHEAD.into_iter().enumerate() {
            if d >= distance {
                let t = (distance - last) / (d - last);
                let (a, b) = (path[i], path[i + 1]);
                return (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
            }
            last = d;
        }
        path[path.len() - 1]
    }

    /// The speed that bends allow, m/s.
    fn bend_speed(&self, path: &[(f32, f32)]) -> f32 {
        let mut allowed = f32::INFINITY;
        for i in 1..path.len() - 2 {
            let (a, b, c) = (path[i], path[i + 1], path[i + 2]);
            let (u, v) = ((b.0 - a.0, b.1 - a.1), (c.0 - b.0, c.1 - b.1));
            let angle = ops::atan2(u.0 * v.1 - u.1 * v.0, u.0 * v.0 + u.1 * v.1);
            let length = 0.5 * (ops::hypot(u.0, u.1) + ops::hypot(v.0, v.1));
            let curvature = angle.abs() / length.max(0.5);
            let there = (self.lateral / curvature.max(1e-3)).sqrt();
            let until = (AHEAD[i] - 2.0).max(0.0);
            allowed = allowed.min((there * there + 2.0 * PLANNED_BRAKING * until).sqrt());
        }
        allowed
    }

    /// How far ahead on the path something stands, m.
    fn free_way(&self, observation: &[f32], path: &[(f32, f32)]) -> f32 {
        let mut free = f32::INFINITY;
        for i in 0..RAYS.count {
            let distance = observation[self.fields.rays + i];
            if distance > RAYS.reach - 0.1 {
                continue;
            }
            let angle = RAYS.arc * (0.5 - i as f32 / (RAYS.count - 1) as f32);
            // Rays start 0.6 m ahead of the car's middle.
            let (forward, left) = (0.6 + distance * ops::cos(angle), distance * ops::sin(angle));
            if forward < 1.0 {
                continue;
            }
            let on_path = Self::aim(path, ops::hypot(forward, left));
            if (left - on_path.1).abs() < LANE && (forward - on_path.0).abs() < 4.0 {
                free = free.min(distance);
            }
        }
        free
    }
}

impl Operator for DriveOperator {
    fn begin(&mut self, seed: u64) {
        self.hands.begin(seed);
        self.mood_left = 0.0;
        self.dodging = 0.0;
        if self.dodge != 0.0 {
            self.dodge = self.dodge.abs().copysign(self.hands.noise());
        }
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.drift(dt);
        let speed = observation[0];
        let path = self.path(observation);
        let (forward, left) = Self::aim(&path, (2.5 + 0.45 * speed.abs()).clamp(3.0, 18.0));
        // At the end of a course there is no straying.
        let mut left = left + self.aside * (observation[self.fields.to_go] / 12.0).min(1.0);
        let free = self.free_way(observation, &path);
        self.dodging -= speed.max(0.0) * dt;
        if self.dodge != 0.0 && free < self.notice {
            self.dodging = free + PAST;
        }
        if self.dodging > 0.0 {
            left += self.dodge;
        }
        let distance = (forward * forward + left * left).max(1.0);
        let curvature = 2.0 * left / distance;
        let followable = ops::atan(self.wheelbase * self.steering_acceleration / (speed * speed).max(0.1));
        let steer = ops::atan(self.wheelbase * curvature) / self.lock.min(followable);

        let mut wanted = self.cruise.min(self.bend_speed(&path)) * self.skill.pace();
        let gap = free - GAP;
        if gap.is_finite() && self.dodge == 0.0 {
            wanted = wanted.min((2.0 * PLANNED_BRAKING * gap.max(0.0)).sqrt() * 0.8);
        }
        let goal = &observation[self.fields.goal_heading..self.fields.goal_heading + 2];
        if goal[0] != 0.0 || goal[1] != 0.0 {
            let near = observation[self.fields.goal_near];
            let left_to_go = if near < NEAR { near } else { observation[self.fields.to_go] };
            let home = if left_to_go.abs() < ARRIVED { 0.0 } else { APPROACH * left_to_go };
            wanted = wanted.min(home);
        }
        wanted *= self.mood;
        let throttle = if wanted > speed && wanted > 0.0 { ((wanted - speed) * 0.6).min(1.0) } else { 0.0 };
        // Below a creep the brake key is the reverse gear.
        let brake = if wanted < 0.0 && speed > wanted + 0.1 {
            0.4
        } else if speed > wanted + 0.25 && speed > 0.35 {
            ((speed - wanted) * 0.6).min(1.0)
        } else {
            0.0
        };
        self.hands.press(&[steer, throttle, brake], action, dt, keys);
    }
}
