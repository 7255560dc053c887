//! The session's keys. The agent's keys are [`KeyBindings`](crate::teleop::KeyBindings).

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::{KeyCode, KeyboardInput};
use bevy::prelude::*;
use bevy::window::WindowFocused;

use super::camera::{CameraMode, CameraState};
use super::panels::Panels;
use super::picker::open_scene;
use super::replay::Playback;
use crate::agents::Driver;
use crate::live::{BackgroundTraining, LiveSystems, RecordingState, Request, Session, SimClock};
use crate::scenes::builtin_names;
use crate::teleop::KeyLatch;

/// The session's keys and their help texts. No agent is bound to any of them.
pub const SESSION_KEYS: [(&str, &str); 14] = [
    ("R", "record an episode; again: end it"),
    ("Enter", "keep the recorded episode"),
    ("Backspace", "discard the recorded episode"),
    ("T", "train on the dataset; again: stop training"),
    ("P", "let the policy drive; again: take over"),
    ("N", "new episode"),
    ("Tab", "choose a scene (1-9)"),
    ("V", "camera: follow or free (I J K L U O, right mouse button)"),
    ("mouse wheel", "camera distance"),
    ("F5", "pause; . runs one tick"),
    ("[  ]", "half or double speed; \\ real time"),
    ("`", "hide or show the panels"),
    ("H or F1", "this help"),
    ("Esc", "close this help or the list of scenes"),
];

/// Reads the session's keys.
pub struct KeysPlugin;

impl Plugin for KeysPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Panels>().add_systems(
            Update,
            (release_keys_on_focus_loss, read_session_keys)
                .chain()
                .before(LiveSystems::Input)
                .run_if(resource_exists::<Session>),
        );
    }
}

/// Release all keys when the window loses focus: the release events go to another window.
fn release_keys_on_focus_loss(
    mut focus: MessageReader<WindowFocused>,
    session: Res<Session>,
    mut latches: Query<&mut KeyLatch>,
) {
    if focus.read().any(|f| !f.focused)
        && let Ok(mut latch) = latches.get_mut(session.ego())
    {
        latch.clear();
    }
}

/// The state that a key's meaning depends on.
#[derive(SystemParam)]
struct SessionState<'w, 's> {
    session: Res<'w, Session>,
    learning: Res<'w, BackgroundTraining>,
    clock: Res<'w, SimClock>,
    drivers: Query<'w, 's, &'static Driver>,
}

/// The state that keys change without a request.
#[derive(SystemParam)]
struct ScreenState<'w> {
    panels: ResMut<'w, Panels>,
    view: ResMut<'w, CameraState>,
    playback: Option<ResMut<'w, Playback>>,
}

/// Read key events instead of the key state: a press and release within one frame still counts.
fn read_session_keys(
    mut events: MessageReader<KeyboardInput>,
    state: SessionState,
    mut screen: ScreenState,
    mut requests: MessageWriter<Request>,
) {
    let pressed = |e: &&KeyboardInput| e.state == ButtonState::Pressed && !e.repeat;
    let mut speed = state.clock.relative_speed();
    for event in events.read().filter(pressed) {
        if update_screen(event.key_code, &mut screen) {
            continue;
        }
        match event.key_code {
            KeyCode::BracketLeft => speed *= 0.5,
            KeyCode::BracketRight => speed *= 2.0,
            KeyCode::Backslash => speed = 1.0,
            key => {
                if let Some(name) = digit(key).filter(|_| screen.panels.picker).and_then(|n| builtin_names().nth(n)) {
                    screen.panels.picker = false;
                    open_scene(name, &state.clock, &mut requests);
                } else if let Some(request) = request_for(key, &state, &mut screen) {
                    requests.write(request);
                }
                continue;
            }
        }
        requests.write(Request::SetRelativeSpeed(speed));
    }
}

/// Handle the keys that only change panels and camera; return false for other keys.
fn update_screen(key: KeyCode, screen: &mut ScreenState) -> bool {
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

/// The request that a key sends in the current state, if any.
fn request_for(key: KeyCode, state: &SessionState, screen: &mut ScreenState) -> Option<Request> {
    let replaying = state.drivers.get(state.session.ego()) == Ok(&Driver::Replay);
    let has_recording = state.session.recording != RecordingState::Idle;
    match key {
        KeyCode::F5 | KeyCode::Pause => Some(Request::TogglePause),
        KeyCode::Period => Some(Request::StepOnce),
        KeyCode::KeyP => Some(Request::TogglePolicy),
        KeyCode::KeyN if replaying => {
            if let Some(playback) = &mut screen.playback {
                playback.restart = true;
            }
            None
        }
        // Recording and training are disabled during a replay.
        KeyCode::KeyR | KeyCode::KeyT if replaying => None,
        KeyCode::KeyN => Some(Request::Reset),
        KeyCode::KeyR => Some(Request::ToggleRecording),
        KeyCode::KeyT if state.learning.running => Some(Request::StopTraining),
        KeyCode::KeyT => Some(Request::Train),
        KeyCode::Enter | KeyCode::NumpadEnter if has_recording => Some(Request::KeepEpisode),
        KeyCode::Backspace if has_recording => Some(Request::DiscardEpisode),
        _ => None,
    }
}

/// Index of a digit key: 0 for key 1, 8 for key 9.
fn digit(key: KeyCode) -> Option<usize> {
    use KeyCode::{Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9};
    [Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9].iter().position(|k| *k == key)
}
