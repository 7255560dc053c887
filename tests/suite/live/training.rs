//! Training in the app reports what it leaves out of the dataset, and a driving policy what is unlike its training data.

use std::path::Path;
use std::time::{Duration, Instant};

use apprentice::learn::{RunOptions, TrainingData, defaults, train_on_dataset};
use apprentice::live::{BackgroundTraining, Request, Session, SessionOptions, SessionPlugins, SimClock, open_session};
use apprentice::policies::Policy;
use apprentice::rollout::{Demonstrator, Player, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;
use bevy::app::App;

/// A session in `slalom`, whose folder of datasets is `datasets`.
fn open(dir: &Path) -> App {
    let mut app = App::new();
    app.add_plugins(SessionPlugins { threads: 1 });
    app.finish();
    app.cleanup();
    app.world_mut().resource_mut::<SimClock>().pause();
    let options =
        SessionOptions { datasets: dir.join("datasets"), runs: dir.join("runs"), ..SessionOptions::default() };
    open_session(app.world_mut(), find("slalom").expect("a scene"), options);
    app.update();
    app
}

fn request(app: &mut App, request: Request) {
    app.world_mut().write_message(request);
    app.update();
}

/// Three successful demonstrations and a failed one, of an untrained policy, which is returned.
fn record_mixed(dir: &Path) -> Policy {
    let scene = find("slalom").expect("a scene");
    let dataset = dir.join("datasets/slalom");
    let mut seeds = recording_seeds(1);
    let steady = seeds.by_ref().take(3);
    assert_eq!(record(&scene, Skill::Steady, steady, &dataset, &false.into(), |_| {}).unwrap().successes, 3);
    let data = TrainingData::from_dataset(&apprentice::demos::Dataset::open(&dataset).unwrap()).unwrap();
    let mut config = defaults("bc");
    config.training.steps = 1;
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.join("untrained")), &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    let players = vec![Player::Policy(Box::new(policy.clone()))];
    let untrained = Demonstrator { players, name: "untrained".into(), ..Demonstrator::from(Skill::Steady) };
    let failed = record(&scene, untrained, seeds.take(1), &dataset, &false.into(), |_| {}).unwrap();
    assert_eq!((failed.episodes, failed.successes), (1, 0));
    policy
}

#[test]
fn failed_episodes_are_counted_in_the_training_status() {
    let dir = tempfile::tempdir().unwrap();
    record_mixed(dir.path());
    let mut app = open(dir.path());
    request(&mut app, Request::Train);
    let start = Instant::now();
    while app.world().resource::<BackgroundTraining>().running {
        app.update();
        if app.world().resource::<BackgroundTraining>().step >= 20 {
            app.world_mut().write_message(Request::StopTraining);
        }
        assert!(start.elapsed() < Duration::from_secs(120), "training does not end");
        std::thread::sleep(Duration::from_millis(2));
    }
    let messages = &app.world().resource::<BackgroundTraining>().messages;
    assert!(messages.iter().any(|m| m.contains("1 of 4 demonstrations failed and are left out")), "{messages:?}");
}

#[test]
fn what_is_unlike_the_training_data_is_named_while_the_policy_drives() {
    let dir = tempfile::tempdir().unwrap();
    let mut policy = record_mixed(dir.path());
    // As if the course had been seen only 100 m to the side.
    let field = policy.config().observation.range("course_offset").expect("a field").start;
    let normalizer = &mut policy.config_mut().observation_normalizer;
    (normalizer.min[field], normalizer.max[field]) = (100.0, 101.0);
    policy.save(&dir.path().join("elsewhere")).unwrap();
    let mut app = open(dir.path());
    request(&mut app, Request::StepOnce);
    assert!(app.world().resource::<Session>().outside.is_empty(), "a person drives");
    request(&mut app, Request::LoadPolicy(dir.path().join("elsewhere")));
    request(&mut app, Request::StepOnce);
    assert_eq!(app.world().resource::<Session>().outside, ["course_offset"]);
    request(&mut app, Request::TogglePolicy);
    request(&mut app, Request::StepOnce);
    assert!(app.world().resource::<Session>().outside.is_empty());
}
