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
    /// The training panel was closed; the next training opens it.
    pub training_closed: bool,
    /// The text of the field for another folder, while it is open.
    pub folder: Option<String>,
    /// The scene of the list that Enter opens, by its place; `None`: the current scene.
    pub(super) highlighted: Option<usize>,
}

impl Panels {
    /// Whether a text field takes the keys.
    pub fn is_typing(&self) -> bool {
        self.folder.is_some()
    }
}
