//! The humanoid's keys.

use bevy::input::keyboard::KeyCode;

use crate::keys::{Binding, KeyBindings, RateLimit};

/// The humanoid's keys, for its `command` actions.
pub fn bindings() -> KeyBindings {
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
