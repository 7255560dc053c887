//! Walking commands.

use serde::{Deserialize, Serialize};

/// Speed of `forward` = 1: preferred walking speed of adults, m/s (Bohannon 1997).
const WALK_SPEED: f32 = 1.4;
/// Speed of `forward` = 2, m/s: a jog.
const RUN_SPEED: f32 = 3.0;
/// Speed of `forward` = -1, m/s.
const BACK_SPEED: f32 = 0.8;
/// Speed of `sideways` = 1, m/s.
const SIDE_SPEED: f32 = 0.7;
/// Turning rate of `turn` = 1, rad/s.
const TURN_RATE: f32 = 1.5;
/// Rate limit of the commanded velocity, m/s².
const VELOCITY_RATE_LIMIT: f32 = 2.5;
/// Rate limit of the commanded turning rate, rad/s².
const TURN_RATE_LIMIT: f32 = 6.0;
/// Rate limit of the commanded crouch, 1/s.
const CROUCH_RATE_LIMIT: f32 = 2.5;

/// A walking command in SI units.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Command {
    /// Forward velocity, m/s.
    pub forward: f32,
    /// Velocity to the left, m/s.
    pub sideways: f32,
    /// Turning rate, rad/s, positive to the left.
    pub turn_rate: f32,
    /// Jump now.
    pub jump: bool,
    /// Crouch, 0 (upright) to 1.
    pub crouch: f32,
}

impl Command {
    /// Convert an action of the `command` layout to SI units. Missing and NaN values count as 0.
    pub fn from_action(action: &[f32]) -> Self {
        let get = |i: usize, low: f32, high: f32| {
            action.get(i).copied().filter(|x| !x.is_nan()).unwrap_or(0.0).clamp(low, high)
        };
        let forward = get(0, -1.0, 2.0);
        Self {
            forward: if forward < 0.0 {
                forward * BACK_SPEED
            } else {
                forward.min(1.0) * WALK_SPEED + (forward - 1.0).max(0.0) * (RUN_SPEED - WALK_SPEED)
            },
            sideways: get(1, -1.0, 1.0) * SIDE_SPEED,
            turn_rate: get(2, -1.0, 1.0) * TURN_RATE,
            jump: get(3, 0.0, 1.0) > 0.5,
            crouch: get(4, 0.0, 1.0),
        }
    }

    /// Move towards `target` within the rate limits.
    pub fn rate_limit(&mut self, target: &Self, dt: f32) {
        let step = |value: &mut f32, to: f32, rate: f32| *value += (to - *value).clamp(-rate * dt, rate * dt);
        step(&mut self.forward, target.forward, VELOCITY_RATE_LIMIT);
        step(&mut self.sideways, target.sideways, VELOCITY_RATE_LIMIT);
        step(&mut self.turn_rate, target.turn_rate, TURN_RATE_LIMIT);
        step(&mut self.crouch, target.crouch, CROUCH_RATE_LIMIT);
    }
}
