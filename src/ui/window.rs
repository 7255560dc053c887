//! The desktop app: open the window and run until it closes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bevy::app::{PanicHandlerPlugin, TerminalCtrlCHandlerPlugin};
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::window::{PresentMode, WindowCloseRequested, WindowResolution};
use bevy::winit::WinitSettings;
use thiserror::Error;

use super::DesktopPlugins;
use super::panels::Panels;
use super::replay::Playback;
use crate::demos::Episode;
use crate::live::{BackgroundTraining, Command, Request, Session, SessionOptions, open_session};
use crate::scenes::{Scene, SceneError, find};

/// The scene that is loaded while the list of scenes is open.
const FIRST_SCENE: &str = "circuit";

/// Options of the app.
#[derive(Default)]
pub struct AppOptions {
    /// The scene; with neither scene nor replay, the app opens the list of scenes.
    pub scene: Option<Scene>,
    /// A policy folder, or a run folder; its policy drives.
    pub policy: Option<PathBuf>,
    /// An episode to replay, and the scene that it was recorded in.
    pub replay: Option<(Episode, Scene)>,
    /// Folders of datasets and runs, side, opponent, number of agents.
    pub session: SessionOptions,
    /// Close after this many frames.
    pub frames: Option<u32>,
}

/// Measurements of a closed app.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AppReport {
    /// Time from the call of [`run_app`] until the first frame was drawn, s; `None` when the window closed before.
    pub first_frame: Option<f64>,
}

/// Counts frames, measures the time to the first frame and closes after the limit.
#[derive(Resource)]
struct FrameCounter {
    opened: Instant,
    count: u32,
    limit: Option<u32>,
    first: Arc<OnceLock<f64>>,
}

/// Why the app failed.
#[derive(Debug, Error)]
pub enum UiError {
    /// No display, or no usable graphics adapter.
    #[error(
        "no window can be opened here: {0}; `apprentice quickstart` records, trains and evaluates without one, and \
         `apprentice --help` lists the other commands that need none"
    )]
    NoDisplay(String),
    /// A built-in scene could not be loaded.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The app exited with an error.
    #[error("the window closed unexpectedly (exit code {0})")]
    Closed(u8),
}

/// Open the window and run the app until it closes.
///
/// # Errors
/// [`UiError::NoDisplay`] when no window or no graphics adapter is available, [`UiError::Closed`] when the app exits
/// with an error.
pub fn run_app(options: AppOptions) -> Result<AppReport, UiError> {
    let first = Arc::new(OnceLock::new());
    let frames = FrameCounter { opened: Instant::now(), count: 0, limit: options.frames, first: first.clone() };
    if cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().all(|v| unset(v)) {
        return Err(UiError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned()));
    }
    // Bevy installs no handler where the shell had interrupts ignored, as it does for background jobs.
    if let Err(error) = ctrlc::set_handler(TerminalCtrlCHandlerPlugin::gracefully_exit) {
        bevy::log::warn!("Ctrl-C will end the program at once: {error}");
    }
    let show_picker = options.scene.is_none() && options.replay.is_none();
    let (scene, replay) = match (options.replay, options.scene) {
        (Some((episode, scene)), _) => (scene, Some(episode)),
        (None, Some(scene)) => (scene, None),
        (None, None) => (find(FIRST_SCENE)?, None),
    };
    let mut app = build_app()?;
    app.insert_resource(frames).add_systems(First, count_frames).add_systems(Update, close_window);
    let agents = options.session.agents.max(1);
    open_session(app.world_mut(), scene, SessionOptions { agents, ..options.session });
    app.world_mut().resource_mut::<Panels>().picker = show_picker;
    if let Some(path) = options.policy {
        app.world_mut().write_message(Request::LoadPolicy(path));
    }
    if let Some(episode) = replay {
        app.insert_resource(Playback::new(episode));
    }
    let exit = app.run();
    let report = AppReport { first_frame: first.get().copied() };
    match exit {
        AppExit::Success => Ok(report),
        // Exit code 130: interrupted or terminated by the user, which is no error.
        AppExit::Error(code) if code.get() == 130 => Ok(report),
        AppExit::Error(code) => Err(UiError::Closed(code.get())),
    }
}

/// Measure the time to the first frame, and exit after the frame limit.
fn count_frames(mut frames: ResMut<FrameCounter>, mut exit: MessageWriter<AppExit>) {
    // Rendering is pipelined: the first frame is drawn during the second update and is on the screen at the third.
    if frames.count == 2 {
        let _ = frames.first.set(frames.opened.elapsed().as_secs_f64());
    }
    if frames.limit.is_some_and(|limit| frames.count >= limit.max(2)) {
        exit.write(AppExit::Success);
    }
    frames.count += 1;
}

/// Close the window when asked to. While something could not be saved, only at the second time.
fn close_window(
    mut requests: MessageReader<WindowCloseRequested>,
    mut session: ResMut<Session>,
    learning: Res<BackgroundTraining>,
    mut warned: Local<bool>,
    mut exit: MessageWriter<AppExit>,
) {
    for _ in requests.read() {
        let unsaved = session.save_error.is_some() || learning.unsaved.is_some();
        if !unsaved || std::mem::replace(&mut *warned, true) {
            exit.write(AppExit::Success);
            return;
        }
        let folder = session.key_name(Command::Folder);
        session.notify_error(format!(
            "not everything is saved: Enter tries again, {folder} takes another folder; close the window again to lose it"
        ));
    }
}

fn unset(variable: &str) -> bool {
    std::env::var_os(variable).is_none_or(|value| value.is_empty())
}

/// The app without a session. Bevy panics without a display; the panic becomes [`UiError::NoDisplay`].
fn build_app() -> Result<App, UiError> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let built = catch_unwind(AssertUnwindSafe(|| {
        let window = Window {
            title: "Apprentice".to_owned(),
            resolution: WindowResolution::new(1280, 720),
            present_mode: PresentMode::AutoVsync,
            ..Default::default()
        };
        let mut app = App::new();
        app.add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: Some(window), close_when_requested: false, ..Default::default() })
                // The command line installs its own log subscriber and reports panics itself.
                .disable::<LogPlugin>()
                .disable::<PanicHandlerPlugin>(),
        )
        // Training and policies continue while the window is not focused.
        .insert_resource(WinitSettings::continuous())
        .add_plugins(DesktopPlugins);
        app
    }));
    std::panic::set_hook(hook);
    built.map_err(|panic| {
        let cause = panic.downcast_ref::<String>().cloned();
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        UiError::NoDisplay(cause.unwrap_or_else(|| "the windowing system does not answer".to_owned()))
    })
}
