//! Takes of an earlier session that nobody kept or discarded: the next one asks.

use apprentice::live::{RecordingState, Request};

use crate::testing::live::{Live, names};

/// The folder of a session that ended, as by a closed window, during a recording and over one that waited for an answer.
fn left_behind() -> Live {
    let mut dir = None;
    for (ticks, review) in [(45, false), (30, true)] {
        let mut live = match dir.take() {
            Some(dir) => Live::open_at("slalom", 1, None, dir),
            None => Live::open(),
        };
        live.request(Request::DecideLater);
        live.request(Request::ToggleRecording);
        live.ticks(ticks);
        if review {
            live.request(Request::ToggleRecording);
            assert_eq!(live.session().recording, RecordingState::Review);
        }
        let Live { app, dir: folder } = live;
        drop(app);
        dir = Some(folder);
    }
    Live::open_at("slalom", 1, None, dir.expect("two sessions"))
}

#[test]
fn a_take_that_nobody_answered_is_asked_about_and_the_scene_waits() {
    let mut live = left_behind();
    assert_eq!(live.session().episodes, 0, "nothing is kept unasked");
    assert_eq!(live.session().recovered.len(), 2);
    let seconds = live.session().asked_take().expect("a question").seconds();
    assert!((1.0..1.51).contains(&seconds), "{seconds} s of 1.5 s");
    assert!(live.session().is_waiting());
    live.request(Request::StepOnce);
    assert_eq!(live.arena_tick(), 0, "the scene waits for the answer");
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths().len(), 1, "{:?}", live.notice());
    live.request(Request::DiscardEpisode);
    assert_eq!((live.lengths().len(), live.session().recovered.len()), (1, 0));
    assert!(!live.session().dataset_dir().join("journal").exists(), "no journal remains");
    assert!(!live.session().is_waiting());
    live.request(Request::DiscardEpisode);
    live.assert_error("nothing is recorded");
}

#[test]
fn a_take_can_be_decided_about_later_and_one_that_cannot_be_kept_waits() {
    let mut live = left_behind();
    live.request(Request::DecideLater);
    assert!(live.notice().1.contains("2 recovered take(s) wait"), "{:?}", live.notice());
    assert!(!live.session().is_waiting());
    let dir = live.session().dataset_dir();
    assert_eq!(names(&dir.join("journal")).len(), 2, "they are still there");
    // The scene is opened again, and asks again.
    live.request(Request::LoadScene("slalom".to_owned()));
    assert_eq!(live.session().recovered.len(), 2);
    std::fs::write(dir.join("meta"), "not a folder").expect("a file");
    live.request(Request::KeepEpisode);
    live.assert_error("still here");
    assert_eq!(live.session().recovered.len(), 2);
    std::fs::remove_file(dir.join("meta")).expect("the obstacle goes");
    live.request(Request::KeepEpisode);
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths().len(), 2, "{:?}", live.notice());
}
