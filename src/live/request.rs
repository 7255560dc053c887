//! The requests to the session.

use std::path::PathBuf;

use bevy::ecs::prelude::*;

use super::background_training::BackgroundTraining;
use super::clock::SimClock;

/// A request to the session. The command line, the window and tests send the same messages.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Request {
    /// Load another scene: a built-in name or the path of a file.
    LoadScene(String),
    /// Begin to record a new episode, or stop the recording.
    ToggleRecording,
    /// Append the recorded episode to the dataset. Without one: the recovered take that the person is asked about, or save the
    /// trained policy that could not be saved.
    KeepEpisode,
    /// Discard the recorded episode. Without one: the recovered take, or the trained policy that could not be saved.
    DiscardEpisode,
    /// Leave the recovered takes where they are; the next start asks again.
    DecideLater,
    /// Keep datasets and training runs in this folder from now on, and save there what could not be saved.
    SaveInto(PathBuf),
    /// Hand over to the policy, or take over from it.
    TogglePolicy,
    /// Train on the dataset in the background. The trained policy is loaded at the end; the driver does not change.
    Train,
    /// Stop training.
    StopTraining,
    /// Train, or stop training.
    ToggleTraining,
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
            Request::KeepEpisode => super::saving::keep(world),
            Request::DiscardEpisode => super::saving::discard(world),
            Request::Reset => super::episodes::reset(world),
            Request::TogglePolicy => super::take_over::toggle_policy(world),
            Request::LoadPolicy(path) => super::take_over::load_policy(world, &path),
            Request::Train => super::training::start(world),
            Request::StopTraining => world.resource_mut::<BackgroundTraining>().stop(),
            Request::ToggleTraining if world.resource::<BackgroundTraining>().running => {
                world.resource_mut::<BackgroundTraining>().stop();
            }
            Request::ToggleTraining => super::training::start(world),
            Request::DecideLater => super::recovered::decide_later(world),
            Request::SaveInto(folder) => super::saving::save_into(world, &folder),
        }
    }
}
