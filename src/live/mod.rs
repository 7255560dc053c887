//! The interactive session: driving, recording, taking over from the policy, and training in the background.

mod background_training;
mod clock;
mod commands;
mod episodes;
mod keyboard;
mod keyboard_layout;
mod opening;
mod recovered;
mod request;
mod restoring;
mod saving;
mod scene_policies;
mod session;
mod take_over;
mod training;

use bevy::app::{App, Plugin, PluginGroup, PluginGroupBuilder, Update};
use bevy::ecs::prelude::*;
use bevy::input::keyboard::KeyboardInput;

pub use background_training::{BackgroundTraining, TrainingEvent, UnsavedPolicy};
pub use clock::{SimClock, run_due_ticks};
pub use commands::{COMMANDS, Command, CommandKeys};
pub use keyboard::{HeldKeys, KeyboardState};
pub use keyboard_layout::{KeyboardLayout, command_of, digit_of};
pub use opening::open_session;
pub use request::Request;
pub use scene_policies::{ScenePolicies, newest_policy};
pub use session::{Notice, RecordingState, Session, SessionOptions};

use crate::rollout::SandboxPlugins;

/// The system sets of a frame, in their order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveSystems {
    /// Latch keys and handle requests.
    Input,
    /// Run the ticks that are due.
    Ticks,
    /// Handle ended episodes and training events.
    After,
}

/// A session without a window: [`SandboxPlugins`] and [`LivePlugin`]. [`open_session`] begins it.
#[derive(Default)]
pub struct SessionPlugins {
    /// Threads that step arenas; 0 means one per core.
    pub threads: usize,
}

impl PluginGroup for SessionPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>().add_group(SandboxPlugins { threads: self.threads }).add(LivePlugin)
    }
}

/// Runs the [`Session`]. Requires [`SandboxPlugins`]; works with and without a window.
pub struct LivePlugin;

impl Plugin for LivePlugin {
    fn build(&self, app: &mut App) {
        app.add_message::<Request>()
            .add_message::<KeyboardInput>()
            .add_message::<KeyboardState>()
            .init_resource::<HeldKeys>()
            .init_resource::<ScenePolicies>()
            .init_resource::<SimClock>()
            .init_resource::<BackgroundTraining>()
            .configure_sets(Update, (LiveSystems::Input, LiveSystems::Ticks, LiveSystems::After).chain())
            .add_systems(
                Update,
                (
                    (keyboard::latch_keyboard, request::handle_requests).chain().in_set(LiveSystems::Input),
                    run_due_ticks.in_set(LiveSystems::Ticks),
                    (episodes::handle_episode_end, take_over::note_outside, training::receive_training_events)
                        .chain()
                        .in_set(LiveSystems::After),
                )
                    .run_if(resource_exists::<Session>),
            );
    }
}
