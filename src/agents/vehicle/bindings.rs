//! The car's keys.

use bevy::input::keyboard::KeyCode;

use crate::keys::{Binding, BindingCondition, KeyBindings, RateLimit};

/// Below this forward speed, m/s, the brake key reverses.
const REVERSE_BELOW: f32 = 0.15;

/// The car's keys.
pub fn bindings() -> KeyBindings {
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
