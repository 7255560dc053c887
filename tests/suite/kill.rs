//! The recording program is killed at any moment, again and again, and the dataset loses nothing that it held.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use apprentice::demos::{Dataset, DatasetError, recover};
use apprentice::sim::split_seed;
use serde_json::Value;

const KILLS: u64 = 50;
/// The latest kill after a start, ms.
const LATEST: u64 = 400;

fn apprentice(arguments: &[&str], dataset: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.args(arguments).arg(dataset).env("RUST_LOG", "error").stdin(Stdio::null());
    command
}

fn record(episodes: &str, seed: u64, dataset: &Path) -> Command {
    let seed = seed.to_string();
    let head = ["record", "--scene", "slalom", "--operator", "steady", "--episodes", episodes];
    apprentice(&[&head[..], &["--seed", seed.as_str(), "--json", "--dataset"]].concat(), dataset)
}

fn json(output: &Output) -> Value {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {errors}", output.status);
    serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e} in stdout:\n{text}"))
}

/// Identities of the episodes that are kept.
fn kept(dir: &Path) -> BTreeSet<String> {
    match Dataset::open(dir) {
        Ok(dataset) => dataset.summaries().iter().map(|row| row.recording.clone()).collect(),
        Err(DatasetError::NoDataset { .. }) => BTreeSet::new(),
        Err(error) => panic!("the dataset does not open: {error}"),
    }
}

/// Identities of the recordings of which a journal holds ticks.
fn in_journals(dir: &Path) -> BTreeSet<String> {
    let found = recover(dir.join("journal")).expect("the journals can be listed");
    let whole = found.into_iter().map(|r| r.unwrap_or_else(|e| panic!("a journal that a kill left: {e}")));
    whole.filter(|r| !r.episode.is_empty()).map(|r| r.recording).collect()
}

/// How many episodes the metadata counts at this moment, while the program may be writing.
fn counted(dir: &Path) -> usize {
    let text = std::fs::read(dir.join("meta/info.json")).unwrap_or_default();
    let info: Value = serde_json::from_slice(&text).unwrap_or_default();
    info["total_episodes"].as_u64().unwrap_or(0) as usize
}

#[test]
fn fifty_kills_lose_nothing() {
    let begun = Instant::now();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("demos");
    // What was in the dataset or, whole, in a journal at any time: none of it may ever be missing.
    let mut durable = BTreeSet::new();
    let (mut from_journals, mut before_any_work) = (BTreeSet::new(), 0);
    for kill in 0..KILLS {
        let moment = Duration::from_millis(split_seed(2024, kill) % (LATEST + 1));
        let mut child =
            record("1000", kill, &dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        std::thread::sleep(moment);
        let completed = counted(&dir);
        child.kill().expect("the program can be killed");
        let status = child.wait().expect("the program ends");
        if cfg!(unix) {
            assert_eq!(status.code(), None, "kill {kill}: it came to its end before it was killed");
        }

        let (rows, journals) = (kept(&dir), in_journals(&dir));
        assert!(rows.len() >= completed, "kill {kill}: {} episodes of the {completed} that were kept", rows.len());
        let now: BTreeSet<String> = rows.union(&journals).cloned().collect();
        let lost: Vec<_> = durable.difference(&now).collect();
        assert!(lost.is_empty(), "kill {kill} after {moment:?} lost {} recordings: {lost:?}", lost.len());
        from_journals.extend(journals.difference(&rows).cloned());
        before_any_work += u32::from(now.len() == durable.len());
        durable = now;
    }
    let killing = begun.elapsed();
    let report = json(&record("1", KILLS, &dir).output().expect("the binary runs"));
    assert_eq!(report["episodes"], 1, "after all kills it records: {report}");
    let rows = kept(&dir);
    let lost: Vec<_> = durable.difference(&rows).collect();
    assert!(lost.is_empty(), "the last start did not take in {lost:?}");
    assert_eq!(rows.len(), durable.len() + 1, "each recording is there once, and the last one");
    assert!(!dir.join("journal").exists(), "no journal is left");

    let info = json(&apprentice(&["dataset", "info", "--json"], &dir).output().expect("the binary runs"));
    assert_eq!(info["episodes"], rows.len(), "{info}");
    let check = json(&apprentice(&["dataset", "check", "--json"], &dir).output().expect("the binary runs"));
    assert_eq!(check["diverged"], 0, "{check}");
    assert_eq!(check["episodes"], rows.len(), "{check}");
    println!(
        "{KILLS} kills: {} episodes, {} of them out of journals, {before_any_work} kills before anything \
         new was written; {:.1} s of killing, {:.1} s in all",
        rows.len(),
        from_journals.len(),
        killing.as_secs_f32(),
        begun.elapsed().as_secs_f32()
    );
}
