//! The commands that the person's keys give to the session and the panels.

use std::path::PathBuf;

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::{KeyCode, KeyboardInput};
use bevy::prelude::*;

use crate::agents::Driver;
use crate::live::{Command, Request, Session, SimClock, command_of, digit_of};
use crate::ui::camera::{CameraMode, CameraState, MOVING_KEYS};
use crate::ui::panels::Panels;
use crate::ui::picker::{open_scene, scene_count};
use crate::ui::replay::Playback;

/// The state that keys change without a request.
#[derive(SystemParam)]
pub(super) struct Screen<'w> {
    panels: ResMut<'w, Panels>,
    view: ResMut<'w, CameraState>,
    playback: Option<ResMut<'w, Playback>>,
}

/// Read key events instead of the key state: a press and release within one frame still counts. What a command means is
/// decided when the requests are handled, in their order, as two commands may come in one frame.
pub(super) fn read_commands(
    mut events: MessageReader<KeyboardInput>,
    session: Res<Session>,
    clock: Res<SimClock>,
    drivers: Query<&Driver>,
    mut screen: Screen,
    mut requests: MessageWriter<Request>,
) {
    let mut speed = clock.relative_speed();
    let replaying = drivers.get(session.ego()) == Ok(&Driver::Replay);
    for event in events.read().filter(|e| e.state == ButtonState::Pressed) {
        let in_list = screen.panels.picker && !screen.panels.is_typing();
        // In a list the driving keys drive nothing, and the free camera's keys are driving keys while it is free.
        let mut driving = if in_list { Vec::new() } else { session.driving_keys.clone() };
        if screen.view.mode == CameraMode::Free {
            driving.extend(MOVING_KEYS);
        }
        let command = command_of(event.key_code, &event.logical_key, &driving);
        if screen.panels.is_typing() {
            type_folder(command, &mut screen.panels, &mut requests);
            continue;
        }
        if session.asked_take().is_some() {
            requests.write_batch(command.filter(|_| !event.repeat).and_then(answer));
            continue;
        }
        if in_list && choose_scene(event, command, &mut screen.panels, &clock, &mut requests) {
            continue;
        }
        if event.repeat {
            continue;
        }
        let Some(command) = command.filter(|command| !update_screen(*command, &mut screen)) else { continue };
        match command {
            Command::Slower => speed *= 0.5,
            Command::Faster => speed *= 2.0,
            Command::RealTime => speed = 1.0,
            Command::NewEpisode if replaying => {
                if let Some(playback) = &mut screen.playback {
                    playback.restart = true;
                }
            }
            // Recording and training are disabled during a replay.
            Command::Record | Command::Train | Command::Keep | Command::Discard if replaying => {}
            command => {
                requests.write_batch(request_for(command));
            }
        }
        if matches!(command, Command::Slower | Command::Faster | Command::RealTime) {
            requests.write(Request::SetRelativeSpeed(speed));
        }
    }
}

fn request_for(command: Command) -> Option<Request> {
    match command {
        Command::Pause => Some(Request::TogglePause),
        Command::StepOnce => Some(Request::StepOnce),
        Command::Policy => Some(Request::TogglePolicy),
        Command::NewEpisode => Some(Request::Reset),
        Command::Record => Some(Request::ToggleRecording),
        Command::Train => Some(Request::ToggleTraining),
        Command::Keep => Some(Request::KeepEpisode),
        Command::Discard => Some(Request::DiscardEpisode),
        _ => None,
    }
}

/// The answer to the question about a recovered take.
fn answer(command: Command) -> Option<Request> {
    match command {
        Command::Keep => Some(Request::KeepEpisode),
        Command::Discard => Some(Request::DiscardEpisode),
        Command::Close => Some(Request::DecideLater),
        _ => None,
    }
}

/// Carry out the commands that only change panels and camera; return false for others.
fn update_screen(command: Command, screen: &mut Screen) -> bool {
    let panels = &mut *screen.panels;
    match command {
        Command::Help => panels.help = !panels.help,
        Command::Scenes => {
            panels.picker = !panels.picker;
            panels.highlighted = None;
        }
        Command::Close if panels.help || panels.picker => (panels.help, panels.picker) = (false, false),
        Command::Close => panels.training_closed = true,
        Command::Panels => panels.hidden = !panels.hidden,
        Command::Folder => panels.folder = Some(String::new()),
        Command::Camera => {
            let free = screen.view.mode == CameraMode::Follow;
            screen.view.mode = if free { CameraMode::Free } else { CameraMode::Follow };
        }
        _ => return false,
    }
    true
}

/// Keys of the list of scenes: arrows and Enter, digits. Returns false for other keys.
fn choose_scene(
    event: &KeyboardInput,
    command: Option<Command>,
    panels: &mut Panels,
    clock: &SimClock,
    requests: &mut MessageWriter<Request>,
) -> bool {
    let count = scene_count();
    let at = panels.highlighted.unwrap_or(0);
    let chosen = match (event.key_code, command) {
        (KeyCode::ArrowDown, _) => {
            panels.highlighted = Some((at + 1) % count);
            return true;
        }
        (KeyCode::ArrowUp, _) => {
            panels.highlighted = Some((at + count - 1) % count);
            return true;
        }
        (_, Some(Command::Keep)) => panels.highlighted,
        _ => digit_of(event.key_code, &event.logical_key).map(|digit| digit - 1),
    };
    let is_enter = command == Some(Command::Keep);
    let Some(chosen) = chosen else { return is_enter };
    panels.picker = false;
    open_scene(chosen, clock, requests);
    true
}

/// Keys of the text field for a folder; egui reads the others.
fn type_folder(command: Option<Command>, panels: &mut Panels, requests: &mut MessageWriter<Request>) {
    match command {
        Some(Command::Keep) => {
            let folder = panels.folder.take().unwrap_or_default();
            if !folder.trim().is_empty() {
                requests.write(Request::SaveInto(path_of(folder.trim())));
            }
        }
        Some(Command::Close) => panels.folder = None,
        _ => {}
    }
}

/// The path that a person means: `~` is their home.
fn path_of(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(inside), Some(home)) => home.join(inside),
        _ => PathBuf::from(text),
    }
}

/// The scene stands still behind a list or a text field, and a text field takes the keys.
pub(super) fn cover_scene(panels: Res<Panels>, mut session: ResMut<Session>) {
    let (covered, typing) = (panels.help || panels.picker || panels.is_typing(), panels.is_typing());
    if (session.covered, session.typing) != (covered, typing) {
        (session.covered, session.typing) = (covered, typing);
    }
}
