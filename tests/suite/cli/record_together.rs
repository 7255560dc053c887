//! Several recorders of one dataset: each waits for its turn, and no episode is recorded twice, even if one of them is
//! killed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use apprentice::demos::Dataset;

use super::commands::{apprentice, json, stderr_text};

const EPISODES: usize = 6;

fn record(dir: &Path) -> Child {
    let episodes = EPISODES.to_string();
    Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(["record", "--scene", "slalom", "--episodes", &episodes, "--dataset", "demos"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// The seeds in the dataset.
fn seeds(dir: &Path) -> Vec<u64> {
    let dataset = Dataset::open(dir.join("demos")).expect("opens");
    dataset.summaries().iter().map(|row| row.seed).collect()
}

#[test]
fn four_recorders_of_which_one_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let mut all: Vec<Child> = (0..4).map(|_| record(dir)).collect();
    let start = Instant::now();
    while !dir.join("demos/data/chunk-000/file-001.parquet").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is recorded");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut killed = all.remove(0);
    killed.kill().and_then(|()| killed.wait()).expect("is killed");
    for child in all {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", stderr_text(&output));
    }
    let recorded = seeds(dir);
    let distinct: BTreeSet<u64> = recorded.iter().copied().collect();
    assert_eq!(distinct.len(), recorded.len(), "an episode is there twice: {recorded:?}");
    assert!((3 * EPISODES..=4 * EPISODES).contains(&recorded.len()), "{} episodes", recorded.len());
    assert!(!dir.join("demos/claims").exists() || dir.join("demos/claims").read_dir().expect("lists").count() <= 1);
    // What the killed one had begun is done again.
    let missing = 4 * EPISODES - recorded.len();
    let report = json(&apprentice(
        &["record", "--scene", "slalom", "--episodes", &(missing + 1).to_string(), "--dataset", "demos", "--json"],
        dir,
    ));
    assert_eq!(report["episodes"], missing + 1);
    let expected: BTreeSet<u64> = apprentice::rollout::recording_seeds(0).take(4 * EPISODES + 1).collect();
    assert_eq!(seeds(dir).into_iter().collect::<BTreeSet<u64>>(), expected, "the first seeds, without a hole");
    let check = json(&apprentice(&["dataset", "check", "demos", "--json"], dir));
    assert_eq!((&check["total_episodes"], &check["diverged_ticks"]), (&(4 * EPISODES + 1).into(), &0.into()));
}

#[test]
fn a_recorder_waits_for_its_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    std::fs::create_dir(dir.join("demos")).expect("creates");
    let lock = std::fs::File::create(dir.join("demos/.lock")).expect("creates");
    lock.try_lock().expect("locks");
    let mut child = record(dir);
    std::thread::sleep(Duration::from_secs(5));
    assert!(child.try_wait().expect("can be asked").is_none(), "it has not given up");
    drop(lock);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", stderr_text(&output));
    assert_eq!(seeds(dir).len(), EPISODES);
}
