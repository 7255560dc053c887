//! A controlled body's place in an arena, and the randomization of all of them.

use super::body::{Body, Sensor};
use super::goal::TaskGoal;
use super::physics::Physics;
use super::seed::SimRng;

/// A controlled body of an arena with its goal, sensors, observation and action.
pub struct Slot {
    /// The body.
    pub body: Box<dyn Body>,
    /// Its goal in this episode.
    pub goal: TaskGoal,
    /// Sensors beyond the body's own. They write the end of the observation, in order.
    pub sensors: Vec<Box<dyn Sensor>>,
    /// Its observation at this tick, `[observation size]`.
    pub observation: Vec<f32>,
    /// Its action at this tick, `[action size]`.
    pub action: Vec<f32>,
}

/// Randomizes the initial state of each episode: start poses, layout, goals. Each scene implements its own.
pub trait Variation: Send + Sync + 'static {
    /// Randomize an arena that has just been restored to its nominal state. `rng` is the only source of randomness.
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng);
}

impl<F> Variation for F
where
    F: FnMut(&mut Physics<'_>, &mut [Slot], &mut SimRng) + Send + Sync + 'static,
{
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng) {
        self(physics, slots, rng);
    }
}
