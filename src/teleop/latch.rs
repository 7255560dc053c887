//! Keys between frames and ticks.

use bevy::ecs::component::Component;
use bevy::input::keyboard::KeyCode;

/// The keys of one agent. Pressed and released at any time, read once a tick: a key that was down at any moment since
/// the last tick counts as held, so a press shorter than a tick is not lost.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct KeyLatch {
    down: Vec<KeyCode>,
    struck: Vec<KeyCode>,
}

impl KeyLatch {
    /// A key went down.
    pub fn press(&mut self, key: KeyCode) {
        if !self.down.contains(&key) {
            self.down.push(key);
        }
        if !self.struck.contains(&key) {
            self.struck.push(key);
        }
    }

    /// A key came up.
    pub fn release(&mut self, key: KeyCode) {
        self.down.retain(|k| *k != key);
    }

    /// Press or release, as `down` says.
    pub fn set(&mut self, key: KeyCode, down: bool) {
        if down {
            self.press(key);
        } else {
            self.release(key);
        }
    }

    /// The window lost the keyboard, or another driver took over: nothing is down.
    pub fn clear(&mut self) {
        self.down.clear();
        self.struck.clear();
    }

    /// Whether the key is down or was since the last tick.
    pub fn held(&self, key: KeyCode) -> bool {
        self.down.contains(&key) || self.struck.contains(&key)
    }

    /// The tick has read the keys.
    pub fn end_tick(&mut self) {
        self.struck.clear();
    }
}
