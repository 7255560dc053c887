//! What an episode's world is like beside its layout: domain randomisation (Tobin et al. 2017, arXiv:1703.06907; Peng et
//! al. 2018, arXiv:1710.06537).

use std::fmt;

use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::physics::Physics;
use super::seed::SimRng;

/// A number that is the same in every episode, or drawn for each, even between two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Span {
    /// The same.
    Constant(f32),
    /// From the least to the greatest.
    Range(f32, f32),
}

impl Span {
    /// The least and the greatest.
    pub fn ends(self) -> (f32, f32) {
        match self {
            Self::Constant(x) => (x, x),
            Self::Range(low, high) => (low, high),
        }
    }

    /// From `0.5`, or `0.5..1.5` for a range.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|x| x.is_finite());
        Some(match text.split_once("..") {
            Some((low, high)) => Self::Range(number(low)?, number(high)?),
            None => Self::Constant(number(text)?),
        })
    }

    /// One of its numbers. A constant draws, too, so that others do not change with it.
    fn draw(self, rng: &mut SimRng) -> f32 {
        let (low, high) = self.ends();
        let share = rng.random::<f32>();
        if low == high { low } else { low + share * (high - low) }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

/// Reads spans; tells what it expects.
struct SpanVisitor;

impl<'de> Visitor<'de> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or (least, greatest)")
    }

    fn visit_f64<E>(self, x: f64) -> Result<Span, E> {
        Ok(Span::Constant(x as f32))
    }

    fn visit_i64<E>(self, x: i64) -> Result<Span, E> {
        Ok(Span::Constant(x as f32))
    }

    fn visit_u64<E>(self, x: u64) -> Result<Span, E> {
        Ok(Span::Constant(x as f32))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Span, A::Error> {
        match (seq.next_element()?, seq.next_element()?) {
            (Some(low), Some(high)) => Ok(Span::Range(low, high)),
            (low, _) => Err(A::Error::invalid_length(usize::from(low.is_some()), &self)),
        }
    }
}

/// Which conditions episodes may have. Each is a factor of what the scene says, but the delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionRanges {
    /// Of the grip of tyres.
    pub grip: Span,
    /// Of the mass of those who act.
    pub mass: Span,
    /// Of the friction of everything but tyres.
    pub friction: Span,
    /// Of gravity.
    pub gravity: Span,
    /// Ticks from an action to its effect; a number between two counts as the nearer.
    pub delay: Span,
}

impl Default for ConditionRanges {
    fn default() -> Self {
        let own = Span::Constant(1.0);
        Self { grip: own, mass: own, friction: own, gravity: own, delay: Span::Constant(0.0) }
    }
}

impl ConditionRanges {
    /// Names, as scene files spell them, and the least and greatest that each may be.
    pub const BOUNDS: [(&'static str, f32, f32); 5] = [
        ("grip", 0.05, 5.0),
        ("mass", 0.1, 10.0),
        ("friction", 0.0, 10.0),
        ("gravity", 0.0, 5.0),
        ("delay", 0.0, 30.0),
    ];

    /// The same with another span of that name.
    ///
    /// # Errors
    /// What is not allowed about it, in words.
    pub fn with(mut self, name: &str, span: Span) -> Result<Self, String> {
        let own = match name {
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
        *own = span;
        match self.objections().next() {
            Some((_, objection)) => Err(objection),
            None => Ok(self),
        }
    }

    /// What is not allowed, with the name of what it is about.
    pub fn objections(&self) -> impl Iterator<Item = (&'static str, String)> {
        let spans = [self.grip, self.mass, self.friction, self.gravity, self.delay];
        Self::BOUNDS.into_iter().zip(spans).filter_map(|((name, least, most), span)| {
            let (low, high) = span.ends();
            let outside = [low, high].into_iter().find(|x| !(least..=most).contains(x));
            let message = match outside {
                Some(x) => format!("{name} is {x}; allowed is {least} to {most}"),
                None if low > high => format!("{name} is drawn from {low} to {high}; the least comes first"),
                None => return None,
            };
            Some((name, message))
        })
    }

    /// The conditions of an episode.
    pub fn draw(&self, rng: &mut SimRng) -> Conditions {
        Conditions {
            grip: self.grip.draw(rng),
            mass: self.mass.draw(rng),
            friction: self.friction.draw(rng),
            gravity: self.gravity.draw(rng),
            delay: self.delay.draw(rng).round().max(0.0) as u32,
        }
    }
}

/// The conditions of one episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Factor of the grip of tyres.
    pub grip: f32,
    /// Factor of the mass of those who act.
    pub mass: f32,
    /// Factor of the friction of everything but tyres.
    pub friction: f32,
    /// Factor of gravity.
    pub gravity: f32,
    /// Ticks from an action to its effect.
    pub delay: u32,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { grip: 1.0, mass: 1.0, friction: 1.0, gravity: 1.0, delay: 0 }
    }
}

/// What is not as the scene says, such as `grip 0.82, mass 1.40`; nothing where all is.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factors =
            [("grip", self.grip), ("mass", self.mass), ("friction", self.friction), ("gravity", self.gravity)];
        let differing = factors.into_iter().filter(|(_, factor)| *factor != 1.0);
        let mut told: Vec<String> = differing.map(|(name, factor)| format!("{name} {factor:.2}")).collect();
        match self.delay {
            0 => (),
            1 => told.push("delay 1 tick".into()),
            ticks => told.push(format!("delay {ticks} ticks")),
        }
        f.write_str(&told.join(", "))
    }
}

impl Conditions {
    /// Let friction and gravity be so in a world that is as its scene says.
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

/// Let the mass of bodies be `factor` of what it is.
pub(super) fn weigh(physics: &mut Physics<'_>, bodies: &[RigidBodyHandle], factor: f32) {
    let colliders: Vec<ColliderHandle> =
        bodies.iter().filter_map(|body| physics.bodies.get(*body)).flat_map(|body| body.colliders().to_vec()).collect();
    for handle in colliders {
        if let Some(collider) = physics.colliders.get_mut(handle) {
            collider.set_mass(collider.mass() * factor);
        }
    }
}
