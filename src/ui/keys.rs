//! The keys of the session, as opposed to those of the body.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::{KeyCode, KeyboardInput};
use bevy::prelude::*;
use bevy::window::WindowFocused;

use super::camera::{CameraMode, View};
use super::picker::open_scene;
use super::replay::Playback;
use crate::agents::Driver;
use crate::live::{Learning, LiveSystems, RecordingState, Request, Session, SimClock};
use crate::scenes::builtin_names;
use crate::teleop::KeyLatch;

/// The keys with what the help says of them. None of them drives a car or a person.
pub const SESSION_KEYS: [(&str, &str); 14] = [
    ("R", "record an episode; again: end it"),
    ("Enter", "keep the recorded episode"),
    ("Backspace", "discard it"),
    ("T", "train on the dataset; again: stop"),
    ("P", "hand over to the policy; again: take back"),
    ("N", "new episode"),
    ("Tab", "choose a scene (1-9)"),
    ("V", "camera: follow or free (I J K L U O, right mouse button)"),
    ("mouse wheel", "distance of the camera"),
    ("F5", "pause; . runs one tick"),
    ("[  ]", "slower, faster; \\ real time"),
    ("`", "hide or show the panels"),
    ("H or F1", "this help"),
    ("Esc", "close what is open"),
];

/// Which panels are shown.
#[derive(Resource, Debug, Default)]
pub struct Panels {
    /// The help.
    pub help: bool,
    /// The list of scenes.
    pub picker: bool,
    /// None of the panels that are always there is shown.
    pub hidden: bool,
}

/// Reads the session's keys.
pub struct KeysPlugin;

impl Plugin for KeysPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Panels>().add_systems(
            Update,
            (let_go, read_session_keys).chain().before(LiveSystems::Input).run_if(resource_exists::<Session>),
        );
    }
}

/// The window lost the keyboard: a key that comes up elsewhere must not stay down.
fn let_go(mut focus: MessageReader<WindowFocused>, session: Res<Session>, mut latches: Query<&mut KeyLatch>) {
    if focus.read().any(|f| !f.focused)
        && let Ok(mut latch) = latches.get_mut(session.ego())
    {
        latch.clear();
    }
}

/// What the meaning of a key depends on.
#[derive(SystemParam)]
struct State<'w, 's> {
    session: Res<'w, Session>,
    learning: Res<'w, Learning>,
    clock: Res<'w, SimClock>,
    drivers: Query<'w, 's, &'static Driver>,
}

/// What keys change by themselves.
#[derive(SystemParam)]
struct Screen<'w> {
    panels: ResMut<'w, Panels>,
    view: ResMut<'w, View>,
    playback: Option<ResMut<'w, Playback>>,
}

/// Every key event is read, so that none is lost however slow the frames are.
fn read_session_keys(
    mut events: MessageReader<KeyboardInput>,
    state: State,
    mut screen: Screen,
    mut requests: MessageWriter<Request>,
) {
    let pressed = |e: &&KeyboardInput| e.state == ButtonState::Pressed && !e.repeat;
    let mut scale = state.clock.time_scale();
    for event in events.read().filter(pressed) {
        if change_screen(event.key_code, &mut screen) {
            continue;
        }
        match event.key_code {
            KeyCode::BracketLeft => scale *= 0.5,
            KeyCode::BracketRight => scale *= 2.0,
            KeyCode::Backslash => scale = 1.0,
            key => {
                if let Some(name) = digit(key).filter(|_| screen.panels.picker).and_then(|n| builtin_names().nth(n)) {
                    screen.panels.picker = false;
                    open_scene(name, &state.clock, &mut requests);
                } else if let Some(request) = asked_for(key, &state, &mut screen) {
                    requests.write(request);
                }
                continue;
            }
        }
        requests.write(Request::SetTimeScale(scale));
    }
}

/// Keys that only change what is seen; gives false for others.
fn change_screen(key: KeyCode, screen: &mut Screen) -> bool {
    let panels = &mut *screen.panels;
    match key {
        KeyCode::F1 | KeyCode::KeyH => panels.help = !panels.help,
        KeyCode::Tab => panels.picker = !panels.picker,
        KeyCode::Escape => (panels.help, panels.picker) = (false, false),
        KeyCode::Backquote => panels.hidden = !panels.hidden,
        KeyCode::KeyV => {
            let free = screen.view.mode == CameraMode::Follow;
            screen.view.mode = if free { CameraMode::Free } else { CameraMode::Follow };
        }
        _ => return false,
    }
    true
}

/// The request behind a key, where it has one now.
fn asked_for(key: KeyCode, state: &State, screen: &mut Screen) -> Option<Request> {
    let replaying = state.drivers.get(state.session.ego()) == Ok(&Driver::Replay);
    let recorded = state.session.recording != RecordingState::Idle;
    match key {
        KeyCode::F5 | KeyCode::Pause => Some(Request::TogglePause),
        KeyCode::Period => Some(Request::StepOnce),
        KeyCode::KeyP => Some(Request::TogglePolicy),
        KeyCode::KeyN if replaying => {
            if let Some(playback) = &mut screen.playback {
                playback.again = true;
            }
            None
        }
        // Nothing is recorded or trained while a recording is watched.
        KeyCode::KeyR | KeyCode::KeyT if replaying => None,
        KeyCode::KeyN => Some(Request::Reset),
        KeyCode::KeyR => Some(Request::ToggleRecording),
        KeyCode::KeyT if state.learning.running => Some(Request::StopTraining),
        KeyCode::KeyT => Some(Request::Train),
        KeyCode::Enter | KeyCode::NumpadEnter if recorded => Some(Request::KeepEpisode),
        KeyCode::Backspace if recorded => Some(Request::DiscardEpisode),
        _ => None,
    }
}

/// The number keys, from 0.
fn digit(key: KeyCode) -> Option<usize> {
    use KeyCode::{Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9};
    [Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9].iter().position(|k| *k == key)
}
