//! The warning about a built-in scene that has changed since the recording.

use crate::demos::Episode;
use crate::scenes::find_built_in;

/// Warn when a built-in scene has changed since the recording.
pub fn warn_of_change(episode: &Episode) {
    if find_built_in(&episode.header.scene).is_some_and(|now| now.hash() != episode.header.scene_hash) {
        bevy::log::warn!(
            "the built-in scene `{}` differs from the recorded one; the copy in the dataset is used",
            episode.header.scene
        );
    }
}
