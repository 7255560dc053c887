//! Playing, recording, taking over and learning while the scene runs.

mod clock;
mod data;
mod episodes;
mod learner;
mod request;
mod session;

use bevy::app::{App, Plugin, Update};
use bevy::ecs::prelude::*;
use bevy::input::keyboard::KeyboardInput;

pub use clock::{SimClock, run_due_ticks};
pub use data::training_data;
pub use episodes::RecordingState;
pub use learner::{Learning, LearningEvent};
pub use request::Request;
pub use session::{Notice, Session, SessionOptions, open_session, recover_crashed};

/// Order of what happens in a frame.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveSystems {
    /// Keys are latched and requests carried out.
    Input,
    /// The ticks that are due are run.
    Ticks,
    /// Ended episodes and finished training are noticed.
    After,
}

/// The session: one scene that is played, recorded and learned in. Expects
/// [`SandboxPlugins`](crate::rollout::SandboxPlugins); works with and without a window.
pub struct LivePlugin;

impl Plugin for LivePlugin {
    fn build(&self, app: &mut App) {
        app.add_message::<Request>()
            .add_message::<KeyboardInput>()
            .init_resource::<SimClock>()
            .init_resource::<Learning>()
            .configure_sets(Update, (LiveSystems::Input, LiveSystems::Ticks, LiveSystems::After).chain())
            .add_systems(
                Update,
                (
                    (request::latch_keyboard, request::carry_out).chain().in_set(LiveSystems::Input),
                    run_due_ticks.in_set(LiveSystems::Ticks),
                    (episodes::end_episodes, learner::hear_from_training).chain().in_set(LiveSystems::After),
                )
                    .run_if(resource_exists::<Session>),
            );
    }
}
