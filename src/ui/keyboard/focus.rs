//! The keyboard layout, and the keys that are down when the window gets the focus.

use bevy::input::ButtonState;
use bevy::input::keyboard::KeyCode;
use bevy::prelude::*;
use bevy::window::WindowEvent;

use super::Keyboard;
use crate::live::{HeldKeys, KeyboardState, Session};

/// The operating system's keyboard, where it can be asked.
#[derive(Resource, Default)]
pub struct SystemKeyboard {
    keyboard: Option<Keyboard>,
    is_asked: bool,
}

/// Modifiers with which a key types another character.
const MODIFIERS: [KeyCode; 4] = [KeyCode::ShiftLeft, KeyCode::ShiftRight, KeyCode::AltLeft, KeyCode::AltRight];

/// Take the keyboard's state anew when the focus has changed: which keys are down, and what is printed on them. Events of a
/// key in between went to another window.
pub(super) fn observe_keyboard(
    mut events: MessageReader<WindowEvent>,
    mut system: ResMut<SystemKeyboard>,
    mut session: ResMut<Session>,
    held: Res<HeldKeys>,
    mut states: MessageWriter<KeyboardState>,
) {
    if !std::mem::replace(&mut system.is_asked, true) {
        system.keyboard = Keyboard::connect();
        read_layout(&system, &mut session);
    }
    // The keys that went down since the last change of the focus; `None`: it has not changed.
    let mut down: Option<Vec<KeyCode>> = None;
    let mut has_focus = true;
    let mut changed = false;
    let mut modified = MODIFIERS.iter().any(|key| held.contains(*key));
    for event in events.read() {
        match event {
            WindowEvent::WindowFocused(change) => {
                has_focus = change.focused;
                down = Some(Vec::new());
                modified = false;
            }
            WindowEvent::KeyboardInput(event) => {
                let pressed = event.state == ButtonState::Pressed;
                if MODIFIERS.contains(&event.key_code) {
                    modified = pressed;
                }
                changed |= pressed && session.keyboard.observe(event, modified);
                if let Some(down) = &mut down {
                    down.retain(|key| *key != event.key_code);
                    if pressed {
                        down.push(event.key_code);
                    }
                }
            }
            _ => {}
        }
    }
    if changed || down.is_some() {
        read_layout(&system, &mut session);
    }
    let Some(seen) = down else { return };
    if !has_focus {
        states.write(KeyboardState::default());
        return;
    }
    let now = system.keyboard.as_ref().and_then(Keyboard::held);
    states.write(KeyboardState(now.unwrap_or(seen)));
}

fn read_layout(system: &SystemKeyboard, session: &mut Session) {
    if let Some(layout) = system.keyboard.as_ref().and_then(Keyboard::layout) {
        session.keyboard = layout;
    }
}
