//! Crash safety: `record` is killed at random moments, and no kept episode is lost, and a fragment is recorded again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use apprentice::demos::{Dataset, DatasetError};
use apprentice::sim::split_seed;
use serde_json::Value;

const KILLS: u64 = 50;
/// The longest time from a start to its kill, ms.
const MAX_DELAY_MS: u64 = 400;

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

/// Recording IDs of the episodes in the dataset.
fn kept(dir: &Path) -> BTreeSet<String> {
    match Dataset::open(dir) {
        Ok(dataset) => dataset.summaries().iter().map(|row| row.recording.clone()).collect(),
        Err(DatasetError::NoDataset { .. }) => BTreeSet::new(),
        Err(error) => panic!("the dataset does not open: {error}"),
    }
}

/// The number of episodes that the metadata counts at this moment, while the program may be writing.
fn committed_episodes(dir: &Path) -> usize {
    let text = std::fs::read(dir.join("meta/info.json")).unwrap_or_default();
    let info: Value = serde_json::from_slice(&text).unwrap_or_default();
    info["total_episodes"].as_u64().unwrap_or(0) as usize
}

#[test]
fn fifty_kills_lose_nothing() {
    let start = Instant::now();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("demos");
    // All recordings that were ever in the dataset: none of them may be missing later.
    let mut durable = BTreeSet::new();
    let mut before_any_work = 0;
    for kill in 0..KILLS {
        let delay = Duration::from_millis(split_seed(2024, kill) % (MAX_DELAY_MS + 1));
        let mut child =
            record("1000", kill, &dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        std::thread::sleep(delay);
        let completed = committed_episodes(&dir);
        child.kill().expect("the program can be killed");
        let status = child.wait().expect("the program ends");
        if cfg!(unix) {
            assert_eq!(status.code(), None, "kill {kill}: the program ended before it was killed");
        }

        let now = kept(&dir);
        assert!(now.len() >= completed, "kill {kill}: {} episodes of the {completed} that were kept", now.len());
        let lost: Vec<_> = durable.difference(&now).collect();
        assert!(lost.is_empty(), "kill {kill} after {delay:?} lost {} recordings: {lost:?}", lost.len());
        before_any_work += u32::from(now.len() == durable.len());
        durable = now;
    }
    let kill_time = start.elapsed();
    let report = json(&record("1", KILLS, &dir).output().expect("the binary runs"));
    assert_eq!(report["episodes"], 1, "after all kills it records: {report}");
    let rows = kept(&dir);
    let lost: Vec<_> = durable.difference(&rows).collect();
    assert!(lost.is_empty(), "the last start lost {lost:?}");
    assert_eq!(rows.len(), durable.len() + 1, "the dataset has each recording once, and the last one");
    assert!(!dir.join("journal").exists() && !dir.join("claims").exists(), "no fragment and no claim is left");
    let dataset = Dataset::open(&dir).expect("opens");
    let seeds: BTreeSet<u64> = dataset.summaries().iter().map(|row| row.seed).collect();
    assert_eq!(seeds.len(), rows.len(), "no seed twice");
    assert!(dataset.summaries().iter().all(|row| row.success), "a fragment is not kept as a failure");

    let info = json(&apprentice(&["dataset", "info", "--json"], &dir).output().expect("the binary runs"));
    assert_eq!(info["total_episodes"], rows.len(), "{info}");
    let check = json(&apprentice(&["dataset", "check", "--json"], &dir).output().expect("the binary runs"));
    assert_eq!(check["diverged_ticks"], 0, "{check}");
    assert_eq!(check["total_episodes"], rows.len(), "{check}");
    println!(
        "{KILLS} kills: {} episodes, {before_any_work} kills before anything new was written; {:.1} s with kills, \
         {:.1} s in total",
        rows.len(),
        kill_time.as_secs_f32(),
        start.elapsed().as_secs_f32()
    );
}
