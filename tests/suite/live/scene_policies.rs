//! Each scene has its policy: after a change of the scene, after a new start, and while training.

use std::fs;
use std::time::{Duration, Instant};

use apprentice::agents::Driver;
use apprentice::live::{BackgroundTraining, Request, newest_policy};
use apprentice::scenes::find;

use crate::testing::live::Live;

/// A session in slalom with a trained policy.
fn trained() -> Live {
    let mut live = Live::open();
    for _ in 0..2 {
        live.record(60);
        live.request(Request::KeepEpisode);
    }
    live.train();
    live
}

#[test]
fn a_scene_keeps_its_policy_while_the_program_runs_and_after_a_new_start() {
    let mut live = trained();
    let name = live.session().policy_name.clone();
    assert!(name.ends_with("slalom-1"), "{name}");
    for scene in ["slalom", "circuit", "slalom"] {
        live.request(Request::LoadScene(scene.to_owned()));
        assert!(!live.notice().0, "{:?}", live.notice());
        let expected = if scene == "slalom" { Driver::Policy } else { Driver::Human };
        assert_eq!(live.driver(), Driver::Human, "nobody hands over unasked");
        live.request(Request::TogglePolicy);
        assert_eq!(live.driver(), expected, "{scene}: {:?}", live.notice());
    }
    assert_eq!(live.session().policy_name, name);

    // A new start finds the newest run, and says so.
    let mut again = Live::open_at("slalom", 1, None, live.dir);
    let (is_error, text) = again.notice();
    assert!(!is_error && text.contains("slalom-1 is loaded; P lets it drive"), "{text:?}");
    again.request(Request::TogglePolicy);
    assert_eq!(again.driver(), Driver::Policy, "{:?}", again.notice());
    // A folder that is no run, and a damaged run, are no obstacle.
    let runs = again.dir.path().join("runs");
    fs::create_dir_all(runs.join("notes")).expect("a folder");
    fs::create_dir_all(runs.join("damaged/best")).expect("a folder");
    fs::write(runs.join("damaged/best/config.json"), "{").expect("a file");
    let newest = |scene: &str| newest_policy(&runs, &find(scene).expect("a shipped scene"), None);
    assert_eq!(newest("slalom"), Some(runs.join("slalom-1")));
    assert_eq!(newest("circuit"), None, "a policy of another scene");
    assert_eq!(newest("courtyard"), None, "a policy of another agent");
    // A newer run is preferred.
    again.train();
    assert_eq!(newest("slalom"), Some(runs.join("slalom-2")));
}

#[test]
fn the_message_without_a_policy_says_what_is_true() {
    let mut live = Live::open();
    live.request(Request::TogglePolicy);
    live.assert_error("record some episodes (R), then train (T)");
    live.record(60);
    live.request(Request::KeepEpisode);
    live.request(Request::TogglePolicy);
    live.assert_error("T trains one on the 1 recorded episodes");
    // One episode has no validation, so that there is no policy before the end.
    live.request(Request::Train);
    let start = Instant::now();
    while live.app.world().resource::<BackgroundTraining>().step == 0 {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(60), "training does not begin");
    }
    live.request(Request::TogglePolicy);
    live.assert_error("the policy is still being trained: step ");
    live.request(Request::LoadScene("circuit".to_owned()));
    live.request(Request::TogglePolicy);
    live.assert_error("there is no policy for circuit yet");
    // The policy of the scene that was left waits there.
    live.request(Request::StopTraining);
    while live.app.world().resource::<BackgroundTraining>().running {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(120), "training does not end");
    }
    assert!(live.session().policy.is_none(), "the policy of slalom does not drive in circuit");
    assert!(live.notice().1.contains("training for slalom stopped"), "{:?}", live.notice());
    live.request(Request::LoadScene("slalom".to_owned()));
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Policy, "{:?}", live.notice());
}

#[test]
fn the_policy_so_far_drives_while_training_goes_on() {
    let mut live = Live::open();
    for _ in 0..3 {
        live.record(60);
        live.request(Request::KeepEpisode);
    }
    live.request(Request::Train);
    let start = Instant::now();
    while live.session().policy.is_none() {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(120), "no policy comes: {:?}", live.notice());
    }
    assert!(live.app.world().resource::<BackgroundTraining>().running, "it comes before the end");
    assert!(live.session().policy_name.contains("in training"), "{}", live.session().policy_name);
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Policy);
    live.request(Request::StopTraining);
    while live.app.world().resource::<BackgroundTraining>().running {
        live.frame();
        assert!(start.elapsed() < Duration::from_secs(120), "training does not end");
    }
    assert!(live.session().policy_name.ends_with("slalom-1"), "{}", live.session().policy_name);
    assert_eq!(live.driver(), Driver::Policy, "the driver does not change");
}
