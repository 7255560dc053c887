//! The window: what is seen and what is pressed. Everything that happens goes through [`crate::live::Request`].

mod bodies;
mod camera;
mod car_look;
mod help;
mod hud;
mod humanoid_look;
mod keys;
mod looks;
mod markings;
mod palette;
mod picker;
mod poses;
mod recording;
mod replay;
mod scenery;
mod sculpt;
mod sky;
mod status;
mod texture;
mod thing_look;
mod toast;
mod training;
mod window;

use bevy::app::{App, Plugin, Update};

pub use camera::{CameraMode, View};
pub use keys::{Panels, SESSION_KEYS};
pub use replay::Playback;
pub use window::{AppOptions, AppReport, UiError, run_app};

/// Everything that is drawn and every key that is read. Expects Bevy's render plugins,
/// [`SandboxPlugins`](crate::rollout::SandboxPlugins) and [`LivePlugin`](crate::live::LivePlugin).
pub struct UiPlugin;

impl Plugin for UiPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((
            sky::SkyPlugin,
            camera::CameraPlugin,
            poses::PosesPlugin,
            bodies::BodiesPlugin,
            keys::KeysPlugin,
            replay::ReplayViewPlugin,
            hud::HudPlugin,
        ))
        .add_systems(Update, window::name_window);
    }

    fn finish(&self, app: &mut App) {
        // The renderer is known from here on.
        app.init_resource::<looks::Looks>();
    }
}
