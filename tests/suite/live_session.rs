//! A session without a window: keys, recording, training in the background, take-over. Time stands still; a tick runs
//! when a test asks for one.

use std::path::Path;
use std::time::{Duration, Instant};

use apprentice::agents::{Action, Driver};
use apprentice::demos::{Dataset, Recorder};
use apprentice::live::{
    Learning, LivePlugin, RecordingState, Request, Session, SessionOptions, SimClock, open_session,
};
use apprentice::rollout::{SandboxPlugins, resimulate};
use apprentice::scenes::find;
use apprentice::sim::Arena;
use apprentice::teleop::KeyLatch;
use bevy::app::App;
use bevy::ecs::prelude::*;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyCode, KeyboardInput};
use tempfile::TempDir;

/// Indices of the car's action.
const STEER: usize = 0;
const THROTTLE: usize = 1;

struct Live {
    app: App,
    dir: TempDir,
}

impl Live {
    fn open() -> Self {
        Self::open_in("slalom", 1, None)
    }

    /// The same in another scene, with so many agents and on a side.
    fn open_in(scene: &str, agents: usize, side: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut app = App::new();
        app.add_plugins(SandboxPlugins { threads: 1 }).add_plugins(LivePlugin);
        app.finish();
        app.cleanup();
        app.world_mut().resource_mut::<SimClock>().paused = true;
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

    fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    fn session(&self) -> &Session {
        self.app.world().resource::<Session>()
    }

    /// A frame without a tick.
    fn frame(&mut self) {
        self.app.update();
    }

    /// A frame with one tick.
    fn tick(&mut self) {
        self.ask(Request::StepOnce);
    }

    fn ticks(&mut self, count: usize) {
        (0..count).for_each(|_| self.tick());
    }

    /// Send a request and run a frame, without a tick unless the request is one for a tick.
    fn ask(&mut self, request: Request) {
        self.world().write_message(request);
        self.frame();
    }

    fn key(&mut self, key_code: KeyCode, state: ButtonState) {
        self.world().write_message(KeyboardInput {
            key_code,
            logical_key: Key::Unidentified(bevy::input::keyboard::NativeKey::Unidentified),
            state,
            text: None,
            repeat: false,
            window: Entity::PLACEHOLDER,
        });
    }

    fn action(&self) -> &[f32] {
        &self.app.world().get::<Action>(self.session().ego()).expect("the driven agent").0
    }

    fn driver(&self) -> Driver {
        *self.app.world().get::<Driver>(self.session().ego()).expect("the driven agent")
    }

    fn arena_tick(&self) -> u64 {
        self.app.world().get::<Arena>(self.session().spawned.arena).expect("the arena").tick
    }

    fn notice(&self) -> (bool, &str) {
        self.session().notice.as_ref().map_or((false, ""), |n| (n.is_error, &n.text))
    }

    /// That the last thing said was a complaint with `part` in it.
    fn assert_complaint(&self, part: &str) {
        let (is_error, text) = self.notice();
        assert!(is_error && text.contains(part), "no complaint about {part:?}: {text:?}");
    }

    /// Record an episode of `ticks` ticks of driving with keys, up to the review.
    fn record(&mut self, ticks: usize) {
        self.ask(Request::ToggleRecording);
        assert_eq!(self.session().recording, RecordingState::Recording);
        self.key(KeyCode::KeyW, ButtonState::Pressed);
        for i in 0..ticks {
            let side = if i % 20 < 10 { ButtonState::Pressed } else { ButtonState::Released };
            self.key(KeyCode::KeyA, side);
            self.tick();
        }
        self.key(KeyCode::KeyW, ButtonState::Released);
        self.key(KeyCode::KeyA, ButtonState::Released);
        self.ask(Request::ToggleRecording);
        assert_eq!(self.session().recording, RecordingState::Review);
    }

    fn dataset(&self) -> Dataset {
        Dataset::open(self.session().dataset_dir()).expect("there is a dataset")
    }

    fn lengths(&self) -> Vec<usize> {
        self.dataset().summaries().iter().map(|row| row.length).collect()
    }

    /// Train until a policy is offered; stopped after a few steps, which keeps what there is.
    fn train(&mut self) {
        self.ask(Request::Train);
        assert!(self.app.world().resource::<Learning>().running, "{:?}", self.notice());
        let begun = Instant::now();
        while self.app.world().resource::<Learning>().running {
            self.frame();
            if self.app.world().resource::<Learning>().step >= 40 {
                self.world().write_message(Request::StopTraining);
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "training does not come to an end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_press_between_two_ticks_is_not_lost() {
    let mut live = Live::open();
    live.ticks(3);
    assert_eq!(live.action()[STEER], 0.0);
    // Both in the frame of the tick.
    live.key(KeyCode::KeyA, ButtonState::Pressed);
    live.key(KeyCode::KeyA, ButtonState::Released);
    live.tick();
    let struck = live.action()[STEER];
    assert!(struck > 0.05, "a key struck between two ticks steers by {struck}");
    live.ticks(3);
    assert_eq!(live.action()[STEER], 0.0, "the key is up, and the steering comes back");
    // In a frame that has no tick, with more such frames before the tick.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.key(KeyCode::KeyW, ButtonState::Released);
    (0..5).for_each(|_| live.frame());
    assert_eq!(live.action()[THROTTLE], 0.0, "no tick has read the key yet");
    live.tick();
    let struck = live.action()[THROTTLE];
    assert!(struck > 0.05, "a key struck some frames before the tick gives {struck} of throttle");
    // A held key goes on from tick to tick.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.ticks(20);
    assert_eq!(live.action()[THROTTLE], 1.0, "a held key goes all the way");
    live.key(KeyCode::KeyW, ButtonState::Released);
    live.ticks(20);
    assert_eq!(live.action()[THROTTLE], 0.0);
}

#[test]
fn what_is_kept_is_in_the_dataset_and_nothing_else() {
    let mut live = Live::open();
    live.record(12);
    live.ask(Request::KeepEpisode);
    assert_eq!(
        (live.session().recording, live.session().episodes, live.session().ticks),
        (RecordingState::Idle, 1, 12)
    );
    live.record(15);
    live.ask(Request::DiscardEpisode);
    assert_eq!(live.session().recording, RecordingState::Idle);
    live.record(40);
    // The world goes on during the review; the recording does not.
    live.ticks(7);
    live.ask(Request::KeepEpisode);
    assert_eq!(live.lengths(), [12, 40]);
    assert_eq!((live.session().episodes, live.session().ticks), (2, 52));
    assert!(!live.session().dataset_dir().join("journal").exists(), "no journal is left");
    let dataset = live.dataset();
    assert!(dataset.summaries().iter().all(|row| row.operator == "Ada" && row.interventions == 0));
    let episode = dataset.read(1).expect("a whole episode");
    let action = |tick: usize| episode.tick(tick).expect("a tick").action.to_vec();
    assert!(action(0)[THROTTLE] > 0.0, "the first tick has the key that was pressed with it");
    assert_eq!(action(39)[THROTTLE], 1.0);
    assert!(action(9)[STEER] > 0.5 && action(19)[STEER] == 0.0, "the smoothed keys are what is recorded");
}

#[test]
fn what_is_discarded_leaves_no_trace() {
    let mut live = Live::open();
    live.ask(Request::ToggleRecording);
    live.ticks(40);
    let dir = live.session().dataset_dir();
    assert_eq!(names(&dir.join("journal")).len(), 1, "while it is recorded there is a journal");
    live.ask(Request::ToggleRecording);
    live.ask(Request::DiscardEpisode);
    assert!(!dir.exists(), "after discarding the only recording there is {:?}", names(&dir));
    // The same straight out of a recording, and where there was no tick yet.
    for ticks in [5, 0] {
        live.ask(Request::ToggleRecording);
        live.ticks(ticks);
        live.ask(Request::DiscardEpisode);
        assert_eq!(live.session().recording, RecordingState::Idle);
        assert!(!dir.exists(), "after discarding {ticks} ticks there is {:?}", names(&dir));
    }
    live.ask(Request::DiscardEpisode);
    live.assert_complaint("nothing is recorded");
    live.ask(Request::KeepEpisode);
    live.assert_complaint("nothing is recorded");
    // Beside a kept episode, discarding leaves the dataset as it was.
    live.record(8);
    live.ask(Request::KeepEpisode);
    live.record(9);
    live.ask(Request::DiscardEpisode);
    assert_eq!(live.lengths(), [8]);
    assert!(!dir.join("journal").exists(), "journals: {:?}", names(&dir.join("journal")));
}

#[test]
fn a_reset_discards_what_was_recorded_and_records_anew() {
    let mut live = Live::open();
    live.ask(Request::ToggleRecording);
    live.ticks(20);
    live.ask(Request::Reset);
    assert_eq!(live.session().recording, RecordingState::Recording);
    live.ticks(5);
    assert_eq!(live.arena_tick(), 5, "the reset begins a new episode");
    live.ask(Request::ToggleRecording);
    live.ask(Request::Reset);
    live.assert_complaint("keep (Enter) or discard");
    live.ask(Request::ToggleRecording);
    live.assert_complaint("keep (Enter) or discard");
    live.ask(Request::KeepEpisode);
    assert_eq!(live.lengths(), [5]);
    assert!(!live.session().dataset_dir().join("journal").exists(), "the first recording's journal is gone");
}

#[test]
fn a_new_episode_waits_for_the_next_tick_however_late_it_comes() {
    let mut live = Live::open();
    live.ticks(30);
    live.ask(Request::ToggleRecording);
    // As in slow motion, or paused: many frames without a tick.
    (0..10).for_each(|_| live.frame());
    live.tick();
    assert_eq!(live.arena_tick(), 1, "the recorded episode begins at its start");
    live.ask(Request::ToggleRecording);
    live.ask(Request::KeepEpisode);
    (0..10).for_each(|_| live.frame());
    live.tick();
    assert_eq!(live.arena_tick(), 1, "after keeping, the next episode begins");
}

#[test]
fn the_end_of_an_episode_is_said_once_and_the_next_begins() {
    let mut live = Live::open();
    // Nobody drives: the time runs out.
    while !live.notice().1.contains("time is up") {
        assert!(live.arena_tick() < 2000, "the time limit of 40 s does not come");
        live.tick();
    }
    let end = live.arena_tick();
    let patience = Instant::now();
    let asked = |live: &Live| {
        let arena = live.app.world().get::<Arena>(live.session().spawned.arena).expect("the arena");
        arena.next_seed()
    };
    while asked(&live).is_none() {
        live.frame();
        std::thread::sleep(Duration::from_millis(10));
        assert!(patience.elapsed() < Duration::from_secs(60), "the next episode does not come");
    }
    assert_eq!(live.arena_tick(), end, "no tick has run since");
    let seed = asked(&live);
    live.world().resource_mut::<Session>().notice = None;
    (0..10).for_each(|_| live.frame());
    assert_eq!(live.notice().1, "", "the end is not said again");
    assert_eq!(asked(&live), seed, "the next episode is not asked for again");
    live.tick();
    assert_eq!(live.arena_tick(), 1, "the next episode begins at its start");
    live.frame();
    assert_eq!(live.notice().1, "");
}

#[test]
fn each_episode_has_a_seed_of_its_own() {
    let mut live = Live::open();
    for _ in 0..4 {
        live.record(3);
        live.ask(Request::KeepEpisode);
    }
    let mut seeds: Vec<u64> = live.dataset().summaries().iter().map(|row| row.seed).collect();
    assert!(seeds.iter().all(|seed| seed % 2 == 0), "recorded seeds are even: {seeds:?}");
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 4, "{seeds:?}");
}

#[test]
fn without_a_policy_it_says_what_to_do() {
    let mut live = Live::open();
    live.ask(Request::TogglePolicy);
    live.assert_complaint("there is no policy yet");
    assert_eq!(live.driver(), Driver::Human);
    live.ask(Request::Train);
    live.assert_complaint("the dataset is empty");
    assert!(!live.app.world().resource::<Learning>().running);
    let nowhere = live.dir.path().join("nowhere");
    live.ask(Request::LoadPolicy(nowhere.clone()));
    live.assert_complaint("nowhere");
    assert_eq!(live.driver(), Driver::Human);
    assert!(!nowhere.exists());
}

#[test]
fn a_policy_is_trained_drives_and_is_taken_over() {
    let mut live = Live::open();
    for _ in 0..2 {
        live.record(60);
        live.ask(Request::KeepEpisode);
    }
    live.train();
    assert!(live.session().policy.is_some(), "no policy is offered: {:?}", live.notice());
    assert!(!live.notice().0, "{:?}", live.notice());
    let learning = live.app.world().resource::<Learning>();
    assert!(!learning.losses.is_empty() && learning.total > 0, "training reports its losses");
    assert_eq!(live.driver(), Driver::Human, "a policy is offered, it does not take over by itself");

    // It drives, and hands back.
    live.ask(Request::Reset);
    live.ask(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Policy);
    live.key(KeyCode::KeyS, ButtonState::Pressed);
    live.ticks(20);
    let throttle = live.action()[THROTTLE];
    assert!(throttle > 0.2, "taught with the throttle down, no key counting, it gives {throttle} of throttle");
    live.key(KeyCode::KeyS, ButtonState::Released);
    live.ask(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Human);
    live.ticks(20);
    assert_eq!(live.action(), [0.0; 4], "the person presses nothing");

    // A take-over in a recorded episode is an intervention.
    live.ask(Request::TogglePolicy);
    live.ask(Request::ToggleRecording);
    live.ticks(10);
    live.ask(Request::TogglePolicy);
    live.ticks(7);
    live.ask(Request::TogglePolicy);
    live.ticks(3);
    live.ask(Request::ToggleRecording);
    live.ask(Request::KeepEpisode);
    let dataset = live.dataset();
    let row = dataset.summaries().last().expect("an episode");
    assert_eq!((row.length, row.interventions, row.operator.as_str()), (20, 7, "policy"));
    let episode = dataset.read(2).expect("a whole episode");
    let expected: Vec<bool> = (0..20).map(|i| (10..17).contains(&i)).collect();
    assert_eq!(episode.interventions, expected);

    // The run is on disk: another session drives with it.
    let run = live.dir.path().join("runs/slalom-1");
    let mut other = Live::open();
    other.ask(Request::LoadPolicy(run));
    assert_eq!(other.driver(), Driver::Policy, "{:?}", other.notice());
    other.ask(Request::LoadScene("courtyard".to_owned()));
    assert!(!other.notice().0, "{:?}", other.notice());
    other.ask(Request::LoadPolicy(live.dir.path().join("runs/slalom-1")));
    assert!(other.notice().0, "a car's policy does not drive a person");
    assert_eq!(other.driver(), Driver::Human);
    other.ticks(3);
}

#[test]
fn the_scene_is_not_left_with_a_recording_in_hand() {
    let mut live = Live::open();
    live.ask(Request::ToggleRecording);
    live.ticks(5);
    for state in [RecordingState::Recording, RecordingState::Review] {
        assert_eq!(live.session().recording, state);
        live.ask(Request::LoadScene("circuit".to_owned()));
        live.assert_complaint("before you leave the scene");
        assert_eq!(live.session().scene.name, "slalom");
        let ego = live.session().ego();
        let recorder = live.app.world().get::<Recorder>(ego).expect("the recording is still there");
        assert_eq!(recorder.len(), 5);
        if state == RecordingState::Recording {
            live.ask(Request::ToggleRecording);
        }
    }
    live.ask(Request::DiscardEpisode);
    live.ask(Request::LoadScene("circiut".to_owned()));
    live.assert_complaint("circuit");
    assert_eq!(live.session().scene.name, "slalom");
    live.ask(Request::LoadScene("circuit".to_owned()));
    assert_eq!(live.session().scene.name, "circuit");
    let arenas = live.world().query::<&Arena>().iter(live.app.world()).count();
    let keys = live.world().query::<&KeyLatch>().iter(live.app.world()).count();
    assert_eq!((arenas, keys), (1, 1), "nothing of the scene that was left is still there");
    live.ticks(3);
    assert_eq!(live.arena_tick(), 3);
}

#[test]
fn a_session_takes_in_what_a_crash_left() {
    let mut live = Live::open();
    live.ask(Request::ToggleRecording);
    live.ticks(45);
    let datasets = live.session().options.datasets.clone();
    // Dropped with everything: what a crash leaves, but for the last half second.
    let Live { app, dir } = live;
    drop(app);
    assert_eq!(names(&datasets.join("slalom/journal")).len(), 1);
    let mut again = Live::open();
    again.world().remove_resource::<Session>();
    let options = SessionOptions { datasets, ..SessionOptions::default() };
    open_session(again.world(), find("slalom").expect("a shipped scene"), options);
    let (is_error, text) = again.notice();
    assert!(!is_error && text.contains("recovered 1 episode"), "{text:?}");
    assert_eq!(again.session().episodes, 1);
    let length = again.lengths()[0];
    assert!((30..=45).contains(&length), "{length} of 45 ticks are recovered");
    drop(dir);
}

#[test]
fn pause_step_and_time_scale() {
    const DT: f32 = 1.0 / 30.0;
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    let mut clock = SimClock::default();
    assert_eq!(clock.due(at(0), DT), 0, "nothing is due at the start");
    assert_eq!(clock.due(at(20), DT), 0);
    assert_eq!(clock.due(at(40), DT), 1, "what frames leave over adds up");
    assert_eq!(clock.due(at(105), DT), 2);
    clock.paused = true;
    assert_eq!(clock.due(at(1000), DT), 0, "paused");
    clock.step_once();
    assert_eq!(clock.due(at(1100), DT), 1, "one tick though paused");
    assert_eq!(clock.due(at(1200), DT), 0, "and only one");
    clock.paused = false;
    assert_eq!(clock.due(at(1210), DT), 0, "a pause is not made up for");
    assert_eq!(clock.due(at(1250), DT), 1);
    // A stall is made up for by a quarter of a second at most.
    assert_eq!(clock.due(at(61_250), DT), 7);
    clock.step_once();
    assert!(clock.paused, "a single tick holds the clock");

    // Every frame rate gives the same ticks in ten seconds, at every time scale.
    for (scale, ticks) in [(0.1, 30), (0.5, 150), (1.0, 300), (2.0, 600), (4.0, 1200)] {
        for frame in [7, 16, 33, 90] {
            let mut clock = SimClock::default();
            clock.set_time_scale(scale);
            clock.due(at(0), DT);
            let found: usize = (1..=10_000 / frame).map(|i| clock.due(at(i * frame), DT)).sum();
            // What the last frame leaves of the ten seconds, and one tick for rounding.
            let slack = 1 + (scale * frame as f32 / 1000.0 / DT).ceil() as usize;
            assert!(found <= ticks && found + slack >= ticks, "scale {scale}, frames of {frame} ms: {found} ticks");
        }
    }
    let mut clock = SimClock::default();
    for (asked, got) in [(0.01, 0.1), (100.0, 4.0), (0.5, 0.5)] {
        clock.set_time_scale(asked);
        assert_eq!(clock.time_scale(), got);
    }
    assert!((clock.wanted_rate(DT) - 15.0).abs() < 1e-3, "{} ticks/s are wanted at half speed", clock.wanted_rate(DT));
    clock.paused = true;
    assert_eq!(clock.wanted_rate(DT), 0.0);
}

#[test]
fn requests_reach_the_clock() {
    let mut live = Live::open();
    let begun = live.arena_tick();
    (0..20).for_each(|_| live.frame());
    assert_eq!(live.arena_tick(), begun, "paused, no tick runs");
    live.ticks(4);
    assert_eq!(live.arena_tick(), begun + 4, "one tick for each step");
    live.ask(Request::SetTimeScale(9.0));
    assert_eq!(live.app.world().resource::<SimClock>().time_scale(), 4.0);
    live.ask(Request::TogglePause);
    assert!(!live.app.world().resource::<SimClock>().paused);
    let patience = Instant::now();
    while live.arena_tick() <= begun + 10 {
        live.frame();
        assert!(patience.elapsed() < Duration::from_secs(60), "the clock does not run");
    }
    live.ask(Request::TogglePause);
    let held = live.arena_tick();
    (0..20).for_each(|_| live.frame());
    assert_eq!(live.arena_tick(), held, "held again");
}

#[test]
fn a_recording_in_company_happens_again() {
    for (scene, agents, side, slot) in [("slalom", 3, None, 0), ("traffic", 2, None, 0), ("tag", 1, Some("runner"), 1)]
    {
        let mut live = Live::open_in(scene, agents, side);
        live.record(60);
        live.ask(Request::KeepEpisode);
        let episode = live.dataset().read(0).expect("it is kept");
        let found = (episode.len(), episode.header.slot, episode.players());
        assert_eq!(found, (60, slot, live.session().spawned.agents.len()), "{scene}");
        let track = resimulate(&find(scene).expect("a shipped scene"), &episode).expect("it runs again");
        assert_eq!(track.divergences, 0, "{scene}");
    }
}
