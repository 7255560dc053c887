//! A latch for keys: input comes with every frame, and is read at every tick.

use bevy::ecs::component::Component;
use bevy::input::keyboard::KeyCode;

/// The keys of one agent. They are pressed and released at any time and read once per tick. A key counts as held if it
/// was down at any time since the last tick, so that a press shorter than a tick is not lost.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct KeyLatch {
    down: Vec<KeyCode>,
    pressed_since_tick: Vec<KeyCode>,
}

impl KeyLatch {
    /// Press a key.
    pub fn press(&mut self, key: KeyCode) {
        if !self.down.contains(&key) {
            self.down.push(key);
        }
        if !self.pressed_since_tick.contains(&key) {
            self.pressed_since_tick.push(key);
        }
    }

    /// Release a key.
    pub fn release(&mut self, key: KeyCode) {
        self.down.retain(|k| *k != key);
    }

    /// Press the key if `down`, otherwise release it.
    pub fn set(&mut self, key: KeyCode, down: bool) {
        if down {
            self.press(key);
        } else {
            self.release(key);
        }
    }

    /// Release all keys: the window lost the keyboard focus, or another driver took over.
    pub fn clear(&mut self) {
        self.down.clear();
        self.pressed_since_tick.clear();
    }

    /// Whether the key is down, or was down since the last tick.
    pub fn held(&self, key: KeyCode) -> bool {
        self.down.contains(&key) || self.pressed_since_tick.contains(&key)
    }

    /// End the tick: the keys have been read.
    pub fn end_tick(&mut self) {
        self.pressed_since_tick.clear();
    }
}
