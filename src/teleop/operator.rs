//! Scripted operators: they see the observation and press keys, with a person's delay and noise.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use bevy::ecs::component::Component;
use bevy::input::keyboard::KeyCode;
use rand::RngExt;
use thiserror::Error;

use super::latch::KeyLatch;
use crate::sim::{SimRng, episode_rng};

/// Presses keys in the place of a person.
pub trait Operator: Send + Sync + 'static {
    /// A new episode begins; everything random comes from `seed`.
    fn begin(&mut self, seed: u64);

    /// Press and release keys for the coming tick of `dt` seconds. `action` is the action of the last tick, which
    /// tells how far the smoothed keys have got.
    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch);
}

/// The operator of an agent whose driver is [`Scripted`](crate::agents::Driver::Scripted).
#[derive(Component)]
pub struct ScriptedOperator(pub Box<dyn Operator>);

/// How well an operator plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skill {
    /// Calm, exact.
    Steady,
    /// Faster, reacts later, corrects too much.
    Hasty,
    /// Inattentive: late, noisy, over-corrects.
    Sloppy,
}

impl Skill {
    /// All skills, best first.
    pub const ALL: [Self; 3] = [Self::Steady, Self::Hasty, Self::Sloppy];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Hasty => "hasty",
            Self::Sloppy => "sloppy",
        }
    }

    /// Time from seeing to pressing, s. A simple visual reaction takes a person 0.2-0.25 s; on a course that can be
    /// seen ahead people anticipate, which leaves less.
    pub fn reaction(self) -> f32 {
        match self {
            Self::Steady => 0.07,
            Self::Hasty => 0.13,
            Self::Sloppy => 0.2,
        }
    }

    /// Standard deviation of that time, s.
    pub fn timing_noise(self) -> f32 {
        match self {
            Self::Steady => 0.02,
            Self::Hasty => 0.04,
            Self::Sloppy => 0.08,
        }
    }

    /// What a correction is multiplied by.
    pub fn over_correction(self) -> f32 {
        match self {
            Self::Steady => 1.0,
            Self::Hasty => 1.2,
            Self::Sloppy => 1.4,
        }
    }

    /// How far from the ideal line it strays, m, and by what share from the ideal speed. Nobody holds either exactly;
    /// what it does to come back is what a learner needs to see.
    pub fn stray(self) -> (f32, f32) {
        match self {
            Self::Steady => (0.4, 0.3),
            Self::Hasty => (0.6, 0.35),
            Self::Sloppy => (0.9, 0.4),
        }
    }

    /// Share of the speed that the way allows.
    pub fn pace(self) -> f32 {
        match self {
            Self::Steady => 0.85,
            Self::Hasty => 1.0,
            Self::Sloppy => 0.9,
        }
    }
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no skill's.
#[derive(Debug, Error, PartialEq)]
#[error("there is no operator `{0}`; there are steady, hasty and sloppy")]
pub struct UnknownSkill(String);

impl FromStr for Skill {
    type Err = UnknownSkill;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|skill| skill.name() == s).ok_or_else(|| UnknownSkill(s.to_owned()))
    }
}

/// Keys that pull one number up and down.
#[derive(Clone, Copy, Debug)]
pub struct KeyPair {
    /// Index into the action.
    pub action: usize,
    /// Pulls up.
    pub up: KeyCode,
    /// Pulls down, where a key does.
    pub down: Option<KeyCode>,
}

/// How often the delay wanders, s.
const WANDER: f32 = 0.4;
/// A wish this close to the smoothed value presses no key.
const BAND: f32 = 0.12;

/// What stands between an operator's wish and the keys: delay, noise, over-correction, and the pulsing that keys need
/// to hold a middle value.
pub struct Hands {
    skill: Skill,
    pairs: Vec<KeyPair>,
    wishes: VecDeque<Vec<f32>>,
    rng: SimRng,
    delay: f32,
    until_wander: f32,
}

impl Hands {
    /// Hands of `skill` on these keys.
    pub fn new(skill: Skill, pairs: Vec<KeyPair>) -> Self {
        Self {
            skill,
            pairs,
            wishes: VecDeque::new(),
            rng: episode_rng(0, 0),
            delay: skill.reaction(),
            until_wander: 0.0,
        }
    }

    /// A new episode begins.
    pub fn begin(&mut self, seed: u64) {
        self.rng = episode_rng(seed, 0);
        self.wishes.clear();
        self.delay = self.skill.reaction();
        self.until_wander = 0.0;
    }

    /// A number drawn from the operator's own stream, -1..1, triangular around 0.
    pub fn noise(&mut self) -> f32 {
        self.rng.random::<f32>() - self.rng.random::<f32>()
    }

    /// Wish for `wanted` (one number for each key pair, -1..1 or beyond) and press the keys that a delayed wish asks
    /// for.
    pub fn press(&mut self, wanted: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.until_wander -= dt;
        if self.until_wander <= 0.0 {
            self.until_wander = WANDER;
            // Sum of two triangular draws: close to normal with standard deviation 0.58.
            let normal = (self.noise() + self.noise()) / 0.577;
            self.delay = (self.skill.reaction() + normal * self.skill.timing_noise()).max(0.0);
        }
        self.wishes.push_front(wanted.to_vec());
        let age = ((self.delay / dt).round() as usize).min(self.wishes.len() - 1);
        self.wishes.truncate(64);
        let gain = self.skill.over_correction();
        for (i, pair) in self.pairs.iter().enumerate() {
            let wish = (self.wishes[age][i] * gain).clamp(-1.0, 1.0);
            let error = wish - action[pair.action];
            keys.set(pair.up, error > BAND || wish > 1.0 - BAND);
            if let Some(down) = pair.down {
                keys.set(down, error < -BAND || wish < BAND - 1.0);
            }
        }
    }
}
