//! Key bindings: which key changes which component of the action, and how fast.

use bevy::ecs::component::Component;
use bevy::input::keyboard::KeyCode;

use super::latch::KeyLatch;

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
