//! An operator that walks to its goal, round obstacles, and pushes what is to be pushed.

use bevy::input::keyboard::KeyCode;
use bevy::math::{Vec2, ops};

use super::latch::KeyLatch;
use super::operator::{Hands, KeyPair, Operator, Skill};
use crate::agents::humanoid::{RANGE_ARC, observation_layout};

/// Half the width that a walking person needs, m: shoulders and a swing of the arms.
const SHOULDERS: f32 = 0.62;
/// Obstacles farther than this are not worth a detour yet, m.
const FORESIGHT: f32 = 3.5;
/// Distance behind the middle of a crate from which pushing begins, m: half a crate and half a step.
const BEHIND: f32 = 1.3;
/// Nearer than this to the middle of a crate, along the line, one has passed it and must walk round it, m.
const PASSED: f32 = 0.5;
/// How far ahead on the line one aims from afar, m: a step and a half.
const LOOK_AHEAD: f32 = 1.2;
/// How far off the line through crate and mark one may be and still push, m.
const OFF_LINE: f32 = 0.4;
/// Range beyond which a ray met nothing, m.
const NOTHING: f32 = 7.9;

/// Walks and pushes.
pub struct WalkOperator {
    hands: Hands,
    goal: usize,
    object: usize,
    object_to_goal: usize,
    range: std::ops::Range<usize>,
    down: usize,
    skill: Skill,
    /// How far off the line it means to go, as a share of what is allowed.
    bias: f32,
    /// How long that stays so, s.
    bias_left: f32,
}

impl WalkOperator {
    /// An operator of `skill`.
    pub fn new(skill: Skill) -> Self {
        let layout = observation_layout();
        let range = |name: &str| layout.range(name).unwrap_or(0..0);
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyW, down: Some(KeyCode::KeyS) },
            KeyPair { action: 1, up: KeyCode::KeyQ, down: Some(KeyCode::KeyE) },
            KeyPair { action: 2, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
        ];
        Self {
            hands: Hands::new(skill, pairs),
            goal: range("goal").start,
            object: range("object").start,
            object_to_goal: range("object_to_goal").start,
            range: range("range"),
            down: range("down").start,
            skill,
            bias: 0.0,
            bias_left: 0.0,
        }
    }

    /// The direction to walk in towards `target` (forward, left; m), rad, round what the rays meet.
    fn way_to(&self, observation: &[f32], target: Vec2) -> f32 {
        let rays = &observation[self.range.clone()];
        let angle = |i: usize| RANGE_ARC * (0.5 - i as f32 / (rays.len().max(2) - 1) as f32);
        let straight = ops::atan2(target.y, target.x);
        let reach = target.length().min(FORESIGHT);
        let cost = |direction: f32| {
            let mut blocked = 0.0f32;
            for (i, distance) in rays.iter().enumerate().filter(|(_, d)| **d < NOTHING) {
                let (sin, cos) = ops::sin_cos(angle(i) - direction);
                let (along, across) = (distance * cos, (distance * sin).abs());
                if along > 0.0 && along < reach && across < SHOULDERS {
                    blocked = blocked.max(reach - along + 2.0 * (SHOULDERS - across));
                }
            }
            (direction - straight).abs() + 1.2 * blocked + 0.25 * direction.abs()
        };
        // Three candidates a ray: finer than the rays, coarser than anyone can turn.
        let last = 3 * (rays.len().max(2) - 1);
        let candidates = (0..=last).map(|i| RANGE_ARC * (0.5 - i as f32 / last as f32));
        candidates
            .chain(std::iter::once(straight))
            .map(|c| (cost(c), c))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(straight, |(_, c)| c)
    }

    /// Wishes (forward, sideways, turn) that walk in `direction`.
    fn walk(direction: f32) -> [f32; 3] {
        let forward = if direction.abs() < 0.7 { 1.0 } else { 0.3 };
        [forward, 0.0, (1.8 * direction).clamp(-1.0, 1.0)]
    }

    /// Wishes that bring the object to its mark: onto the line through both from afar, then along it, keeping to it
    /// with side steps. They change smoothly with what is seen, as a person's do.
    fn push(&self, observation: &[f32], object: Vec2, rest: Vec2) -> [f32; 3] {
        let along = rest.normalize_or(Vec2::X);
        let behind = object.dot(along);
        let aside = along.perp_dot(object) + 0.3 * self.bias * OFF_LINE;
        if behind < PASSED {
            return Self::walk(self.way_to(observation, object - along * BEHIND));
        }
        let far = (behind - BEHIND).clamp(0.0, 1.0);
        let onto_line = object - along * (behind - LOOK_AHEAD);
        let from_afar = ops::atan2(onto_line.y, onto_line.x);
        let close_by = ops::atan2(along.y, along.x);
        let direction = far * from_afar + (1.0 - far) * close_by + 0.15 * self.bias;
        let aligned = (1.2 - aside.abs() / OFF_LINE).clamp(0.0, 1.0);
        let facing = (1.2 - direction.abs() / 1.2).clamp(0.0, 1.0);
        let sideways = (1.0 - far) * (2.5 * aside).clamp(-1.0, 1.0);
        [(far + (1.0 - far) * aligned) * facing, sideways, (1.8 * direction).clamp(-1.0, 1.0)]
    }

    /// Change the line a little now and then.
    fn drift(&mut self, dt: f32) {
        self.bias_left -= dt;
        if self.bias_left <= 0.0 {
            let (aside, _) = self.skill.stray();
            self.bias_left = 1.2 + 0.6 * self.hands.noise();
            self.bias = 2.0 * aside * self.hands.noise();
        }
    }
}

impl Operator for WalkOperator {
    fn begin(&mut self, seed: u64) {
        self.hands.begin(seed);
        self.bias = 0.0;
        self.bias_left = 0.0;
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.drift(dt);
        let pair = |at: usize| Vec2::new(observation[at], observation[at + 1]);
        let wishes = if observation[self.down] > 0.5 {
            [0.0; 3]
        } else if pair(self.object_to_goal) != Vec2::ZERO {
            self.push(observation, pair(self.object), pair(self.object_to_goal))
        } else {
            Self::walk(self.way_to(observation, pair(self.goal)) + 0.3 * self.bias)
        };
        self.hands.press(&wishes, action, dt, keys);
    }
}
