//! The title of the window.

use bevy::prelude::*;

use crate::live::Session;

/// Keep the scene's title in the window's title.
pub(super) fn set_window_title(session: Option<Res<Session>>, mut window: Single<&mut Window>) {
    let Some(session) = session else { return };
    let title = format!("Apprentice: {}", session.scene.title());
    if window.title != title {
        window.title = title;
    }
}
