//! Domain randomization: physics parameters that differ between episodes (Tobin et al. 2017, arXiv:1703.06907; Peng et
//! al. 2018, arXiv:1710.06537).

use std::fmt;

use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::physics::Physics;
use super::seed::SimRng;

/// The distribution of one physics parameter over episodes. In a scene file: a number, or `(low, high)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParamDistribution {
    /// The same value in every episode.
    Constant(f32),
    /// Uniform between a lower and an upper bound.
    Uniform(f32, f32),
}

impl ParamDistribution {
    /// Lower and upper bound.
    pub fn bounds(self) -> (f32, f32) {
        match self {
            Self::Constant(x) => (x, x),
            Self::Uniform(low, high) => (low, high),
        }
    }

    /// Parse a constant (`0.5`) or a uniform distribution (`0.5..1.5`).
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|x| x.is_finite());
        Some(match text.split_once("..") {
            Some((low, high)) => Self::Uniform(number(low)?, number(high)?),
            None => Self::Constant(number(text)?),
        })
    }

    /// A sample. A constant takes a number from the generator as well, so that a change of one parameter's distribution
    /// leaves the samples of the others as they are.
    fn sample(self, rng: &mut SimRng) -> f32 {
        let (low, high) = self.bounds();
        let fraction = rng.random::<f32>();
        if low == high { low } else { low + fraction * (high - low) }
    }
}

impl<'de> Deserialize<'de> for ParamDistribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamDistributionVisitor)
    }
}

/// Reads a number or a pair of numbers.
struct ParamDistributionVisitor;

impl<'de> Visitor<'de> for ParamDistributionVisitor {
    type Value = ParamDistribution;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or (low, high)")
    }

    fn visit_f64<E>(self, x: f64) -> Result<ParamDistribution, E> {
        Ok(ParamDistribution::Constant(x as f32))
    }

    fn visit_i64<E>(self, x: i64) -> Result<ParamDistribution, E> {
        Ok(ParamDistribution::Constant(x as f32))
    }

    fn visit_u64<E>(self, x: u64) -> Result<ParamDistribution, E> {
        Ok(ParamDistribution::Constant(x as f32))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ParamDistribution, A::Error> {
        match (seq.next_element()?, seq.next_element()?) {
            (Some(low), Some(high)) => Ok(ParamDistribution::Uniform(low, high)),
            (low, _) => Err(A::Error::invalid_length(usize::from(low.is_some()), &self)),
        }
    }
}

/// The distributions of an episode's [`Conditions`]. All but the delay are factors of the scene's nominal value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionRanges {
    /// Factor of the tires' grip.
    pub grip: ParamDistribution,
    /// Factor of the mass of the controlled bodies.
    pub mass: ParamDistribution,
    /// Factor of the friction coefficient of all colliders; tires have `grip` instead.
    pub friction: ParamDistribution,
    /// Factor of gravity.
    pub gravity: ParamDistribution,
    /// Action latency, ticks; a sample is rounded to the nearest whole number.
    pub delay: ParamDistribution,
}

impl Default for ConditionRanges {
    fn default() -> Self {
        let nominal = ParamDistribution::Constant(1.0);
        Self {
            grip: nominal,
            mass: nominal,
            friction: nominal,
            gravity: nominal,
            delay: ParamDistribution::Constant(0.0),
        }
    }
}

impl ConditionRanges {
    /// Name in scene files, smallest and greatest allowed value of each parameter.
    pub const BOUNDS: [(&'static str, f32, f32); 5] = [
        ("grip", 0.05, 5.0),
        ("mass", 0.1, 10.0),
        ("friction", 0.0, 10.0),
        ("gravity", 0.0, 5.0),
        ("delay", 0.0, 30.0),
    ];

    /// The same ranges with another distribution of the parameter `name`.
    ///
    /// # Errors
    /// A message, when there is no such parameter or its bounds are not allowed.
    pub fn with(mut self, name: &str, distribution: ParamDistribution) -> Result<Self, String> {
        let field = match name {
            "grip" => &mut self.grip,
            "mass" => &mut self.mass,
            "friction" => &mut self.friction,
            "gravity" => &mut self.gravity,
            "delay" => &mut self.delay,
            _ => {
                return Err(format!(
                    "there is no condition `{name}`; there are {}",
                    Self::BOUNDS.map(|b| b.0).join(", ")
                ));
            }
        };
        *field = distribution;
        match self.violations().next() {
            Some((_, message)) => Err(message),
            None => Ok(self),
        }
    }

    /// The parameters whose bounds are not allowed: name and message.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, String)> {
        let distributions = [self.grip, self.mass, self.friction, self.gravity, self.delay];
        Self::BOUNDS.into_iter().zip(distributions).filter_map(|((name, min, max), distribution)| {
            let (low, high) = distribution.bounds();
            let find = |wrong: &dyn Fn(&f32) -> bool| [low, high].into_iter().find(wrong);
            let outside = find(&|x| !(min..=max).contains(x));
            // Actions are delayed by whole ticks.
            let fraction = find(&|x| name == "delay" && x.fract() != 0.0);
            let message = match (outside, fraction) {
                (Some(x), _) => format!("{name} is {x}; it must be between {min} and {max}"),
                (None, Some(x)) => format!("{name} is {x}; it must be a whole number of ticks"),
                _ if low > high => format!("{name} is ({low}, {high}); the lower bound comes first"),
                _ => return None,
            };
            Some((name, message))
        })
    }

    /// Sample the conditions of an episode.
    pub fn sample(&self, rng: &mut SimRng) -> Conditions {
        Conditions {
            grip: self.grip.sample(rng),
            mass: self.mass.sample(rng),
            friction: self.friction.sample(rng),
            gravity: self.gravity.sample(rng),
            delay: self.delay.sample(rng).round().max(0.0) as u32,
        }
    }
}

/// The physics parameters of one episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Factor of the tires' grip.
    pub grip: f32,
    /// Factor of the mass of the controlled bodies.
    pub mass: f32,
    /// Factor of the friction coefficient of all colliders; tires have `grip` instead.
    pub friction: f32,
    /// Factor of gravity.
    pub gravity: f32,
    /// Action latency, ticks.
    pub delay: u32,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { grip: 1.0, mass: 1.0, friction: 1.0, gravity: 1.0, delay: 0 }
    }
}

/// The parameters that differ from their nominal value, such as `grip 0.82, mass 1.40`; empty when none does.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factors =
            [("grip", self.grip), ("mass", self.mass), ("friction", self.friction), ("gravity", self.gravity)];
        let differing = factors.into_iter().filter(|(_, factor)| *factor != 1.0);
        let mut texts: Vec<String> = differing.map(|(name, factor)| format!("{name} {factor:.2}")).collect();
        match self.delay {
            0 => (),
            1 => texts.push("delay 1 tick".into()),
            ticks => texts.push(format!("delay {ticks} ticks")),
        }
        f.write_str(&texts.join(", "))
    }
}

impl Conditions {
    /// Scale friction and gravity of a physics world in its nominal state.
    pub(super) fn apply(&self, physics: &mut Physics<'_>) {
        if self.friction != 1.0 {
            for (_, collider) in physics.colliders.iter_mut() {
                collider.set_friction(collider.friction() * self.friction);
            }
        }
        if self.gravity != 1.0 {
            for (_, body) in physics.bodies.iter_mut().filter(|(_, body)| !body.is_fixed()) {
                body.set_gravity_scale(body.gravity_scale() * self.gravity, true);
            }
        }
    }
}

/// Multiply the mass of `bodies` by `factor`.
pub(super) fn scale_mass(physics: &mut Physics<'_>, bodies: &[RigidBodyHandle], factor: f32) {
    let colliders: Vec<ColliderHandle> =
        bodies.iter().filter_map(|body| physics.bodies.get(*body)).flat_map(|body| body.colliders().to_vec()).collect();
    for handle in colliders {
        if let Some(collider) = physics.colliders.get_mut(handle) {
            collider.set_mass(collider.mass() * factor);
        }
    }
}
