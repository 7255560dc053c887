//! The name of a scene in a dataset is a name: no file is opened or written by it, and nothing of it moves a terminal.

use std::time::{Duration, Instant};

use apprentice::agents::Driver;
use apprentice::demos::{Dataset, Recorder};
use apprentice::live::SessionOptions;
use apprentice::rollout::{demonstrate, headless_app};
use apprentice::scenes::{file_name, find, find_built_in, spawn_arena};
use apprentice::sim::tick;
use apprentice::teleop::Skill;

use super::commands::{recorded, run};

/// A dataset whose only episode has a scene of this name.
fn named(scene: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut episode = demonstrate(&find("slalom").expect("a built-in scene"), Skill::Steady, 2).expect("drives");
    episode.header.scene = scene.to_owned();
    episode.header.operator = "Ada\u{1b}[2J".to_owned();
    let mut dataset = Dataset::create_or_open(dir.path().join("demos"), &episode.header).expect("creates");
    dataset.append(&episode).expect("appends");
    dir
}

#[test]
#[cfg(unix)]
fn a_pipe_that_a_dataset_names_is_not_opened() {
    let dir = named("/tmp/x");
    let pipe = dir.path().join("pipe.ron");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let dir = named(&pipe.display().to_string());
    let start = Instant::now();
    let (code, text) = run(&["dataset", "check", "demos"], dir.path());
    assert!(code == Some(0) && text.contains("1 episodes"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(60));
    assert!(find_built_in("pipe.ron").is_none() && find_built_in("slalom").is_some());
}

#[test]
fn terminal_escapes_in_a_dataset_are_not_printed() {
    let dir = named("slalom\u{1b}]0;owned\u{7}\u{9b}2J");
    for arguments in
        [&["dataset", "info", "demos"][..], &["dataset", "check", "demos"], &["dataset", "replay", "demos", "0"]]
    {
        let (code, text) = run(arguments, dir.path());
        assert_eq!(code, Some(0), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{arguments:?}: {text:?}");
    }
    let (_, text) = run(&["eval", "--scene", "\u{1b}[31mslalom", "--policy", "none"], dir.path());
    assert!(text.contains("slalom") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn names_become_file_names_inside_their_folder() {
    for plain in ["slalom", "my track", "Größe-2", "a.b"] {
        assert_eq!(file_name(plain), plain);
    }
    let long = "x".repeat(230);
    let odd = ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\\b", ".hidden", "a\nb", "C:x", "a ", &long];
    for name in odd {
        let changed = file_name(name);
        assert!(
            changed.len() < 100 && !changed.contains(['/', '\\', ':', '\n']) && !changed.starts_with('.'),
            "{changed:?}"
        );
    }
    let distinct: std::collections::BTreeSet<String> = odd.iter().map(|name| file_name(name)).collect();
    assert_eq!(distinct.len(), odd.len(), "different names stay different");
    assert_eq!(SessionOptions::default().datasets.join(file_name("../x")).components().count(), 2);
}

#[test]
fn a_scene_of_any_name_is_recorded_into_the_journals_folder() {
    for name in ["x".repeat(230), "../../outside".to_owned(), "a/b\n".to_owned()] {
        let dir = tempfile::tempdir().expect("a folder");
        let journals = dir.path().join("demos/journal");
        let mut scene = find("slalom").expect("a built-in scene");
        scene.name = name;
        let mut app = headless_app(1);
        let world = app.world_mut();
        let spawned = spawn_arena(world, &scene, 1, Driver::Human);
        world.entity_mut(spawned.agents[0]).insert(Recorder::with_journal("Ada", &journals));
        (0..20).for_each(|_| tick(world));
        let mut recorder = world.entity_mut(spawned.agents[0]).take::<Recorder>().expect("is there");
        assert!(recorder.take_error().is_none());
        assert_eq!(journals.read_dir().expect("lists").count(), 1);
        recorder.discard().expect("discards");
        assert_eq!(dir.path().read_dir().expect("lists").count(), 1, "nothing is beside the dataset");
    }
}

#[test]
fn a_take_over_of_a_replayed_episode_is_recorded_inside_the_datasets_folder() {
    let dir = recorded("slalom", "1");
    let options = SessionOptions { datasets: dir.path().join("datasets"), ..SessionOptions::default() };
    let mut scene = find("slalom").expect("a built-in scene");
    scene.name = "../../outside".to_owned();
    let mut app = bevy::app::App::new();
    app.add_plugins(apprentice::live::SessionPlugins { threads: 1 });
    app.finish();
    app.cleanup();
    apprentice::live::open_session(app.world_mut(), scene, options);
    let session = app.world().resource::<apprentice::live::Session>();
    assert_eq!(session.dataset_dir().parent(), Some(&*dir.path().join("datasets")));
}
