//! `apprentice dataset delete|trim|split|merge`: after each, the replay is bit-exact.

use std::path::Path;

use serde_json::Value;

use super::commands::{apprentice, json, recorded, run, stderr_text};

fn ok(arguments: &[&str], dir: &Path) -> Value {
    let output = apprentice(&[arguments, &["--json"]].concat(), dir);
    assert!(output.status.success(), "{arguments:?}: {}", stderr_text(&output));
    json(&output)
}

/// Replays the dataset; returns its number of episodes and of ticks.
fn checked(name: &str, dir: &Path) -> (u64, u64) {
    let check = ok(&["dataset", "check", name], dir);
    assert_eq!(check["diverged_ticks"], 0, "{check}");
    (check["total_episodes"].as_u64().expect("a number"), check["total_ticks"].as_u64().expect("a number"))
}

fn lengths(name: &str, dir: &Path) -> Vec<u64> {
    let info = ok(&["dataset", "info", name], dir);
    let episodes = info["episodes"].as_array().expect("an array");
    episodes.iter().map(|episode| episode["length"].as_u64().expect("a number")).collect()
}

#[test]
fn each_edit_leaves_a_dataset_that_replays_bit_for_bit() {
    let folder = recorded("slalom", "6");
    let dir = folder.path();
    let all = lengths("demos", dir);

    let split = ok(&["dataset", "split", "demos", "0,4-5", "--out", "new/some", "--rest", "new/others"], dir);
    assert_eq!(split["written"][0]["total_episodes"], 3);
    assert_eq!(lengths("new/some", dir), [all[0], all[4], all[5]]);
    assert_eq!(lengths("new/others", dir), all[1..4]);
    assert_eq!((checked("new/some", dir).0, checked("new/others", dir).0, checked("demos", dir).0), (3, 3, 6));

    let merged = ok(&["dataset", "merge", "new/others", "new/some", "demos", "--out", "all"], dir);
    assert_eq!((&merged["sources"][2]["added"], &merged["sources"][2]["already_there"]), (&0.into(), &6.into()));
    assert_eq!(lengths("all", dir), [&all[1..4], &[all[0], all[4], all[5]]].concat());
    assert_eq!(checked("all", dir), (6, all.iter().sum()));

    let deleted = ok(&["dataset", "delete", "all", "0,3-4"], dir);
    assert_eq!(deleted["removed"].as_array().expect("an array").len(), 3);
    assert_eq!(lengths("all", dir), [all[2], all[3], all[5]]);
    assert_eq!(checked("all", dir).0, 3);

    let trimmed = ok(&["dataset", "trim", "all", "1-2", "--start", "1s", "--end", "10"], dir);
    assert_eq!((&trimmed["removed_at_start"], &trimmed["removed_at_end"]), (&30.into(), &10.into()));
    assert_eq!(lengths("all", dir), [all[2], all[3] - 40, all[5] - 40]);
    assert_eq!(checked("all", dir), (3, all[2] + all[3] + all[5] - 80));
    // The task is no longer done at the end, so that these two are failures now.
    let removed = ok(&["dataset", "delete", "all", "--failed"], dir);
    assert_eq!((&removed["removed"][0]["success"], &removed["total_episodes"]), (&false.into(), &1.into()));
    assert_eq!(checked("all", dir), (1, all[2]));
}

#[test]
fn the_start_of_every_kind_of_scene_can_be_removed() {
    for scene in ["traffic", "crates", "tag", "relay", "slippery", "playground", "stepping"] {
        let folder = recorded(scene, "1");
        let before = lengths("demos", folder.path())[0];
        ok(&["dataset", "trim", "demos", "0", "--start", "25", "--end", "0.1s"], folder.path());
        assert_eq!(checked("demos", folder.path()), (1, before - 28), "{scene}");
    }
}

#[test]
fn what_is_removed_and_kept_is_printed() {
    let folder = recorded("slalom", "3");
    let dir = folder.path();
    let (code, text) = run(&["dataset", "delete", "demos", "0-1", "--dry-run"], dir);
    assert!(code == Some(0) && text.contains("would remove 2 of 3 episodes"), "{text}");
    assert_eq!(lengths("demos", dir).len(), 3);
    let (code, text) = run(&["dataset", "delete", "demos", "--shorter", "1s"], dir);
    assert!(code == Some(0) && text.contains("removed 0 of 3 episodes"), "{text}");
    let (code, text) = run(&["dataset", "delete", "demos", "1"], dir);
    assert!(code == Some(0) && text.contains("episode 1: ") && text.contains("by steady, successful"), "{text}");
    assert!(text.contains("2 episodes, "), "{text}");
    let (code, text) = run(&["dataset", "trim", "demos", "0", "--end", "5"], dir);
    assert!(code == Some(0) && text.contains("ticks are kept; it is no longer successful"), "{text}");
}

#[test]
fn usage_errors_change_nothing() {
    let folder = recorded("slalom", "2");
    let dir = folder.path();
    assert!(
        apprentice(&["record", "--scene", "stepping", "--episodes", "1", "--dataset", "walk"], dir).status.success()
    );
    for (arguments, part) in [
        (&["delete", "demos"][..], "0-1 are all"),
        (&["delete", "demos", "0-2"], "has episodes 0 to 1, not 2"),
        (&["delete", "demos", "1-0"], "write 0-1"),
        (&["delete", "demos", "one"], "3,7-9"),
        (&["delete", "demos", "0", "--shorter=-2s"], "--shorter"),
        (&["delete", "demos", "--shorter", "infs"], "whole number of ticks"),
        (&["delete", "demos", "0-1"], "no episode would be left"),
        (&["trim", "demos", "0"], "--start"),
        (&["trim", "demos", "0-1", "--end", "1h"], "whole number of ticks"),
        (&["trim", "demos", "0-1", "--start", "100s"], "dataset delete demos 0"),
        (&["split", "demos", "0-1", "--out", "walk"], "exists already"),
        (&["split", "demos", "0-1", "--out", "a", "--rest", "b"], "would be empty"),
        (&["split", "demos", "0", "--out", "a", "--rest", "a"], "same folder"),
        (&["merge", "demos", "--out", "a"], "2"),
        (&["merge", "demos", "walk", "--out", "a"], "the episodes of walk do not fit those of demos: "),
    ] {
        let (code, text) = run(&[&["dataset"][..], arguments].concat(), dir);
        assert!(code == Some(2) && text.contains(part), "{arguments:?}: {code:?} {text}");
    }
    assert_eq!(checked("demos", dir).0, 2);
    let left = std::fs::read_dir(dir).expect("lists").count();
    assert_eq!(left, 2, "nothing but the two datasets");
}
