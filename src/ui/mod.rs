//! The window: rendering, panels and keys. The user interface changes the session only by sending [`crate::live::Request`].

mod bodies;
mod camera;
mod car_mesh;
mod folder;
mod help;
mod hud;
mod keyboard;
mod looks;
mod markings;
mod materials;
mod mesh_builder;
mod mesh_spawner;
mod palette;
mod panels;
mod picker;
mod placement;
mod poses;
mod props;
mod recording;
mod recovered;
mod replay;
mod scenery;
mod sky;
mod status;
mod texture;
mod title;
mod toast;
mod training;
mod widgets;
mod window;

use bevy::app::{App, Plugin, PluginGroup, PluginGroupBuilder, Update};
use bevy_egui::EguiPlugin;

pub use camera::{CameraMode, CameraState};
pub use looks::{DrawnBody, Framing, Look, register_look};
pub use materials::SharedMaterials;
pub use mesh_builder::MeshBuilder;
pub use mesh_spawner::{ActionLight, MeshSpawner};
pub use panels::Panels;
pub use replay::Playback;
pub use texture::Floor;
pub use window::{AppOptions, AppReport, UiError, run_app};

use crate::live::SessionPlugins;

/// The whole app for Bevy's `DefaultPlugins`: egui, [`SessionPlugins`] and [`UiPlugin`].
/// [`open_session`](crate::live::open_session) begins the session. A game that has egui already disables this one's.
#[derive(Default)]
pub struct DesktopPlugins;

impl PluginGroup for DesktopPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(EguiPlugin::default())
            .add_group(SessionPlugins::default())
            .add(UiPlugin)
    }
}

/// Rendering, panels and session keys. Requires Bevy's render plugins, egui and [`SessionPlugins`].
pub struct UiPlugin;

impl Plugin for UiPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((
            sky::SkyPlugin,
            camera::CameraPlugin,
            poses::InterpolatedPosesPlugin,
            bodies::BodiesPlugin,
            keyboard::KeyboardPlugin,
            replay::ReplayViewPlugin,
            hud::HudPlugin,
        ))
        .add_systems(Update, title::set_window_title);
    }

    fn finish(&self, app: &mut App) {
        // The render adapter is known only after all plugins are built.
        app.init_resource::<materials::SharedMaterials>();
    }
}
