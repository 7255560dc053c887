//! A model of a person's key control: target actions become key presses.

use std::collections::VecDeque;

use bevy::input::keyboard::KeyCode;
use rand::RngExt;

use super::latch::KeyLatch;
use super::operator::Skill;
use crate::sim::{SimRng, episode_rng};

/// The keys that increase and decrease one component of the action.
#[derive(Clone, Copy, Debug)]
pub struct KeyPair {
    /// Index into the action.
    pub action: usize,
    /// Key that increases it.
    pub up: KeyCode,
    /// Key that decreases it, if there is one.
    pub down: Option<KeyCode>,
}

/// Interval between samples of the reaction time, s.
const DELAY_INTERVAL: f32 = 0.4;
/// Dead band: no key is pressed while the target is this close to the action.
const DEAD_BAND: f32 = 0.12;

/// Model of a person's key control: turns target actions into key presses, with reaction time, timing noise and
/// over-correction. It holds an intermediate value by pressing and releasing the key in turn.
pub struct KeyController {
    skill: Skill,
    pairs: Vec<KeyPair>,
    targets: VecDeque<Vec<f32>>,
    rng: SimRng,
    delay: f32,
    until_new_delay: f32,
}

impl KeyController {
    /// A controller of `skill` for these keys.
    pub fn new(skill: Skill, pairs: Vec<KeyPair>) -> Self {
        Self {
            skill,
            pairs,
            targets: VecDeque::new(),
            rng: episode_rng(0, 0),
            delay: skill.reaction_time(),
            until_new_delay: 0.0,
        }
    }

    /// Begin a new episode with this seed.
    pub fn begin(&mut self, seed: u64) {
        self.rng = episode_rng(seed, 0);
        self.targets.clear();
        self.delay = self.skill.reaction_time();
        self.until_new_delay = 0.0;
    }

    /// Sample from a triangular distribution on -1..1 with mode 0, from the expert's own random stream.
    pub fn noise(&mut self) -> f32 {
        self.rng.random::<f32>() - self.rng.random::<f32>()
    }

    /// Set the new target action (one value for each key pair, clamped to -1..1) and press the keys for the delayed
    /// target.
    pub fn press(&mut self, target: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.until_new_delay -= dt;
        if self.until_new_delay <= 0.0 {
            self.until_new_delay = DELAY_INTERVAL;
            // The sum of two triangular samples is close to a normal distribution with standard deviation 0.577.
            let normal = (self.noise() + self.noise()) / 0.577;
            self.delay = (self.skill.reaction_time() + normal * self.skill.timing_noise()).max(0.0);
        }
        self.targets.push_front(target.to_vec());
        let age = ((self.delay / dt).round() as usize).min(self.targets.len() - 1);
        self.targets.truncate(64);
        let gain = self.skill.over_correction();
        for (i, pair) in self.pairs.iter().enumerate() {
            let target = (self.targets[age][i] * gain).clamp(-1.0, 1.0);
            let error = target - action[pair.action];
            keys.set(pair.up, error > DEAD_BAND || target > 1.0 - DEAD_BAND);
            if let Some(down) = pair.down {
                keys.set(down, error < -DEAD_BAND || target < DEAD_BAND - 1.0);
            }
        }
    }
}
