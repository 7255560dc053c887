//! The keys that are down, and what they do to the agent.

use bevy::ecs::prelude::*;
use bevy::input::ButtonState;
use bevy::input::keyboard::{KeyCode, KeyboardInput};

use super::session::Session;
use crate::agents::Driver;
use crate::teleop::KeyLatch;

/// The keys that are down, whoever drives.
#[derive(Resource, Debug, Default)]
pub struct HeldKeys(Vec<KeyCode>);

impl HeldKeys {
    /// Whether a key is down.
    pub fn contains(&self, key: KeyCode) -> bool {
        self.0.contains(&key)
    }

    /// The keys that are down, in the order of their presses.
    pub fn iter(&self) -> impl Iterator<Item = KeyCode> {
        self.0.iter().copied()
    }
}

/// The keys that are down after the window lost the focus or got it back. It replaces everything known from the key events
/// of this frame and before: the events in between went to another window.
#[derive(Message, Clone, Debug, Default, PartialEq)]
pub struct KeyboardState(pub Vec<KeyCode>);

/// Update [`HeldKeys`], and latch the keys of the ego agent while a person drives it.
pub(super) fn latch_keyboard(
    mut session: ResMut<Session>,
    mut held: ResMut<HeldKeys>,
    mut events: MessageReader<KeyboardInput>,
    mut states: MessageReader<KeyboardState>,
    mut agents: Query<(&mut KeyLatch, &Driver)>,
) {
    let mut agent = agents.get_mut(session.ego()).ok();
    let mut ignored = false;
    for event in events.read() {
        let key = event.key_code;
        let was_down = held.0.contains(&key);
        held.0.retain(|k| *k != key);
        if event.state == ButtonState::Pressed {
            held.0.push(key);
        }
        let Some((latch, driver)) = &mut agent else { continue };
        match event.state {
            // A repeated press is a press only when the first one went to another window.
            ButtonState::Pressed if was_down && event.repeat => {}
            ButtonState::Pressed if session.typing => {}
            ButtonState::Pressed if **driver == Driver::Human => latch.press(key),
            ButtonState::Pressed => ignored |= session.is_driving_key(key),
            // Releases are latched for every driver: a key released while a policy drives must not remain pressed.
            ButtonState::Released => latch.release(key),
        }
    }
    if let Some(KeyboardState(now)) = states.read().last() {
        held.0.clone_from(now);
        if let Some((latch, driver)) = &mut agent {
            latch.clear();
            if **driver == Driver::Human && !session.typing {
                now.iter().for_each(|key| latch.press(*key));
            }
        }
    }
    if ignored {
        session.remind_who_drives();
    }
}
