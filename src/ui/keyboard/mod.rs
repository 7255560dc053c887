//! The keyboard in the window: the session's commands, the focus, and the person's keyboard layout.

mod commands;
mod focus;
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod unknown;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

use bevy::prelude::*;

#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(super) use unknown::Keyboard;
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) use x11::Keyboard;

use super::panels::Panels;
use crate::live::{LiveSystems, Session};

/// Reads the keyboard.
pub struct KeyboardPlugin;

impl Plugin for KeyboardPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Panels>().insert_resource(focus::SystemKeyboard::default()).add_systems(
            Update,
            (focus::observe_keyboard, commands::read_commands, commands::cover_scene)
                .chain()
                .before(LiveSystems::Input)
                .run_if(resource_exists::<Session>),
        );
    }
}
