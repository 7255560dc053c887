//! A scripted expert for tag: it chases or evades the rival and avoids obstacles.

use std::f32::consts::FRAC_PI_2;

use bevy::math::{Vec2, ops};

use crate::keys::{KeyController, KeyLatch, KeyPair, Operator, Skill};
use crate::sim::wrap_angle;
use crate::spaces::Layout;

/// The chaser aims at the rival's position extrapolated by this time, s.
const INTERCEPT_TIME: f32 = 0.4;
/// Maximum lateral acceleration of a car in turns, m/s².
const LATERAL_ACCELERATION: f32 = 6.0;
/// Speed below which the body counts as stuck, m/s.
const STUCK_SPEED: f32 = 0.5;
/// Time after which a stuck body reverses, s.
const STUCK_TIME: f32 = 0.8;
/// Time for which it reverses, s.
const REVERSE_TIME: f32 = 1.2;

/// How a body moves in a game of tag, and what it observes of it.
#[derive(Clone, Debug)]
pub struct TagLocomotion {
    /// Whether the body walks, and turns on the spot; otherwise it steers like a car.
    pub on_foot: bool,
    /// The keys. On foot: forward and turn; of a car: steer, throttle and brake.
    pub pairs: Vec<KeyPair>,
    /// Field of the range rays.
    pub rays: &'static str,
    /// Arc of the range rays, rad.
    pub arc: f32,
    /// Field of the velocity, m/s.
    pub velocity: &'static str,
    /// Distance within which obstacles are avoided, m.
    pub avoidance_distance: f32,
    /// Half the width that the body needs, m.
    pub half_width: f32,
}

/// A scripted expert for tag, with cars or on foot.
pub struct TagOperator {
    key_controller: KeyController,
    rival: usize,
    velocity: usize,
    speed: std::ops::Range<usize>,
    chasing: usize,
    rays: std::ops::Range<usize>,
    locomotion: TagLocomotion,
    /// How long the body has been stuck, s.
    stuck_time: f32,
    /// Remaining time in reverse, s.
    reverse_time_left: f32,
}

impl TagOperator {
    /// An expert of `skill` for a body with observation `layout`.
    pub fn new(skill: Skill, layout: &Layout, locomotion: TagLocomotion) -> Self {
        let range = |name: &str| layout.range(name).unwrap_or(0..0);
        Self {
            key_controller: KeyController::new(skill, locomotion.pairs.clone()),
            rival: range("rival_forward").start,
            velocity: range("rival_velocity_forward").start,
            speed: range(locomotion.velocity),
            chasing: range("chasing").start,
            rays: range(locomotion.rays),
            locomotion,
            stuck_time: 0.0,
            reverse_time_left: 0.0,
        }
    }

    /// Throttle of a car that must turn by `direction` (rad): zero above the speed at which the turn to the rival is
    /// possible.
    fn throttle(&self, observation: &[f32], direction: f32, speed: f32) -> f32 {
        let sin = if direction.abs() > FRAC_PI_2 { 1.0 } else { ops::sin(direction.abs()) };
        let distance = Vec2::new(observation[self.rival], observation[self.rival + 1]).length();
        let chord = if observation[self.chasing] > 0.5 { distance } else { self.locomotion.avoidance_distance };
        // Radius of the circle with this chord and direction: the lateral acceleration limits the speed on it.
        let radius = chord / (2.0 * sin.max(0.05));
        if speed * speed < LATERAL_ACCELERATION * radius { 1.0 } else { 0.0 }
    }

    /// Direction of motion relative to the heading, rad, positive to the left: the candidate with the lowest cost.
    fn direction(&self, observation: &[f32]) -> f32 {
        let vector = |i: usize| Vec2::new(observation[i], observation[i + 1]);
        let rival_position = vector(self.rival);
        let target = if observation[self.chasing] > 0.5 {
            rival_position + vector(self.velocity) * INTERCEPT_TIME
        } else {
            -rival_position
        };
        let straight = ops::atan2(target.y, target.x);
        let rays = &observation[self.rays.clone()];
        let TagLocomotion { arc, avoidance_distance, half_width, .. } = self.locomotion;
        let last = rays.len().max(2) - 1;
        let angle = |i: usize| arc * (0.5 - i as f32 / last as f32);
        // The chaser ignores obstacles from 0.8 of the rival's distance on: the rival itself is not an obstacle.
        let avoidance_distance = if observation[self.chasing] > 0.5 {
            avoidance_distance.min(0.8 * rival_position.length())
        } else {
            avoidance_distance
        };
        let cost = |direction: f32| {
            let mut blocked = 0.0f32;
            for (i, distance) in rays.iter().enumerate() {
                let (sin, cos) = ops::sin_cos(angle(i) - direction);
                let (along, across) = (distance * cos, (distance * sin).abs());
                if along > 0.0 && along < avoidance_distance && across < half_width {
                    blocked = blocked.max((avoidance_distance - along) / avoidance_distance);
                }
            }
            wrap_angle(direction - straight).abs() + 3.0 * blocked + 0.3 * direction.abs()
        };
        let candidates = (0..=3 * last).map(|i| arc * (0.5 - i as f32 / (3 * last) as f32));
        let best = candidates.map(|c| (cost(c), c)).min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(straight, |(_, direction)| direction)
    }
}

impl Operator for TagOperator {
    fn begin(&mut self, seed: u64) {
        self.key_controller.begin(seed);
        (self.stuck_time, self.reverse_time_left) = (0.0, 0.0);
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        let direction = self.direction(observation);
        let turn = (1.6 * direction).clamp(-1.0, 1.0);
        self.reverse_time_left -= dt;
        let speed = observation[self.speed.clone()].iter().map(|x| x * x).sum::<f32>().sqrt();
        if speed < STUCK_SPEED {
            self.stuck_time += dt;
            if self.stuck_time > STUCK_TIME && self.reverse_time_left <= 0.0 {
                (self.stuck_time, self.reverse_time_left) = (0.0, REVERSE_TIME);
            }
        } else {
            self.stuck_time = 0.0;
        }
        let reversing = self.reverse_time_left > 0.0;
        let targets: &[f32] = match (self.locomotion.on_foot, reversing) {
            (true, false) => &[if direction.abs() < 0.8 { 1.0 } else { 0.3 }, turn],
            (true, true) => &[-1.0, turn],
            (false, false) => &[turn, self.throttle(observation, direction, speed), 0.0],
            (false, true) => &[-turn, -1.0, 1.0],
        };
        self.key_controller.press(targets, action, dt, keys);
    }
}
