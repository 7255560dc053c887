//! The scene stands still while the person decides: over a recorded episode, behind a list.

use std::time::{Duration, Instant};

use apprentice::demos::Recorder;
use apprentice::live::{RecordingState, Request, Session};
use apprentice::tasks::Score;
use bevy::input::ButtonState;
use bevy::input::keyboard::KeyCode;

use crate::testing::live::Live;

/// Run frames in real time, and return the number of ticks that they ran.
fn ticks_in_real_time(live: &mut Live, time: Duration) -> u64 {
    let before = live.arena_tick();
    let start = Instant::now();
    while start.elapsed() < time {
        live.frame();
        std::thread::sleep(Duration::from_millis(5));
    }
    live.arena_tick() - before
}

#[test]
fn the_scene_stands_still_after_a_recorded_episode() {
    let mut live = Live::open_in("fork", 1, None);
    live.request(Request::ToggleRecording);
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.request(Request::TogglePause);
    // At full throttle the episode ends, at the post, past it or at the time limit.
    live.request(Request::SetRelativeSpeed(4.0));
    let start = Instant::now();
    while live.session().recording == RecordingState::Recording {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(120), "the episode does not end");
        std::thread::sleep(Duration::from_millis(40));
    }
    let ego = live.session().ego();
    let recorded = live.app.world().get::<Recorder>(ego).map_or(0, Recorder::len);
    assert_eq!(live.arena_tick(), recorded as u64, "no tick has run after the last one of the episode");
    assert_eq!(ticks_in_real_time(&mut live, Duration::from_millis(300)), 0);
    live.request(Request::StepOnce);
    live.request(Request::TogglePause);
    assert_eq!(live.arena_tick(), recorded as u64, "nor a single step");
    live.request(Request::SetRelativeSpeed(1.0));
    live.request(Request::KeepEpisode);
    // The next episode begins with the next tick.
    let start = Instant::now();
    while live.arena_tick() >= recorded as u64 {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(10), "no episode begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(ticks_in_real_time(&mut live, Duration::from_millis(300)) < 30, "the next episode begins at its start");
    assert!(live.arena_tick() > 0 && live.arena_tick() < 60, "tick {}", live.arena_tick());
}

#[test]
fn the_episode_s_time_does_not_run_behind_a_list() {
    let mut live = Live::open();
    live.ticks(5);
    live.request(Request::TogglePause);
    live.world().resource_mut::<Session>().covered = true;
    live.frame();
    assert_eq!(ticks_in_real_time(&mut live, Duration::from_millis(300)), 0);
    let ego = live.session().ego();
    let time = |live: &Live| live.app.world().get::<Score>(ego).expect("a score").ticks;
    let before = time(&live);
    live.world().resource_mut::<Session>().covered = false;
    live.frame();
    assert!(live.arena_tick() <= 8 + 5, "the time behind the list is not caught up: tick {}", live.arena_tick());
    assert!(ticks_in_real_time(&mut live, Duration::from_millis(300)) > 0, "and goes on after it");
    assert!(time(&live) > before);
}

#[test]
fn a_recording_without_a_tick_is_no_recording() {
    let mut live = Live::open();
    live.ticks(3);
    // All in one frame, as with a slow picture.
    for request in [Request::ToggleRecording, Request::ToggleRecording] {
        live.world().write_message(request);
    }
    live.frame();
    live.assert_error("nothing was recorded");
    assert_eq!(live.session().recording, RecordingState::Idle);
    live.request(Request::KeepEpisode);
    live.assert_error("nothing is recorded; R begins an episode");
    // Recorded, ended and kept in one frame, after a tick.
    live.request(Request::ToggleRecording);
    live.ticks(2);
    for request in [Request::ToggleRecording, Request::KeepEpisode] {
        live.world().write_message(request);
    }
    live.frame();
    assert_eq!(live.lengths(), [2]);
    assert!(live.notice().1.contains("kept as episode 0; 1 in"), "{:?}", live.notice());
    assert!(live.notice().1.contains("0 succeeded"), "{:?}", live.notice());
}
