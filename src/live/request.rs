//! The user's input: keys that drive the agent, and requests to the session.

use std::path::PathBuf;

use bevy::ecs::prelude::*;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyboardInput;

use super::clock::SimClock;
use super::session::Session;
use super::training::BackgroundTraining;
use crate::agents::Driver;
use crate::teleop::KeyLatch;

/// A request to the session. The command line, the window and tests send the same messages.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Request {
    /// Load another scene: a built-in name or the path of a file.
    LoadScene(String),
    /// Begin to record a new episode, or stop the recording.
    ToggleRecording,
    /// Append the recorded episode to the dataset.
    KeepEpisode,
    /// Discard the recorded episode.
    DiscardEpisode,
    /// Hand over to the policy, or take over from it.
    TogglePolicy,
    /// Train on the dataset in the background. The trained policy is loaded at the end; the driver does not change.
    Train,
    /// Stop training.
    StopTraining,
    /// Load the policy of this policy or run folder and hand over to it.
    LoadPolicy(PathBuf),
    /// Begin a new episode.
    Reset,
    /// Pause or resume the clock.
    TogglePause,
    /// Run one tick and pause.
    StepOnce,
    /// Set the simulated seconds per real second, 0.1 to 4.
    SetRelativeSpeed(f32),
}

/// Latch the key events for the ego agent.
pub(super) fn latch_keyboard(
    session: Res<Session>,
    mut events: MessageReader<KeyboardInput>,
    mut agents: Query<(&mut KeyLatch, &Driver)>,
) {
    let Ok((mut keys, driver)) = agents.get_mut(session.ego()) else {
        events.clear();
        return;
    };
    for event in events.read() {
        // Releases are latched for every driver: a key released while a policy drives must not remain pressed.
        match event.state {
            ButtonState::Pressed if *driver == Driver::Human && !event.repeat => keys.press(event.key_code),
            ButtonState::Pressed => {}
            ButtonState::Released => keys.release(event.key_code),
        }
    }
}

/// Handle the requests in the order of arrival.
pub(super) fn handle_requests(world: &mut World) {
    let requests: Vec<Request> = world.resource_mut::<Messages<Request>>().drain().collect();
    for request in requests {
        match request {
            Request::TogglePause => world.resource_mut::<SimClock>().toggle_pause(),
            Request::StepOnce => world.resource_mut::<SimClock>().step_once(),
            Request::SetRelativeSpeed(speed) => world.resource_mut::<SimClock>().set_relative_speed(speed),
            Request::LoadScene(name) => super::opening::change_scene(world, &name),
            Request::ToggleRecording => super::episodes::toggle_recording(world),
            Request::KeepEpisode => super::episodes::keep(world),
            Request::DiscardEpisode => super::episodes::discard(world),
            Request::Reset => super::episodes::reset(world),
            Request::TogglePolicy => super::take_over::toggle_policy(world),
            Request::LoadPolicy(path) => super::take_over::load_policy(world, &path),
            Request::Train => super::training::start(world),
            Request::StopTraining => world.resource_mut::<BackgroundTraining>().stop(),
        }
    }
}
