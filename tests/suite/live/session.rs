//! A session without a window: keys, recording, training in the background, take-over.

use std::time::{Duration, Instant};

use apprentice::agents::Driver;
use apprentice::demos::Recorder;
use apprentice::live::{BackgroundTraining, RecordingState, Request, Session, SimClock};
use apprentice::rollout::resimulate;
use apprentice::scenes::find;
use apprentice::sim::Arena;
use apprentice::teleop::KeyLatch;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyCode;

use crate::testing::live::{Live, STEER, THROTTLE, names};

#[test]
fn a_press_between_two_ticks_is_not_lost() {
    let mut live = Live::open();
    live.ticks(3);
    assert_eq!(live.action()[STEER], 0.0);
    // Press and release in the frame of the tick.
    live.key(KeyCode::KeyA, ButtonState::Pressed);
    live.key(KeyCode::KeyA, ButtonState::Released);
    live.tick();
    let steering = live.action()[STEER];
    assert!(steering > 0.05, "a key press between two ticks steers by {steering}");
    live.ticks(3);
    assert_eq!(live.action()[STEER], 0.0, "after the release the steering returns to zero");
    // Press and release in a frame without a tick, several frames before the next tick.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.key(KeyCode::KeyW, ButtonState::Released);
    (0..5).for_each(|_| live.frame());
    assert_eq!(live.action()[THROTTLE], 0.0, "no tick has read the key yet");
    live.tick();
    let throttle = live.action()[THROTTLE];
    assert!(throttle > 0.05, "a key press some frames before the tick gives a throttle of {throttle}");
    // A held key acts in every tick.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.ticks(20);
    assert_eq!(live.action()[THROTTLE], 1.0, "a held key reaches full throttle");
    live.key(KeyCode::KeyW, ButtonState::Released);
    live.ticks(20);
    assert_eq!(live.action()[THROTTLE], 0.0);
}

#[test]
fn only_kept_episodes_are_in_the_dataset() {
    let mut live = Live::open();
    live.record(12);
    live.request(Request::KeepEpisode);
    assert_eq!(
        (live.session().recording, live.session().episodes, live.session().ticks),
        (RecordingState::Idle, 1, 12)
    );
    live.record(15);
    live.request(Request::DiscardEpisode);
    assert_eq!(live.session().recording, RecordingState::Idle);
    live.record(40);
    // Ticks during the review are not recorded.
    live.ticks(7);
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths(), [12, 40]);
    assert_eq!((live.session().episodes, live.session().ticks), (2, 52));
    assert!(!live.session().dataset_dir().join("journal").exists(), "no journal remains");
    let dataset = live.dataset();
    assert!(dataset.summaries().iter().all(|row| row.operator == "Ada" && row.interventions == 0));
    let episode = dataset.read(1).expect("a whole episode");
    let action = |tick: usize| episode.tick(tick).expect("a tick").action.to_vec();
    assert!(action(0)[THROTTLE] > 0.0, "the first tick has the key that was pressed before it");
    assert_eq!(action(39)[THROTTLE], 1.0);
    assert!(action(9)[STEER] > 0.5 && action(19)[STEER] == 0.0, "the smoothed key values are recorded");
}

#[test]
fn a_discarded_episode_leaves_no_file() {
    let mut live = Live::open();
    live.request(Request::ToggleRecording);
    live.ticks(40);
    let dir = live.session().dataset_dir();
    assert_eq!(names(&dir.join("journal")).len(), 1, "a journal exists during the recording");
    live.request(Request::ToggleRecording);
    live.request(Request::DiscardEpisode);
    assert!(!dir.exists(), "after discarding the only recording there is {:?}", names(&dir));
    // The same without a review, also before the first tick.
    for ticks in [5, 0] {
        live.request(Request::ToggleRecording);
        live.ticks(ticks);
        live.request(Request::DiscardEpisode);
        assert_eq!(live.session().recording, RecordingState::Idle);
        assert!(!dir.exists(), "after discarding {ticks} ticks there is {:?}", names(&dir));
    }
    live.request(Request::DiscardEpisode);
    live.assert_error("nothing is recorded");
    live.request(Request::KeepEpisode);
    live.assert_error("nothing is recorded");
    // Next to a kept episode, discarding leaves the dataset unchanged.
    live.record(8);
    live.request(Request::KeepEpisode);
    live.record(9);
    live.request(Request::DiscardEpisode);
    assert_eq!(live.lengths(), [8]);
    assert!(!dir.join("journal").exists(), "journals: {:?}", names(&dir.join("journal")));
}

#[test]
fn a_reset_discards_the_recorded_ticks_and_restarts_the_recording() {
    let mut live = Live::open();
    live.request(Request::ToggleRecording);
    live.ticks(20);
    live.request(Request::Reset);
    assert_eq!(live.session().recording, RecordingState::Recording);
    live.ticks(5);
    assert_eq!(live.arena_tick(), 5, "the reset begins a new episode");
    live.request(Request::ToggleRecording);
    live.request(Request::Reset);
    live.assert_error("keep (Enter) or discard");
    live.request(Request::ToggleRecording);
    live.assert_error("keep (Enter) or discard");
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths(), [5]);
    assert!(!live.session().dataset_dir().join("journal").exists(), "the first recording's journal is gone");
}

#[test]
fn a_new_episode_begins_at_the_next_tick() {
    let mut live = Live::open();
    live.ticks(30);
    live.request(Request::ToggleRecording);
    // Many frames without a tick, as in slow motion or while paused.
    (0..10).for_each(|_| live.frame());
    live.tick();
    assert_eq!(live.arena_tick(), 1, "the recorded episode begins at its start");
    live.request(Request::ToggleRecording);
    live.request(Request::KeepEpisode);
    (0..10).for_each(|_| live.frame());
    live.tick();
    assert_eq!(live.arena_tick(), 1, "after keeping, the next episode begins");
}

#[test]
fn the_end_of_an_episode_is_notified_once_and_the_next_begins() {
    let mut live = Live::open();
    // Without key presses the episode ends at its time limit.
    while !live.notice().1.contains("time limit reached") {
        assert!(live.arena_tick() < 2000, "the time limit of 40 s has no effect");
        live.tick();
    }
    let end = live.arena_tick();
    let start = Instant::now();
    let requested_seed = |live: &Live| {
        let arena = live.app.world().get::<Arena>(live.session().spawned.arena).expect("the arena");
        arena.requested_seed()
    };
    while requested_seed(&live).is_none() {
        live.frame();
        std::thread::sleep(Duration::from_millis(10));
        assert!(start.elapsed() < Duration::from_secs(60), "the next episode does not begin");
    }
    assert_eq!(live.arena_tick(), end, "no tick has run since");
    let seed = requested_seed(&live);
    live.world().resource_mut::<Session>().notice = None;
    (0..10).for_each(|_| live.frame());
    assert_eq!(live.notice().1, "", "the end is not notified again");
    assert_eq!(requested_seed(&live), seed, "the next episode is not requested again");
    live.tick();
    assert_eq!(live.arena_tick(), 1, "the next episode begins at its start");
    live.frame();
    assert_eq!(live.notice().1, "");
}

#[test]
fn each_episode_has_another_seed() {
    let mut live = Live::open();
    for _ in 0..4 {
        live.record(3);
        live.request(Request::KeepEpisode);
    }
    let mut seeds: Vec<u64> = live.dataset().summaries().iter().map(|row| row.seed).collect();
    assert!(seeds.iter().all(|seed| seed % 2 == 0), "recorded seeds are even: {seeds:?}");
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 4, "{seeds:?}");
}

#[test]
fn errors_without_a_policy_name_the_remedy() {
    let mut live = Live::open();
    live.request(Request::TogglePolicy);
    live.assert_error("there is no policy for slalom yet");
    assert_eq!(live.driver(), Driver::Human);
    live.request(Request::Train);
    live.assert_error("the dataset is empty");
    assert!(!live.app.world().resource::<BackgroundTraining>().running);
    let nowhere = live.dir.path().join("nowhere");
    live.request(Request::LoadPolicy(nowhere.clone()));
    live.assert_error("nowhere");
    assert_eq!(live.driver(), Driver::Human);
    assert!(!nowhere.exists());
}

#[test]
fn a_policy_is_trained_drives_and_is_taken_over() {
    let mut live = Live::open();
    for _ in 0..2 {
        live.record(60);
        live.request(Request::KeepEpisode);
    }
    live.train();
    assert!(live.session().policy.is_some(), "no policy is loaded: {:?}", live.notice());
    assert!(!live.notice().0, "{:?}", live.notice());
    let learning = live.app.world().resource::<BackgroundTraining>();
    assert!(!learning.losses.is_empty() && learning.total_steps > 0, "training reports its losses");
    assert_eq!(live.driver(), Driver::Human, "the driver does not change at the end of training");

    // The policy drives, and the human takes over.
    live.request(Request::Reset);
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Policy);
    live.key(KeyCode::KeyS, ButtonState::Pressed);
    live.ticks(20);
    let throttle = live.action()[THROTTLE];
    assert!(throttle > 0.2, "trained on full throttle and with keys ignored, the policy's throttle is {throttle}");
    live.key(KeyCode::KeyS, ButtonState::Released);
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Human);
    live.ticks(20);
    assert_eq!(live.action(), [0.0; 4], "no key is pressed");

    // A take-over in a recorded episode is an intervention.
    live.request(Request::TogglePolicy);
    live.request(Request::ToggleRecording);
    live.ticks(10);
    live.request(Request::TogglePolicy);
    live.ticks(7);
    live.request(Request::TogglePolicy);
    live.ticks(3);
    live.request(Request::ToggleRecording);
    live.request(Request::KeepEpisode);
    let dataset = live.dataset();
    let row = dataset.summaries().last().expect("an episode");
    assert_eq!((row.length, row.interventions, row.operator.as_str()), (20, 7, "policy"));
    let episode = dataset.read(2).expect("a whole episode");
    let expected: Vec<bool> = (0..20).map(|i| (10..17).contains(&i)).collect();
    assert_eq!(episode.interventions, expected);

    // The run is on disk: another session loads its policy.
    let run = live.dir.path().join("runs/slalom-1");
    let mut other = Live::open();
    other.request(Request::LoadPolicy(run));
    assert_eq!(other.driver(), Driver::Policy, "{:?}", other.notice());
    other.request(Request::LoadScene("courtyard".to_owned()));
    assert!(!other.notice().0, "{:?}", other.notice());
    other.request(Request::LoadPolicy(live.dir.path().join("runs/slalom-1")));
    assert!(other.notice().0, "a car's policy does not fit the humanoid");
    assert_eq!(other.driver(), Driver::Human);
    other.ticks(3);
}

#[test]
fn the_scene_cannot_be_changed_during_a_recording() {
    let mut live = Live::open();
    live.request(Request::ToggleRecording);
    live.ticks(5);
    for state in [RecordingState::Recording, RecordingState::Review] {
        assert_eq!(live.session().recording, state);
        live.request(Request::LoadScene("circuit".to_owned()));
        live.assert_error("before you leave the scene");
        assert_eq!(live.session().scene.name, "slalom");
        let ego = live.session().ego();
        let recorder = live.app.world().get::<Recorder>(ego).expect("the recorder still exists");
        assert_eq!(recorder.len(), 5);
        if state == RecordingState::Recording {
            live.request(Request::ToggleRecording);
        }
    }
    live.request(Request::DiscardEpisode);
    live.request(Request::LoadScene("circiut".to_owned()));
    live.assert_error("circuit");
    assert_eq!(live.session().scene.name, "slalom");
    live.request(Request::LoadScene("circuit".to_owned()));
    assert_eq!(live.session().scene.name, "circuit");
    let arenas = live.world().query::<&Arena>().iter(live.app.world()).count();
    let keys = live.world().query::<&KeyLatch>().iter(live.app.world()).count();
    assert_eq!((arenas, keys), (1, 1), "the previous scene's entities are despawned");
    live.ticks(3);
    assert_eq!(live.arena_tick(), 3);
}

#[test]
fn requests_reach_the_clock() {
    let mut live = Live::open();
    let first_tick = live.arena_tick();
    (0..20).for_each(|_| live.frame());
    assert_eq!(live.arena_tick(), first_tick, "no tick runs while paused");
    live.ticks(4);
    assert_eq!(live.arena_tick(), first_tick + 4, "one tick per step");
    live.request(Request::SetRelativeSpeed(9.0));
    assert_eq!(live.app.world().resource::<SimClock>().relative_speed(), 4.0);
    live.request(Request::TogglePause);
    assert!(!live.app.world().resource::<SimClock>().is_paused());
    let start = Instant::now();
    while live.arena_tick() <= first_tick + 10 {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(60), "the clock does not run");
    }
    live.request(Request::TogglePause);
    let paused_at = live.arena_tick();
    (0..20).for_each(|_| live.frame());
    assert_eq!(live.arena_tick(), paused_at, "paused again");
}

#[test]
fn a_multi_agent_recording_is_replayed() {
    for (scene, agents, side, agent_index) in
        [("slalom", 3, None, 0), ("traffic", 2, None, 0), ("tag", 1, Some("runner"), 1)]
    {
        let mut live = Live::open_in(scene, agents, side);
        live.record(60);
        live.request(Request::KeepEpisode);
        let episode = live.dataset().read(0).expect("the episode is kept");
        let found = (episode.len(), episode.header.agent_index, episode.n_agents());
        assert_eq!(found, (60, agent_index, live.session().spawned.agents.len()), "{scene}");
        let track = resimulate(&find(scene).expect("a shipped scene"), &episode).expect("the snapshot decodes");
        assert_eq!(track.divergences, 0, "{scene}");
    }
}
