//! Key bindings: which key changes which component of the action, and how fast.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;
use bevy::input::keyboard::KeyCode;

use super::expert::query_experts;
use super::key_quantizer::{quantize_actions, restore_unquantized_actions};
use super::latch::KeyLatch;
use super::operator::ScriptedOperator;
use crate::agents::{Action, Agent, Driver, Observation};
use crate::sim::{Arena, DecideSystems, PhysicsSets, SimAct, split_seed};

/// Condition on the observation under which a binding is active.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BindingCondition {
    /// The observation's component at this index is above the value.
    Above(usize, f32),
    /// The observation's component at this index is at most the value.
    AtMost(usize, f32),
}

/// Keys that drive one component of the action.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Keys; any one of them activates the binding.
    pub keys: Vec<KeyCode>,
    /// Label in the app's key help.
    pub label: &'static str,
    /// Index into the action.
    pub action: usize,
    /// Value that a held key adds to that component.
    pub value: f32,
    /// Condition under which the binding is active; `None`: always.
    pub when: Option<BindingCondition>,
}

impl Binding {
    /// Keys that add `value` to component `action` of the action while held.
    pub fn new(keys: &[KeyCode], label: &'static str, action: usize, value: f32) -> Self {
        Self { keys: keys.to_vec(), label, action, value, when: None }
    }

    /// Add a condition.
    #[must_use]
    pub fn when(mut self, when: BindingCondition) -> Self {
        self.when = Some(when);
        self
    }
}

/// Rate limit with which a component of the action follows the keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Maximum rate away from zero, 1/s.
    pub rise: f32,
    /// Maximum rate towards zero, 1/s.
    pub fall: f32,
}

impl RateLimit {
    /// No limit: the action follows at once.
    pub const NONE: Self = Self { rise: f32::INFINITY, fall: f32::INFINITY };

    fn step(self, current: f32, target: f32, dt: f32) -> f32 {
        let towards_zero = target.abs() < current.abs() || target * current < 0.0;
        let rate = if towards_zero { self.fall } else { self.rise } * dt;
        if rate.is_finite() { current + (target - current).clamp(-rate, rate) } else { target }
    }
}

/// An agent's keys.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct KeyBindings {
    /// What each key does.
    pub bindings: Vec<Binding>,
    /// Rate limit of each component of the action.
    pub rate_limits: Vec<RateLimit>,
}

impl KeyBindings {
    /// Move `action` towards the target of the held keys, within the rate limits. Demonstrations record the
    /// rate-limited action.
    pub fn apply(&self, keys: &KeyLatch, observation: &[f32], dt: f32, action: &mut [f32]) {
        for (index, (value, rate_limit)) in action.iter_mut().zip(&self.rate_limits).enumerate() {
            let target: f32 = self
                .bindings
                .iter()
                .filter(|b| b.action == index && b.keys.iter().any(|k| keys.held(*k)))
                .filter(|b| match b.when {
                    None => true,
                    Some(BindingCondition::Above(i, x)) => observation.get(i).is_some_and(|o| *o > x),
                    Some(BindingCondition::AtMost(i, x)) => observation.get(i).is_some_and(|o| *o <= x),
                })
                .map(|b| b.value)
                .sum();
            *value = rate_limit.step(*value, target, dt);
        }
    }
}

/// Below this forward speed, m/s, the brake key reverses.
const REVERSE_BELOW: f32 = 0.15;

/// The car's keys.
pub fn vehicle_bindings() -> KeyBindings {
    use KeyCode::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp, KeyA, KeyD, KeyS, KeyW, Space};
    // velocity_forward is the first component of the car's observation.
    KeyBindings {
        bindings: vec![
            Binding::new(&[KeyA, ArrowLeft], "steer left", 0, 1.0),
            Binding::new(&[KeyD, ArrowRight], "steer right", 0, -1.0),
            Binding::new(&[KeyW, ArrowUp], "throttle", 1, 1.0),
            Binding::new(&[KeyS, ArrowDown], "brake", 2, 1.0).when(BindingCondition::Above(0, REVERSE_BELOW)),
            Binding::new(&[KeyS, ArrowDown], "reverse", 1, -1.0).when(BindingCondition::AtMost(0, REVERSE_BELOW)),
            Binding::new(&[Space], "handbrake", 3, 1.0),
        ],
        // Steering: to full lock in 0.4 s, back to center in 0.3 s. Pedals: 0.4 s and 0.25 s.
        rate_limits: vec![
            RateLimit { rise: 2.5, fall: 3.5 },
            RateLimit { rise: 2.5, fall: 4.0 },
            RateLimit { rise: 2.5, fall: 4.0 },
            RateLimit { rise: 10.0, fall: 10.0 },
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
        rate_limits: vec![
            RateLimit { rise: 3.0, fall: 5.0 },
            RateLimit { rise: 4.0, fall: 6.0 },
            RateLimit { rise: 4.0, fall: 6.0 },
            RateLimit::NONE,
            RateLimit { rise: 4.0, fall: 4.0 },
        ],
    }
}

/// Key input of the agents that a person or a scripted expert drives, queries of experts, and quantization to keys.
pub struct TeleopPlugin;

impl Plugin for TeleopPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, (press_scripted_keys, read_keys, query_experts).chain().in_set(DecideSystems::Keys))
            .add_systems(SimAct, restore_unquantized_actions.in_set(DecideSystems::RestoreUnquantized))
            .add_systems(SimAct, quantize_actions.in_set(DecideSystems::Quantize));
    }
}

/// Random stream of the episode's seed for scripted operators.
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
