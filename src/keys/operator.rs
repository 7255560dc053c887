//! Scripted experts: policies that map the observation to key presses, with the reaction time and noise of a person.

use std::fmt;
use std::str::FromStr;

use bevy::ecs::component::Component;
use thiserror::Error;

use super::latch::KeyLatch;

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
