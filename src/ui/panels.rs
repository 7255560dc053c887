//! Which panels are visible.

use bevy::prelude::*;

/// Which panels are visible.
#[derive(Resource, Debug, Default)]
pub struct Panels {
    /// The help.
    pub help: bool,
    /// The list of scenes.
    pub picker: bool,
    /// Hides the panels that are visible otherwise: status, keys, recording, training.
    pub hidden: bool,
}
