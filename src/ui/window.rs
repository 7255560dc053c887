//! Opening the window.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bevy::app::{PanicHandlerPlugin, TerminalCtrlCHandlerPlugin};
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::window::{PresentMode, WindowResolution};
use bevy::winit::WinitSettings;
use bevy_egui::EguiPlugin;
use thiserror::Error;

use super::UiPlugin;
use super::keys::Panels;
use super::replay::Playback;
use crate::demos::Episode;
use crate::live::{LivePlugin, Request, Session, SessionOptions, open_session};
use crate::rollout::SandboxPlugins;
use crate::scenes::{Scene, SceneError, find};

/// The scene that is open behind the list of scenes.
const FIRST_SCENE: &str = "circuit";

/// How the app begins.
#[derive(Default)]
pub struct AppOptions {
    /// The scene; the list of scenes where there is none.
    pub scene: Option<Scene>,
    /// A policy or run folder whose policy drives.
    pub policy: Option<PathBuf>,
    /// An episode to be shown, in the scene that it was recorded in.
    pub replay: Option<(Episode, Scene)>,
    /// Where datasets and runs are, who plays, how many agents.
    pub session: SessionOptions,
    /// Close after so many frames.
    pub frames: Option<u32>,
}

/// What is known of a window that was open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AppReport {
    /// Time from the call to when the first frame was drawn, s; `None` when it closed before.
    pub first_frame: Option<f64>,
}

/// Counts frames.
#[derive(Resource)]
struct Frames {
    opened: Instant,
    count: u32,
    limit: Option<u32>,
    first: Arc<OnceLock<f64>>,
}

/// Why no window opened.
#[derive(Debug, Error)]
pub enum UiError {
    /// There is no screen to open it on.
    #[error(
        "no window can be opened here: {0}; `apprentice quickstart` records, trains and evaluates without one, and \
         `apprentice --help` lists the other commands that need none"
    )]
    NoDisplay(String),
    /// The built-in scene does not load.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The window closed with an error.
    #[error("the window closed unexpectedly (exit code {0})")]
    Closed(u8),
}

/// Open the window and return when it is closed.
///
/// # Errors
/// [`UiError::NoDisplay`] where no window can be opened or nothing can be drawn, [`UiError::Closed`] when it ends with
/// an error.
pub fn run_app(options: AppOptions) -> Result<AppReport, UiError> {
    let first = Arc::new(OnceLock::new());
    let frames = Frames { opened: Instant::now(), count: 0, limit: options.frames, first: first.clone() };
    if cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().all(|v| unset(v)) {
        return Err(UiError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned()));
    }
    // Bevy installs no handler where the shell had interrupts ignored, as it does for background jobs.
    if let Err(error) = ctrlc::set_handler(TerminalCtrlCHandlerPlugin::gracefully_exit) {
        bevy::log::warn!("Ctrl-C will end the program at once: {error}");
    }
    let choose = options.scene.is_none() && options.replay.is_none();
    let (scene, replay) = match (options.replay, options.scene) {
        (Some((episode, scene)), _) => (scene, Some(episode)),
        (None, Some(scene)) => (scene, None),
        (None, None) => (find(FIRST_SCENE)?, None),
    };
    let mut app = build()?;
    app.insert_resource(frames).add_systems(First, count_frames);
    let agents = options.session.agents.max(1);
    open_session(app.world_mut(), scene, SessionOptions { agents, ..options.session });
    app.world_mut().resource_mut::<Panels>().picker = choose;
    if let Some(path) = options.policy {
        app.world_mut().write_message(Request::LoadPolicy(path));
    }
    if let Some(episode) = replay {
        app.insert_resource(Playback::of(episode));
    }
    let exit = app.run();
    let report = AppReport { first_frame: first.get().copied() };
    match exit {
        AppExit::Success => Ok(report),
        // Interrupted or terminated: the person's wish, not an error.
        AppExit::Error(code) if code.get() == 130 => Ok(report),
        AppExit::Error(code) => Err(UiError::Closed(code.get())),
    }
}

/// Note when the first frame is through, and close after the last one wanted.
fn count_frames(mut frames: ResMut<Frames>, mut exit: MessageWriter<AppExit>) {
    // The first frame is drawn while the second one is computed: it is on the screen when the third begins.
    if frames.count == 2 {
        let _ = frames.first.set(frames.opened.elapsed().as_secs_f64());
    }
    if frames.limit.is_some_and(|limit| frames.count >= limit.max(2)) {
        exit.write(AppExit::Success);
    }
    frames.count += 1;
}

fn unset(variable: &str) -> bool {
    std::env::var_os(variable).is_none_or(|value| value.is_empty())
}

/// The app without a session. Bevy panics where the screen cannot be reached; that becomes an error.
fn build() -> Result<App, UiError> {
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
                .set(WindowPlugin { primary_window: Some(window), ..Default::default() })
                // The command line has its own log and reports panics itself.
                .disable::<LogPlugin>()
                .disable::<PanicHandlerPlugin>(),
        )
        .add_plugins(EguiPlugin::default())
        // Training and policies go on while another window has the keyboard.
        .insert_resource(WinitSettings::continuous())
        .add_plugins((SandboxPlugins::default(), LivePlugin, UiPlugin));
        app
    }));
    std::panic::set_hook(hook);
    built.map_err(|panic| {
        let cause = panic.downcast_ref::<String>().cloned();
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        UiError::NoDisplay(cause.unwrap_or_else(|| "the windowing system does not answer".to_owned()))
    })
}

/// The window's title names the scene.
pub(super) fn name_window(session: Option<Res<Session>>, mut window: Single<&mut Window>) {
    let Some(session) = session else { return };
    let title = format!("Apprentice: {}", session.scene.title());
    if window.title != title {
        window.title = title;
    }
}
