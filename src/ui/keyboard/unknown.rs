//! A system that cannot be asked about its keyboard: the layout is learned from the keys that are pressed.

use bevy::input::keyboard::KeyCode;

use crate::live::KeyboardLayout;

/// A connection to the keyboard.
pub struct Keyboard;

impl Keyboard {
    pub fn connect() -> Option<Self> {
        None
    }

    pub fn layout(&self) -> Option<KeyboardLayout> {
        None
    }

    pub fn held(&self) -> Option<Vec<KeyCode>> {
        None
    }
}
