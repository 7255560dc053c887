//! What a person has made stays until it is saved or discarded: recorded episodes, corrections, policies.

use std::fs;
use std::time::{Duration, Instant};

use apprentice::agents::Driver;
use apprentice::demos::{Dataset, Recorder};
use apprentice::live::{BackgroundTraining, RecordingState, Request};

use crate::testing::live::{Live, names};

/// Put a file where the folder of the datasets belongs: every save fails until it is removed.
fn obstruct(live: &Live, name: &str) -> std::path::PathBuf {
    let path = live.dir.path().join(name);
    fs::create_dir_all(live.dir.path()).expect("a folder");
    fs::write(&path, "not a folder").expect("a file");
    path
}

fn recorded_ticks(live: &Live) -> usize {
    live.app.world().get::<Recorder>(live.session().ego()).map_or(0, Recorder::len)
}

#[test]
fn an_episode_that_cannot_be_saved_stays_until_it_is_saved() {
    let mut live = Live::open();
    let obstacle = obstruct(&live, "datasets");
    live.record(50);
    for _ in 0..2 {
        live.request(Request::KeepEpisode);
        live.assert_error("the episode of 1.7 s is not saved, and is still here");
        assert_eq!((live.session().recording, recorded_ticks(&live)), (RecordingState::Review, 50));
        let reason = live.session().save_error.clone().expect("the reason stays on the screen");
        assert!(reason.contains("datasets"), "{reason}");
    }
    // Nothing but a word of the person takes it away.
    for request in
        [Request::Reset, Request::ToggleRecording, Request::LoadScene("circuit".to_owned()), Request::StepOnce]
    {
        live.request(request);
        assert_eq!((live.session().recording, recorded_ticks(&live)), (RecordingState::Review, 50));
    }
    fs::remove_file(obstacle).expect("the obstacle goes");
    live.request(Request::KeepEpisode);
    assert_eq!((live.lengths(), live.session().recording), (vec![50], RecordingState::Idle));
    assert_eq!(live.session().save_error, None);
    assert!(!live.session().dataset_dir().join("journal").exists());
}

#[test]
fn an_episode_is_saved_while_its_journal_cannot_be_written() {
    let mut live = Live::open();
    live.request(Request::ToggleRecording);
    live.ticks(30);
    // The journal's folder goes away and is a file when the episode is kept.
    let journals = live.session().dataset_dir().join("journal");
    fs::remove_dir_all(&journals).expect("the journal goes");
    fs::write(&journals, "not a folder").expect("a file");
    live.ticks(30);
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths(), [60], "{:?}", live.notice());
}

#[test]
fn an_episode_that_cannot_be_saved_is_discarded_by_word() {
    let mut live = Live::open();
    let obstacle = obstruct(&live, "datasets");
    live.record(20);
    live.request(Request::KeepEpisode);
    live.request(Request::DiscardEpisode);
    assert_eq!((live.session().recording, recorded_ticks(&live)), (RecordingState::Idle, 0));
    assert_eq!(live.session().save_error, None);
    fs::remove_file(obstacle).expect("the obstacle goes");
    live.request(Request::KeepEpisode);
    live.assert_error("nothing is recorded");
    assert!(!live.session().dataset_dir().exists());
}

#[test]
fn another_folder_can_be_chosen() {
    let mut live = Live::open();
    live.record(12);
    live.request(Request::KeepEpisode);
    let first = live.session().dataset_dir();
    let lock = first.join("meta/info.json");
    let info = fs::read(&lock).expect("the dataset's counts");
    fs::write(&lock, "damaged").expect("a file");
    live.record(34);
    live.request(Request::KeepEpisode);
    live.assert_error("still here");
    // A folder that cannot be made changes nothing.
    let file = obstruct(&live, "file");
    live.request(Request::SaveInto(file.join("inside")));
    live.assert_error("choose another");
    assert_eq!((live.session().dataset_dir(), recorded_ticks(&live)), (first.clone(), 34));
    let other = live.dir.path().join("elsewhere");
    live.request(Request::SaveInto(other.clone()));
    assert!(!live.notice().0, "{:?}", live.notice());
    assert_eq!(live.session().dataset_dir(), other.join("datasets/slalom"));
    assert_eq!(live.lengths(), [34], "the episode that waited is saved at once");
    assert_eq!(live.session().recording, RecordingState::Idle);
    live.record(5);
    live.request(Request::KeepEpisode);
    assert_eq!(live.lengths(), [34, 5], "later episodes go there too");
    fs::write(&lock, info).expect("the dataset is whole again");
    let lengths: Vec<usize> = Dataset::open(&first).expect("it opens").summaries().iter().map(|r| r.length).collect();
    assert_eq!(lengths, [12]);
}

#[test]
fn a_policy_that_cannot_be_saved_drives_and_is_saved_later() {
    let mut live = Live::open();
    for _ in 0..2 {
        live.record(60);
        live.request(Request::KeepEpisode);
    }
    live.request(Request::Train);
    wait(&mut live, |training| training.step >= 40 && !training.validation_losses.is_empty());
    // From now on the run's folder cannot be written.
    let run = live.dir.path().join("runs/slalom-1");
    fs::remove_dir_all(&run).expect("the run goes");
    fs::write(&run, "not a folder").expect("a file");
    live.request(Request::StopTraining);
    wait(&mut live, |training| !training.running);
    live.assert_error("its policy is still here");
    assert!(live.session().policy_name.contains("not saved"), "{}", live.session().policy_name);
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Policy);
    live.request(Request::TogglePolicy);
    live.request(Request::Train);
    live.assert_error("save (Enter) or discard (Backspace)");
    live.request(Request::KeepEpisode);
    live.assert_error("not saved");
    // Another scene and back.
    live.request(Request::LoadScene("circuit".to_owned()));
    live.request(Request::LoadScene("slalom".to_owned()));
    assert!(live.session().policy.is_some() && live.session().policy_name.contains("not saved"));
    live.request(Request::SaveInto(live.dir.path().join("elsewhere")));
    assert!(!live.notice().0, "{:?}", live.notice());
    let saved = live.dir.path().join("elsewhere/runs/slalom-1");
    assert_eq!(names(&saved), ["best"]);
    assert_eq!(live.session().policy_name, saved.display().to_string());
    assert!(live.app.world().resource::<BackgroundTraining>().unsaved.is_none());
    live.request(Request::LoadPolicy(saved));
    assert_eq!(live.driver(), Driver::Policy, "{:?}", live.notice());
}

/// Run frames until the training thread has come so far.
fn wait(live: &mut Live, so_far: impl Fn(&BackgroundTraining) -> bool) {
    let start = Instant::now();
    while !so_far(live.app.world().resource::<BackgroundTraining>()) {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(120), "training does not come so far");
        std::thread::sleep(Duration::from_millis(2));
    }
}
