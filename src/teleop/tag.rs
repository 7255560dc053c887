//! An operator that catches, or gets away, round what stands in its way.

use std::f32::consts::FRAC_PI_2;

use bevy::input::keyboard::KeyCode;
use bevy::math::{Vec2, ops};

use super::latch::KeyLatch;
use super::operator::{Hands, KeyPair, Operator, Skill};
use crate::sim::wrap_angle;
use crate::spaces::Layout;

/// How far ahead of the other's place the chaser aims, s.
const LEAD: f32 = 0.4;
/// Lateral acceleration that it turns with, m/s².
const LATERAL: f32 = 6.0;
/// Speed below which one that is driven against something backs out, m/s.
const STUCK: f32 = 0.5;
/// How long that has to last, and how long it then backs, s.
const PATIENCE: (f32, f32) = (0.8, 1.2);

/// How a kind of body is steered and what its rays reach.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Manner {
    /// Arc of the rays, rad, and how far they reach, m.
    arc: f32,
    reach: f32,
    /// Half the width that it needs, m.
    half_width: f32,
    /// Whether it walks.
    on_foot: bool,
}

/// Plays tag with cars or on foot.
pub struct TagOperator {
    hands: Hands,
    rival: usize,
    velocity: usize,
    speed: std::ops::Range<usize>,
    chasing: usize,
    rays: std::ops::Range<usize>,
    manner: Manner,
    stuck: f32,
    backing: f32,
}

impl TagOperator {
    /// An operator of `skill` for a car that observes by `layout`, with rays over `arc` rad.
    pub fn driving(skill: Skill, layout: &Layout, arc: f32) -> Self {
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
            KeyPair { action: 1, up: KeyCode::KeyW, down: None },
            KeyPair { action: 2, up: KeyCode::KeyS, down: None },
        ];
        Self::new(skill, layout, pairs, "ray", Manner { arc, reach: 12.0, half_width: 1.6, on_foot: false })
    }

    /// The same on foot.
    pub fn walking(skill: Skill, layout: &Layout, arc: f32) -> Self {
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyW, down: Some(KeyCode::KeyS) },
            KeyPair { action: 2, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
        ];
        Self::new(skill, layout, pairs, "range", Manner { arc, reach: 3.5, half_width: 0.62, on_foot: true })
    }

    fn new(skill: Skill, layout: &Layout, pairs: Vec<KeyPair>, rays: &str, manner: Manner) -> Self {
        let range = |name: &str| layout.range(name).unwrap_or(0..0);
        Self {
            hands: Hands::new(skill, pairs),
            rival: range("rival_forward").start,
            velocity: range("rival_velocity_forward").start,
            speed: range(if manner.on_foot { "velocity" } else { "velocity_forward" }),
            chasing: range("chasing").start,
            rays: range(rays),
            manner,
            stuck: 0.0,
            backing: 0.0,
        }
    }

    /// Throttle of a car that has to turn by `direction`: no faster than what it can turn at to get to the other one.
    fn pedals(&self, observation: &[f32], direction: f32, speed: f32) -> f32 {
        let sin = if direction.abs() > FRAC_PI_2 { 1.0 } else { ops::sin(direction.abs()) };
        let distance = Vec2::new(observation[self.rival], observation[self.rival + 1]).length();
        let reach = if observation[self.chasing] > 0.5 { distance } else { self.manner.reach };
        // A chord of a circle: its radius is what lateral acceleration allows at this speed.
        let radius = reach / (2.0 * sin.max(0.05));
        if speed * speed < LATERAL * radius { 1.0 } else { 0.0 }
    }

    /// The direction to go in, rad, positive left.
    fn direction(&self, observation: &[f32]) -> f32 {
        let at = |i: usize| Vec2::new(observation[i], observation[i + 1]);
        let place = at(self.rival);
        let wanted = if observation[self.chasing] > 0.5 { place + at(self.velocity) * LEAD } else { -place };
        let straight = ops::atan2(wanted.y, wanted.x);
        let rays = &observation[self.rays.clone()];
        let Manner { arc, reach, half_width, .. } = self.manner;
        let last = rays.len().max(2) - 1;
        let angle = |i: usize| arc * (0.5 - i as f32 / last as f32);
        // The other one is not in the way of who chases it.
        let reach = if observation[self.chasing] > 0.5 { reach.min(0.8 * place.length()) } else { reach };
        let cost = |direction: f32| {
            let mut blocked = 0.0f32;
            for (i, distance) in rays.iter().enumerate() {
                let (sin, cos) = ops::sin_cos(angle(i) - direction);
                let (along, across) = (distance * cos, (distance * sin).abs());
                if along > 0.0 && along < reach && across < half_width {
                    blocked = blocked.max((reach - along) / reach);
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
        self.hands.begin(seed);
        (self.stuck, self.backing) = (0.0, 0.0);
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        let direction = self.direction(observation);
        let turn = (1.6 * direction).clamp(-1.0, 1.0);
        self.backing -= dt;
        let speed = observation[self.speed.clone()].iter().map(|x| x * x).sum::<f32>().sqrt();
        if speed < STUCK {
            self.stuck += dt;
            if self.stuck > PATIENCE.0 && self.backing <= 0.0 {
                (self.stuck, self.backing) = (0.0, PATIENCE.1);
            }
        } else {
            self.stuck = 0.0;
        }
        let back = self.backing > 0.0;
        let wishes: &[f32] = match (self.manner.on_foot, back) {
            (true, false) => &[if direction.abs() < 0.8 { 1.0 } else { 0.3 }, turn],
            (true, true) => &[-1.0, turn],
            (false, false) => &[turn, self.pedals(observation, direction, speed), 0.0],
            (false, true) => &[-turn, -1.0, 1.0],
        };
        self.hands.press(wishes, action, dt, keys);
    }
}
