//! `apprentice dataset recovered`: a take that nobody answered waits, whatever else is recorded, until it is kept or
//! discarded.

use std::path::Path;

use apprentice::demos::{Episode, JournalWriter};
use apprentice::rollout::demonstrate;
use apprentice::scenes::find;
use apprentice::teleop::Skill;
use serde_json::Value;

use super::commands::{apprentice, json, recorded, run, stderr_text};

fn ok(arguments: &[&str], dir: &Path) -> Value {
    let output = apprentice(&[arguments, &["--json"]].concat(), dir);
    assert!(output.status.success(), "{arguments:?}: {}", stderr_text(&output));
    json(&output)
}

/// Leave a take of the first `ticks` ticks of a drive beside the dataset `demos`, as a closed window does.
fn leave_take(dir: &Path, seed: u64, ticks: usize) -> Episode {
    let episode = demonstrate(&find("slalom").expect("a built-in scene"), Skill::Hasty, seed).expect("drives");
    let path = dir.join(format!("demos/journal/{seed}.journal"));
    let mut journal = JournalWriter::create(path, &episode.header).expect("creates");
    (0..ticks).for_each(|i| journal.push(episode.tick(i).expect("a tick")).expect("pushes"));
    drop(journal);
    episode.slice(0..ticks)
}

#[test]
fn a_take_waits_until_it_is_kept_or_discarded() {
    let folder = recorded("slalom", "1");
    let dir = folder.path();
    for (seed, ticks) in [(10, 150), (12, 60), (14, 30), (16, 45)] {
        leave_take(dir, seed, ticks);
    }
    let list = ok(&["dataset", "recovered", "demos"], dir);
    assert_eq!(
        (&list["waiting"], &list["takes"][1]["length"], &list["takes"][1]["take"]),
        (&4.into(), &60.into(), &1.into())
    );
    let (code, text) = run(&["dataset", "recovered", "demos"], dir);
    assert!(code == Some(0) && text.contains("take 0: 5.0 s of slalom by hasty, not successful"), "{text}");

    // Neither another recording nor a check appends it.
    let train = ["train", "bc", "--dataset", "demos", "--run", "r", "--set", "training.steps=20"];
    ok(&train, dir);
    let resume = ["train", "bc", "--dataset", "demos", "--run", "r", "--resume"];
    ok(&resume, dir);
    assert_eq!(ok(&["dataset", "check", "demos"], dir)["total_episodes"], 1);
    let record = ok(&["record", "--scene", "slalom", "--episodes", "1", "--dataset", "demos"], dir);
    assert_eq!((&record["recovered_episodes"], &record["waiting_takes"]), (&0.into(), &4.into()));
    assert_eq!(ok(&["dataset", "info", "demos"], dir)["total_episodes"], 2);

    for (arguments, message) in [
        (&["--keep", "4"][..], "0 to 3"),
        (&["--keep", "2-1"], "write 1-2"),
        (&["--discard", "x"], "ranges"),
        (&["--keep", "0-2", "--discard", "2"], "take 2"),
    ] {
        let (code, text) = run(&[&["dataset", "recovered", "demos"][..], arguments].concat(), dir);
        assert!(code == Some(2) && text.contains(message), "{arguments:?}: {text}");
    }
    let answered = ok(&["dataset", "recovered", "demos", "--keep", "1,3", "--discard", "0"], dir);
    assert_eq!(answered["kept_as"], serde_json::json!([2, 3]));
    assert_eq!(answered["waiting"], 1);
    let check = ok(&["dataset", "check", "demos"], dir);
    assert_eq!((&check["total_episodes"], &check["diverged_ticks"]), (&4.into(), &0.into()));
    assert_eq!(ok(&["dataset", "recovered", "demos", "--discard", "all"], dir)["waiting"], 0);
    assert!(!dir.join("demos/journal").exists());
    let (code, text) = run(&["dataset", "recovered", "demos"], dir);
    assert!(code == Some(0) && text.contains("no recovered take waits"), "{text}");
}

#[test]
fn a_take_is_kept_where_there_is_no_dataset_yet() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let (code, text) = run(&["dataset", "recovered", "demos"], dir);
    assert!(code == Some(2) && text.contains("holds no dataset"), "{text}");
    let episode = leave_take(dir, 8, 70);
    assert_eq!(ok(&["dataset", "recovered", "demos", "--keep", "all"], dir)["kept_as"], serde_json::json!([0]));
    assert_eq!(apprentice::demos::Dataset::open(dir.join("demos")).and_then(|d| d.read(0)).expect("reads"), episode);
    assert_eq!(ok(&["dataset", "check", "demos"], dir)["diverged_ticks"], 0);
}

#[test]
fn a_damaged_take_is_kept_on_both_sides_of_the_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    leave_take(dir, 8, 90);
    let path = dir.join("demos/journal/8.journal");
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() - 30 * (bytes.len() / 400);
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    let list = ok(&["dataset", "recovered", "demos"], dir);
    assert_eq!((&list["takes"][0]["length"], &list["takes"][0]["lost_ticks"]), (&89.into(), &1.into()), "{list}");
    let (code, text) = run(&["dataset", "recovered", "demos", "--keep", "0"], dir);
    assert!(code == Some(0) && text.contains("89 ticks are recovered, 1"), "{text}");
    // What cannot be compared is no divergence.
    let check = ok(&["dataset", "check", "demos"], dir);
    assert_eq!((&check["total_ticks"], &check["diverged_ticks"]), (&89.into(), &0.into()));
    assert!(dir.join("demos/journal/8.damaged").exists());
}
