//! `apprentice dataset repair`, after a file was lost.

use std::fs;

use super::commands::{apprentice, json, recorded, run};

#[test]
fn the_error_names_the_lost_file_and_repair_brings_the_rest_back() {
    let folder = recorded("slalom", "3");
    let dir = folder.path();
    fs::remove_file(dir.join("demos/data/chunk-000/file-001.parquet")).expect("removes");
    for command in ["info", "check"] {
        let (code, text) = run(&["dataset", command, "demos"], dir);
        assert_eq!(code, Some(1), "{text}");
        for part in ["file-001.parquet", "run `apprentice dataset repair demos`"] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
    let (code, text) = run(&["dataset", "repair", "demos"], dir);
    assert_eq!(code, Some(0), "{text}");
    for part in ["1 episodes are lost; 2 episodes", "lost: episode 1: ", "file-001.parquet", "demos/damaged/1"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let check = json(&apprentice(&["dataset", "check", "demos", "--json"], dir));
    assert_eq!((&check["total_episodes"], &check["diverged_ticks"]), (&2.into(), &0.into()));
    let again = json(&apprentice(&["dataset", "repair", "demos", "--json"], dir));
    assert_eq!((&again["damaged"], &again["total_episodes"]), (&false.into(), &2.into()));
}

#[test]
fn the_text_of_a_built_in_scene_is_restored() {
    let folder = recorded("slalom", "2");
    let dir = folder.path();
    let scene =
        fs::read_dir(dir.join("demos/sim/scenes")).expect("lists").next().expect("a scene").expect("an entry").path();
    let text = fs::read(&scene).expect("reads");
    fs::remove_file(&scene).expect("removes");
    assert_eq!(run(&["dataset", "check", "demos"], dir).0, Some(1));
    let report = json(&apprentice(&["dataset", "repair", "demos", "--json"], dir));
    assert_eq!((&report["lost"], &report["total_episodes"]), (&serde_json::json!([]), &2.into()), "{report}");
    assert_eq!(fs::read(&scene).expect("reads"), text);
    let check = json(&apprentice(&["dataset", "check", "demos", "--json"], dir));
    assert_eq!((&check["total_episodes"], &check["diverged_ticks"]), (&2.into(), &0.into()));
}
