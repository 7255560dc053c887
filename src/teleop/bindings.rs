//! Which key does what, and how fast.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;
use bevy::input::keyboard::KeyCode;

use super::expert::ask_experts;
use super::latch::KeyLatch;
use super::operator::ScriptedOperator;
use super::tapped::{recall_wishes, tap_wishes};
use crate::agents::{Action, Agent, Driver, Observation};
use crate::sim::{Arena, DecideSystems, PhysicsSets, SimAct, split_seed};

/// A condition on the observation under which a binding counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// The number at this index of the observation is above the value.
    Above(usize, f32),
    /// The number at this index of the observation is at or below the value.
    AtMost(usize, f32),
}

/// Keys that drive one number of the action.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Any of these keys.
    pub keys: Vec<KeyCode>,
    /// What the help says.
    pub label: &'static str,
    /// Index into the action.
    pub action: usize,
    /// What the held key adds to that number.
    pub value: f32,
    /// Counts only then.
    pub when: Option<When>,
}

impl Binding {
    /// Keys that add `value` to the action's number `action` while held.
    pub fn new(keys: &[KeyCode], label: &'static str, action: usize, value: f32) -> Self {
        Self { keys: keys.to_vec(), label, action, value, when: None }
    }

    /// The same, only under a condition.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = Some(when);
        self
    }
}

/// How fast a number of the action follows the keys, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Away from zero, 1/s.
    pub rise: f32,
    /// Back to zero, 1/s.
    pub fall: f32,
}

impl Smoothing {
    /// Follows at once.
    pub const NONE: Self = Self { rise: f32::INFINITY, fall: f32::INFINITY };

    fn step(self, current: f32, wanted: f32, dt: f32) -> f32 {
        let towards_zero = wanted.abs() < current.abs() || wanted * current < 0.0;
        let rate = if towards_zero { self.fall } else { self.rise } * dt;
        if rate.is_finite() { current + (wanted - current).clamp(-rate, rate) } else { wanted }
    }
}

/// An agent's keys.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct KeyBindings {
    /// What each key does.
    pub bindings: Vec<Binding>,
    /// How fast each number of the action follows.
    pub smoothing: Vec<Smoothing>,
}

impl KeyBindings {
    /// Move `action` towards what the held keys ask for. The smoothed value is the action: it is what a demonstration
    /// records.
    pub fn apply(&self, keys: &KeyLatch, observation: &[f32], dt: f32, action: &mut [f32]) {
        for (index, (value, smoothing)) in action.iter_mut().zip(&self.smoothing).enumerate() {
            let wanted: f32 = self
                .bindings
                .iter()
                .filter(|b| b.action == index && b.keys.iter().any(|k| keys.held(*k)))
                .filter(|b| match b.when {
                    None => true,
                    Some(When::Above(i, x)) => observation.get(i).is_some_and(|o| *o > x),
                    Some(When::AtMost(i, x)) => observation.get(i).is_some_and(|o| *o <= x),
                })
                .map(|b| b.value)
                .sum();
            *value = smoothing.step(*value, wanted, dt);
        }
    }
}

/// Below this forward speed, m/s, the brake key reverses.
const REVERSE_BELOW: f32 = 0.15;

/// The car's keys.
pub fn vehicle_bindings() -> KeyBindings {
    use KeyCode::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp, KeyA, KeyD, KeyS, KeyW, Space};
    // velocity_forward is the first number of the car's observation.
    KeyBindings {
        bindings: vec![
            Binding::new(&[KeyA, ArrowLeft], "steer left", 0, 1.0),
            Binding::new(&[KeyD, ArrowRight], "steer right", 0, -1.0),
            Binding::new(&[KeyW, ArrowUp], "throttle", 1, 1.0),
            Binding::new(&[KeyS, ArrowDown], "brake", 2, 1.0).when(When::Above(0, REVERSE_BELOW)),
            Binding::new(&[KeyS, ArrowDown], "reverse", 1, -1.0).when(When::AtMost(0, REVERSE_BELOW)),
            Binding::new(&[Space], "handbrake", 3, 1.0),
        ],
        // From the middle to full lock in 0.4 s and back in 0.3 s; pedals in 0.4 s and 0.25 s.
        smoothing: vec![
            Smoothing { rise: 2.5, fall: 3.5 },
            Smoothing { rise: 2.5, fall: 4.0 },
            Smoothing { rise: 2.5, fall: 4.0 },
            Smoothing { rise: 10.0, fall: 10.0 },
        ],
    }
}

/// The humanoid's keys, for its `command` actions.
pub fn walk_bindings() -> KeyBindings {
    use KeyCode::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp, ControlLeft, KeyA, KeyC, KeyD, KeyE, KeyQ, KeyS, KeyW};
    use KeyCode::{ShiftLeft, Space};
    KeyBindings {
        bindings: vec![
            Binding::new(&[KeyW, ArrowUp], "walk forward", 0, 1.0),
            Binding::new(&[ShiftLeft], "run (with W)", 0, 1.0),
            Binding::new(&[KeyS, ArrowDown], "walk backward", 0, -1.0),
            Binding::new(&[KeyQ], "step left", 1, 1.0),
            Binding::new(&[KeyE], "step right", 1, -1.0),
            Binding::new(&[KeyA, ArrowLeft], "turn left", 2, 1.0),
            Binding::new(&[KeyD, ArrowRight], "turn right", 2, -1.0),
            Binding::new(&[Space], "jump", 3, 1.0),
            Binding::new(&[KeyC, ControlLeft], "crouch", 4, 1.0),
        ],
        smoothing: vec![
            Smoothing { rise: 3.0, fall: 5.0 },
            Smoothing { rise: 4.0, fall: 6.0 },
            Smoothing { rise: 4.0, fall: 6.0 },
            Smoothing::NONE,
            Smoothing { rise: 4.0, fall: 4.0 },
        ],
    }
}

/// Reads the keys of the agents that a person or a scripted operator drives.
pub struct TeleopPlugin;

impl Plugin for TeleopPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, (press_scripted_keys, read_keys, ask_experts).chain().in_set(DecideSystems::Keys))
            .add_systems(SimAct, recall_wishes.in_set(DecideSystems::Recall))
            .add_systems(SimAct, tap_wishes.in_set(DecideSystems::Tap));
    }
}

/// Stream of the episode's generator that an operator's own randomness comes from.
const OPERATOR_STREAM: u64 = 2;

fn press_scripted_keys(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Driver, &Observation, &Action, &mut ScriptedOperator, &mut KeyLatch)>,
) {
    for (agent, driver, observation, action, mut operator, mut keys) in &mut agents {
        if *driver != Driver::Scripted {
            continue;
        }
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        if arena.tick == 0 {
            keys.clear();
            operator.0.begin(split_seed(split_seed(arena.seed, OPERATOR_STREAM), agent.slot as u64));
        }
        let dt = sets.physics().dt() * arena.substeps as f32;
        operator.0.press(&observation.0, &action.0, dt, &mut keys);
    }
}

fn read_keys(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Driver, &KeyBindings, &Observation, &mut KeyLatch, &mut Action)>,
) {
    for (agent, driver, bindings, observation, mut keys, mut action) in &mut agents {
        if matches!(driver, Driver::Human | Driver::Scripted) {
            let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
            let dt = sets.physics().dt() * arena.substeps as f32;
            bindings.apply(&keys, &observation.0, dt, &mut action.0);
        }
        keys.end_tick();
    }
}
