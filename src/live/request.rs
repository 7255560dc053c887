//! What a person asks of the session: keys of the body, and everything else.

use std::path::PathBuf;

use bevy::ecs::prelude::*;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyboardInput;

use super::clock::SimClock;
use super::learner::Learning;
use super::session::Session;
use crate::agents::Driver;
use crate::teleop::KeyLatch;

/// A request to the session. The command line, the window and tests send the same.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Request {
    /// Leave the scene for another: a built-in name or a file's path.
    LoadScene(String),
    /// Begin a recorded episode, or end the one that is being recorded.
    ToggleRecording,
    /// Append the recorded episode to the dataset.
    KeepEpisode,
    /// Forget the recorded episode.
    DiscardEpisode,
    /// Hand over to the policy, or take back.
    TogglePolicy,
    /// Train on the dataset in the background; the policy is offered when done.
    Train,
    /// Stop training.
    StopTraining,
    /// Drive with the policy in this policy or run folder from now on.
    LoadPolicy(PathBuf),
    /// Begin a new episode.
    Reset,
    /// Hold the clock, or let it go on.
    TogglePause,
    /// Run one tick and hold.
    StepOnce,
    /// Simulated seconds for each real second, 0.1 to 4.
    SetTimeScale(f32),
}

/// Latch every key event for the agent that the person drives.
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
        // A key that comes up while another drives must not stay down.
        match event.state {
            ButtonState::Pressed if *driver == Driver::Human && !event.repeat => keys.press(event.key_code),
            ButtonState::Pressed => {}
            ButtonState::Released => keys.release(event.key_code),
        }
    }
}

/// Carry out the requests in the order that they came.
pub(super) fn carry_out(world: &mut World) {
    let requests: Vec<Request> = world.resource_mut::<Messages<Request>>().drain().collect();
    for request in requests {
        match request {
            Request::TogglePause => {
                let mut clock = world.resource_mut::<SimClock>();
                clock.paused = !clock.paused;
            }
            Request::StepOnce => world.resource_mut::<SimClock>().step_once(),
            Request::SetTimeScale(scale) => world.resource_mut::<SimClock>().set_time_scale(scale),
            Request::LoadScene(name) => super::session::change_scene(world, &name),
            Request::ToggleRecording => super::episodes::toggle_recording(world),
            Request::KeepEpisode => super::episodes::keep(world),
            Request::DiscardEpisode => super::episodes::discard(world),
            Request::Reset => super::episodes::reset(world),
            Request::TogglePolicy => super::session::toggle_policy(world),
            Request::LoadPolicy(path) => super::session::load_policy(world, &path),
            Request::Train => super::learner::start(world),
            Request::StopTraining => world.resource_mut::<Learning>().stop(),
        }
    }
}
