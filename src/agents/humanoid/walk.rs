//! A scripted expert that walks to its goal, avoids obstacles, and pushes an object to its goal.

use bevy::input::keyboard::KeyCode;
use bevy::math::{Vec2, ops};

use super::sensors::{RANGE_ARC, observation_layout};
use crate::keys::{KeyController, KeyLatch, KeyPair, Operator, Skill};

/// Half the width that a walking humanoid needs, m: shoulders and arm swing.
const HALF_WIDTH: f32 = 0.62;
/// Distance within which obstacles are avoided, m.
const AVOIDANCE_DISTANCE: f32 = 3.5;
/// Distance behind the center of a crate at which pushing begins, m: half a crate and half a step.
const PUSH_DISTANCE: f32 = 1.3;
/// Distance behind the center of a crate, along the pushing line, below which the humanoid is beside the crate and must
/// walk around it, m.
const MIN_PUSH_DISTANCE: f32 = 0.5;
/// Look-ahead distance on the pushing line, m: a step and a half.
const LOOK_AHEAD: f32 = 1.2;
/// Maximum distance from the line through crate and goal at which the humanoid pushes, m.
const LINE_TOLERANCE: f32 = 0.4;
/// Range from which a ray counts as free, m.
const MAX_RANGE: f32 = 7.9;

/// A scripted expert for humanoids: walks and pushes.
pub struct WalkOperator {
    key_controller: KeyController,
    goal: usize,
    object: usize,
    object_to_goal: usize,
    range: std::ops::Range<usize>,
    down: usize,
    skill: Skill,
    /// Current deviation from the ideal line, as a fraction of the tolerance.
    lateral_deviation: f32,
    /// Time until the next random deviation, s.
    deviation_time_left: f32,
}

impl WalkOperator {
    /// An expert of `skill`.
    pub fn new(skill: Skill) -> Self {
        let layout = observation_layout();
        let range = |name: &str| layout.range(name).unwrap_or(0..0);
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyW, down: Some(KeyCode::KeyS) },
            KeyPair { action: 1, up: KeyCode::KeyQ, down: Some(KeyCode::KeyE) },
            KeyPair { action: 2, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
        ];
        Self {
            key_controller: KeyController::new(skill, pairs),
            goal: range("goal").start,
            object: range("object").start,
            object_to_goal: range("object_to_goal").start,
            range: range("range"),
            down: range("down").start,
            skill,
            lateral_deviation: 0.0,
            deviation_time_left: 0.0,
        }
    }

    /// Direction, rad, to walk towards `target` (forward, left; m) around the obstacles that the range rays hit.
    fn avoid_obstacles(&self, observation: &[f32], target: Vec2) -> f32 {
        let rays = &observation[self.range.clone()];
        let angle = |i: usize| RANGE_ARC * (0.5 - i as f32 / (rays.len().max(2) - 1) as f32);
        let straight = ops::atan2(target.y, target.x);
        let avoidance_distance = target.length().min(AVOIDANCE_DISTANCE);
        let cost = |direction: f32| {
            let mut blocked = 0.0f32;
            for (i, distance) in rays.iter().enumerate().filter(|(_, d)| **d < MAX_RANGE) {
                let (sin, cos) = ops::sin_cos(angle(i) - direction);
                let (along, across) = (distance * cos, (distance * sin).abs());
                if along > 0.0 && along < avoidance_distance && across < HALF_WIDTH {
                    blocked = blocked.max(avoidance_distance - along + 2.0 * (HALF_WIDTH - across));
                }
            }
            (direction - straight).abs() + 1.2 * blocked + 0.25 * direction.abs()
        };
        // Three candidates per ray.
        let last = 3 * (rays.len().max(2) - 1);
        let candidates = (0..=last).map(|i| RANGE_ARC * (0.5 - i as f32 / last as f32));
        candidates
            .chain(std::iter::once(straight))
            .map(|c| (cost(c), c))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(straight, |(_, c)| c)
    }

    /// Target action (forward, sideways, turn) to walk in `direction` (rad).
    fn walk(direction: f32) -> [f32; 3] {
        let forward = if direction.abs() < 0.7 { 1.0 } else { 0.3 };
        [forward, 0.0, (1.8 * direction).clamp(-1.0, 1.0)]
    }

    /// Target action to push the object to its goal: first walk onto the line through object and goal, then follow it
    /// and correct with side steps. It is a smooth function of the observation, as a person's actions are.
    fn push(&self, observation: &[f32], object: Vec2, object_to_goal: Vec2) -> [f32; 3] {
        let along = object_to_goal.normalize_or(Vec2::X);
        let distance_behind = object.dot(along);
        let line_error = along.perp_dot(object) + 0.3 * self.lateral_deviation * LINE_TOLERANCE;
        if distance_behind < MIN_PUSH_DISTANCE {
            return Self::walk(self.avoid_obstacles(observation, object - along * PUSH_DISTANCE));
        }
        let far = (distance_behind - PUSH_DISTANCE).clamp(0.0, 1.0);
        let onto_line = object - along * (distance_behind - LOOK_AHEAD);
        let from_afar = ops::atan2(onto_line.y, onto_line.x);
        let close_by = ops::atan2(along.y, along.x);
        let direction = far * from_afar + (1.0 - far) * close_by + 0.15 * self.lateral_deviation;
        let aligned = (1.2 - line_error.abs() / LINE_TOLERANCE).clamp(0.0, 1.0);
        let facing = (1.2 - direction.abs() / 1.2).clamp(0.0, 1.0);
        let sideways = (1.0 - far) * (2.5 * line_error).clamp(-1.0, 1.0);
        [(far + (1.0 - far) * aligned) * facing, sideways, (1.8 * direction).clamp(-1.0, 1.0)]
    }

    /// Every second or so, sample a new random deviation from the ideal line.
    fn update_deviation(&mut self, dt: f32) {
        self.deviation_time_left -= dt;
        if self.deviation_time_left <= 0.0 {
            self.deviation_time_left = 1.2 + 0.6 * self.key_controller.noise();
            self.lateral_deviation = 2.0 * self.skill.deviation().lateral * self.key_controller.noise();
        }
    }
}

impl Operator for WalkOperator {
    fn begin(&mut self, seed: u64) {
        self.key_controller.begin(seed);
        self.lateral_deviation = 0.0;
        self.deviation_time_left = 0.0;
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.update_deviation(dt);
        let pair = |at: usize| Vec2::new(observation[at], observation[at + 1]);
        let targets = if observation[self.down] > 0.5 {
            [0.0; 3]
        } else if pair(self.object_to_goal) != Vec2::ZERO {
            self.push(observation, pair(self.object), pair(self.object_to_goal))
        } else {
            Self::walk(self.avoid_obstacles(observation, pair(self.goal)) + 0.3 * self.lateral_deviation)
        };
        self.key_controller.press(&targets, action, dt, keys);
    }
}
