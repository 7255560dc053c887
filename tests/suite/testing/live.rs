//! A session without a window.

use std::path::Path;
use std::time::{Duration, Instant};

use apprentice::agents::{Action, Driver};
use apprentice::demos::Dataset;
use apprentice::live::{
    BackgroundTraining, RecordingState, Request, Session, SessionOptions, SessionPlugins, SimClock, open_session,
};
use apprentice::scenes::find;
use apprentice::sim::Arena;
use bevy::app::App;
use bevy::ecs::prelude::*;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyCode, KeyboardInput};
use tempfile::TempDir;

/// Indices into the car's action.
pub const STEER: usize = 0;
pub const THROTTLE: usize = 1;

/// A session without a window, in a temporary folder. The clock is paused; a test runs each tick with a request.
pub struct Live {
    pub app: App,
    pub dir: TempDir,
}

impl Live {
    pub fn open() -> Self {
        Self::open_in("slalom", 1, None)
    }

    /// A session in `scene` with `agents` agents, in which the user plays `side`.
    pub fn open_in(scene: &str, agents: usize, side: Option<&str>) -> Self {
        Self::open_at(scene, agents, side, tempfile::tempdir().expect("a temporary folder"))
    }

    /// The same with a folder that may have datasets and runs.
    pub fn open_at(scene: &str, agents: usize, side: Option<&str>, dir: TempDir) -> Self {
        let mut app = App::new();
        app.add_plugins(SessionPlugins { threads: 1 });
        app.finish();
        app.cleanup();
        app.world_mut().resource_mut::<SimClock>().pause();
        let options = SessionOptions {
            agents,
            side: side.map(str::to_owned),
            datasets: dir.path().join("datasets"),
            runs: dir.path().join("runs"),
            operator: "Ada".to_owned(),
            ..SessionOptions::default()
        };
        open_session(app.world_mut(), find(scene).expect("a shipped scene"), options);
        let mut live = Self { app, dir };
        live.frame();
        live
    }

    pub fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    pub fn session(&self) -> &Session {
        self.app.world().resource::<Session>()
    }

    /// A frame without a tick.
    pub fn frame(&mut self) {
        self.app.update();
    }

    /// A frame with one tick.
    pub fn tick(&mut self) {
        self.request(Request::StepOnce);
    }

    pub fn ticks(&mut self, count: usize) {
        (0..count).for_each(|_| self.tick());
    }

    /// Send a request and run a frame. Only [`Request::StepOnce`] runs a tick.
    pub fn request(&mut self, request: Request) {
        self.world().write_message(request);
        self.frame();
    }

    /// Write a key event; the next frame reads it.
    pub fn key(&mut self, key_code: KeyCode, state: ButtonState) {
        self.world().write_message(KeyboardInput {
            key_code,
            logical_key: Key::Unidentified(bevy::input::keyboard::NativeKey::Unidentified),
            state,
            text: None,
            repeat: false,
            window: Entity::PLACEHOLDER,
        });
    }

    pub fn action(&self) -> &[f32] {
        &self.app.world().get::<Action>(self.session().ego()).expect("the driven agent").0
    }

    pub fn driver(&self) -> Driver {
        *self.app.world().get::<Driver>(self.session().ego()).expect("the driven agent")
    }

    pub fn arena_tick(&self) -> u64 {
        self.app.world().get::<Arena>(self.session().spawned.arena).expect("the arena").tick
    }

    pub fn notice(&self) -> (bool, &str) {
        self.session().notice.as_ref().map_or((false, ""), |n| (n.is_error, &n.text))
    }

    /// Assert that the last notice is an error that contains `part`.
    pub fn assert_error(&self, part: &str) {
        let (is_error, text) = self.notice();
        assert!(is_error && text.contains(part), "no error about {part:?}: {text:?}");
    }

    /// Record an episode of `ticks` ticks with keys pressed, up to the review.
    pub fn record(&mut self, ticks: usize) {
        self.request(Request::ToggleRecording);
        assert_eq!(self.session().recording, RecordingState::Recording);
        self.key(KeyCode::KeyW, ButtonState::Pressed);
        for i in 0..ticks {
            let state = if i % 20 < 10 { ButtonState::Pressed } else { ButtonState::Released };
            self.key(KeyCode::KeyA, state);
            self.tick();
        }
        self.key(KeyCode::KeyW, ButtonState::Released);
        self.key(KeyCode::KeyA, ButtonState::Released);
        self.request(Request::ToggleRecording);
        assert_eq!(self.session().recording, RecordingState::Review);
    }

    pub fn dataset(&self) -> Dataset {
        Dataset::open(self.session().dataset_dir()).expect("there is a dataset")
    }

    pub fn lengths(&self) -> Vec<usize> {
        self.dataset().summaries().iter().map(|row| row.length).collect()
    }

    /// Train until the policy is loaded. Training is stopped after a few steps, which saves the policy.
    pub fn train(&mut self) {
        self.request(Request::Train);
        assert!(self.app.world().resource::<BackgroundTraining>().running, "{:?}", self.notice());
        let start = Instant::now();
        while self.app.world().resource::<BackgroundTraining>().running {
            self.frame();
            if self.app.world().resource::<BackgroundTraining>().step >= 40 {
                self.world().write_message(Request::StopTraining);
            }
            assert!(start.elapsed() < Duration::from_secs(120), "training does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The names of the entries of a folder.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}
