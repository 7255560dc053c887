//! Scripted experts: policies that map the observation to key presses, with the reaction time and noise of a person.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use bevy::ecs::component::Component;
use bevy::input::keyboard::KeyCode;
use rand::RngExt;
use thiserror::Error;

use super::latch::KeyLatch;
use crate::sim::{SimRng, episode_rng};

/// A scripted expert: presses keys in the place of a person.
pub trait Operator: Send + Sync + 'static {
    /// Begin a new episode. All randomness comes from `seed`.
    fn begin(&mut self, seed: u64);

    /// Press and release keys for the next tick of `dt` s. `action` is the action of the last tick, that is the current
    /// rate-limited value of the keys.
    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch);
}

/// The operator of an agent whose driver is [`Scripted`](crate::agents::Driver::Scripted).
#[derive(Component)]
pub struct ScriptedOperator(pub Box<dyn Operator>);

/// Skill level of a scripted expert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skill {
    /// Accurate, with a short reaction time.
    Steady,
    /// Faster, with a longer reaction time and over-correction.
    Hasty,
    /// Long reaction time, much noise and over-correction.
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

    /// Mean reaction time, s. A person's simple visual reaction time is 0.2-0.25 s; it is shorter on a visible course,
    /// as people anticipate.
    pub fn reaction_time(self) -> f32 {
        match self {
            Self::Steady => 0.07,
            Self::Hasty => 0.13,
            Self::Sloppy => 0.2,
        }
    }

    /// Standard deviation of the reaction time, s.
    pub fn timing_noise(self) -> f32 {
        match self {
            Self::Steady => 0.02,
            Self::Hasty => 0.04,
            Self::Sloppy => 0.08,
        }
    }

    /// Gain on the target action; above 1 it over-corrects.
    pub fn over_correction(self) -> f32 {
        match self {
            Self::Steady => 1.0,
            Self::Hasty => 1.2,
            Self::Sloppy => 1.4,
        }
    }

    /// Amplitude of the random deviation from the ideal line and speed. The demonstrations then contain recoveries from
    /// such deviations, which behavior cloning needs.
    pub fn deviation(self) -> Deviation {
        match self {
            Self::Steady => Deviation { lateral: 0.4, speed: 0.3 },
            Self::Hasty => Deviation { lateral: 0.6, speed: 0.35 },
            Self::Sloppy => Deviation { lateral: 0.9, speed: 0.4 },
        }
    }

    /// Fraction of the maximum safe speed.
    pub fn speed_factor(self) -> f32 {
        match self {
            Self::Steady => 0.85,
            Self::Hasty => 1.0,
            Self::Sloppy => 0.9,
        }
    }
}

/// Amplitude of a scripted expert's random deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Distance from the ideal line, m.
    pub lateral: f32,
    /// Fraction of the ideal speed.
    pub speed: f32,
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error: the name of a skill is unknown.
#[derive(Debug, Error, PartialEq)]
#[error("unknown operator `{0}`; use steady, hasty or sloppy")]
pub struct UnknownSkill(String);

impl FromStr for Skill {
    type Err = UnknownSkill;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|skill| skill.name() == s).ok_or_else(|| UnknownSkill(s.to_owned()))
    }
}

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
