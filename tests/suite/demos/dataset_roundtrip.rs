//! Datasets on disk: episodes are read back bit for bit; after damage or a crash, reading gives an error or the previous
//! dataset, never a panic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use apprentice::demos::{Dataset, DatasetError, Episode, EpisodeHeader, Tick};
use apprentice::spaces::{Field, Layout};
use proptest::prelude::*;

pub fn header(observations: usize, actions: usize, terms: &[&str]) -> EpisodeHeader {
    EpisodeHeader {
        scene: "circuit".to_owned(),
        scene_hash: 0xfeed_0000_0000_0001,
        scene_text: "(name: \"circuit\")".to_owned(),
        seed: u64::MAX - 3,
        agent: "vehicle".to_owned(),
        operator: "Ada".to_owned(),
        task: "drive a lap of the circuit".to_owned(),
        control_dt: 1.0 / 30.0,
        observation: Layout::new("vehicle/observation", vec![Field::new("sensor", observations, "m", -1e9, 1e9)]),
        action: Layout::new("vehicle/action", vec![Field::new("steer", actions, "1", -1.0, 1.0)]),
        terms: terms.iter().map(|t| (*t).to_owned()).collect(),
        agent_index: 0,
        other_act_dim: 0,
        lead_in: Vec::new(),
        snapshot: vec![1, 2, 3, 255],
    }
}

/// An episode with pseudo-random values (xorshift), seeded by `seed`.
pub fn episode(header: EpisodeHeader, ticks: usize, seed: u64) -> Episode {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut value = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 1e4 - 800.0
    };
    let (o, a, t) = (header.observation.size(), header.action.size(), header.terms.len());
    let other_act_dim = header.other_act_dim;
    let mut episode = Episode::new(header);
    for i in 0..ticks {
        let observation: Vec<f32> = (0..o).map(|_| value()).collect();
        let action: Vec<f32> = (0..a).map(|_| value()).collect();
        let terms: Vec<f32> = (0..t).map(|_| value()).collect();
        let other_actions: Vec<f32> = (0..other_act_dim).map(|_| value()).collect();
        let tick = Tick {
            observation: &observation,
            action: &action,
            other_actions: &other_actions,
            reward: value(),
            terms: &terms,
            done: i + 1 == ticks,
            success: i + 1 == ticks && seed.is_multiple_of(2),
            intervention: i % 3 == 0,
            state_hash: u64::MAX - i as u64 * 1000,
        };
        episode.push(tick).expect("the tick fits");
    }
    episode
}

/// All files under `dir`, by their relative paths.
pub fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("lists") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(dir).expect("inside").to_path_buf(), fs::read(&path).expect("reads"));
            }
        }
    }
    found
}

pub fn write_files(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("creates");
        fs::write(path, bytes).expect("writes");
    }
}

pub fn dataset_of(dir: &Path, episodes: &[Episode]) -> Dataset {
    let mut dataset = Dataset::create_or_open(dir, &episodes[0].header).expect("opens");
    for (i, episode) in episodes.iter().enumerate() {
        assert_eq!(dataset.append(episode).expect("appends"), i);
    }
    dataset
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn appended_episodes_are_read_back(
        observations in 1usize..9,
        actions in 1usize..4,
        terms in 0usize..3,
        lengths in prop::collection::vec(1usize..40, 1..5),
        fps in prop::sample::select(vec![10.0f32, 30.0, 50.0, 60.0]),
        snapshot in prop::collection::vec(any::<u8>(), 0..200),
        (agent_index, other_agents) in (1usize..4).prop_flat_map(|others| (0..=others, Just(others))),
        reopen in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut header = header(observations, actions, &["progress", "comfort"][..terms.min(2)]);
        header.control_dt = 1.0 / fps;
        header.snapshot = snapshot;
        let mut written = Vec::new();
        let mut dataset = Dataset::create_or_open(dir.path(), &header).expect("opens");
        for (i, ticks) in lengths.iter().enumerate() {
            header.task = format!("task {}", i % 2);
            header.seed = u64::MAX / 7 * i as u64;
            // Multi-agent and single-agent episodes alternate.
            (header.agent_index, header.other_act_dim) =
                if i % 2 == 0 { (agent_index, other_agents * actions) } else { (0, 0) };
            let episode = episode(header.clone(), *ticks, i as u64 + 1);
            if reopen {
                drop(dataset);
                dataset = Dataset::create_or_open(dir.path(), &header).expect("opens again");
            }
            prop_assert_eq!(dataset.append(&episode).expect("appends"), i);
            written.push(episode);
        }
        drop(dataset);
        let dataset = Dataset::open(dir.path()).expect("opens");
        prop_assert_eq!(&dataset.read_all().expect("reads"), &written);
        prop_assert_eq!(dataset.total_ticks(), lengths.iter().sum::<usize>());
        let columns = dataset.columns().expect("reads");
        prop_assert_eq!(columns.observations, written.iter().flat_map(|e| e.observations.clone()).collect::<Vec<_>>());
        prop_assert_eq!(columns.actions, written.iter().flat_map(|e| e.actions.clone()).collect::<Vec<_>>());
        prop_assert_eq!(columns.interventions, written.iter().flat_map(|e| e.interventions.clone()).collect::<Vec<_>>());
        prop_assert_eq!(columns.successes, written.iter().flat_map(|e| e.successes.clone()).collect::<Vec<_>>());
        let starts: Vec<usize> = lengths.iter().scan(0, |next, n| { *next += n; Some(*next - n) }).collect();
        prop_assert_eq!(columns.episode_starts, starts);
        for (summary, episode) in dataset.summaries().iter().zip(&written) {
            prop_assert_eq!(summary.length, episode.len());
            prop_assert_eq!(summary.success, episode.succeeded());
            prop_assert_eq!(summary.total_reward, episode.total_reward());
            prop_assert_eq!(summary.seed, episode.header.seed);
            prop_assert_eq!(&summary.task, &episode.header.task);
        }
    }

    #[test]
    fn a_truncated_file_is_an_error(cut in 0.0f64..1.0, flip in any::<bool>(), bit in 0u8..8) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let episodes: Vec<_> = (1..4).map(|i| episode(header(4, 2, &["progress"]), 12, i)).collect();
        drop(dataset_of(dir.path(), &episodes));
        for (path, bytes) in files(dir.path()) {
            let target = dir.path().join(&path);
            let at = (bytes.len() as f64 * cut) as usize;
            if bytes.is_empty() || path.ends_with(".lock") {
                continue;
            }
            let mut damaged = bytes.clone();
            if flip {
                damaged[at] ^= 1 << bit;
            } else {
                damaged.truncate(at);
            }
            fs::write(&target, damaged).expect("writes");
            let read = Dataset::open(dir.path()).and_then(|d| Ok((d.read_all()?, d.columns()?)));
            // A flipped bit can leave valid metadata (another letter in a name); a truncated file is always invalid.
            if !flip {
                prop_assert!(read.is_err(), "{} truncated to {at} of {} bytes", path.display(), bytes.len());
            }
            if let Err(error) = read {
                let text = error.to_string();
                prop_assert!(text.contains(';') || text.contains('\n'), "no remedy: {text}");
            }
            fs::write(&target, bytes).expect("writes");
        }
        prop_assert_eq!(Dataset::open(dir.path()).expect("opens").read_all().expect("reads"), episodes);
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().expect("temporary folder");
    drop(dataset_of(dir.path(), &[episode(header(4, 2, &["progress"]), 12, 1)]));
    for (path, bytes) in files(dir.path()) {
        if path.ends_with(".lock") {
            continue;
        }
        let target = dir.path().join(&path);
        fs::remove_file(&target).expect("removes");
        let error = Dataset::open(dir.path()).and_then(|d| d.read_all()).expect_err("must not read").to_string();
        assert!(error.contains(path.file_name().and_then(|n| n.to_str()).expect("name")), "{error}");
        fs::write(&target, bytes).expect("writes");
    }
}

/// The order in which an append writes the files; `meta/info.json` is the last.
const WRITE_ORDER: [&str; 7] =
    ["data/", "sim/scenes/", ".snapshot", "sim/episode-", "meta/tasks", "meta/episodes/", "meta/stats"];

/// Check that after a crash in an append the dataset reads as before, and that the next append succeeds. The crashes
/// leave every subset of the append's files on disk; with `in_order` only the prefixes of the write order.
fn check_every_crash(before_count: usize, in_order: bool) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut episodes: Vec<_> =
        (0..before_count as u64).map(|i| episode(header(3, 2, &["progress"]), 5, i + 1)).collect();
    let mut next = episode(header(3, 2, &["progress"]), 7, 77);
    next.header.task = "another task".to_owned();
    next.header.scene_hash = 9;
    next.header.scene_text = "another scene".to_owned();
    let mut dataset = Dataset::create_or_open(dir.path(), &next.header).expect("opens");
    for episode in &episodes {
        dataset.append(episode).expect("appends");
    }
    let before = files(dir.path());
    dataset.append(&next).expect("appends");
    drop(dataset);
    let after = files(dir.path());
    let mut changed: Vec<&PathBuf> =
        after.keys().filter(|p| before.get(*p) != after.get(*p) && !p.ends_with("info.json")).collect();
    let order = |path: &&PathBuf| WRITE_ORDER.iter().position(|part| path.to_string_lossy().contains(part));
    changed.sort_by_key(order);
    assert_eq!(changed.iter().map(order).collect::<Vec<_>>(), (0..7).map(Some).collect::<Vec<_>>(), "{changed:?}");
    episodes.push(next.clone());
    for subset in (0..1u32 << changed.len()).filter(|subset| !in_order || (subset + 1).is_power_of_two()) {
        let crashed = tempfile::tempdir().expect("temporary folder");
        write_files(crashed.path(), &before);
        for (i, path) in changed.iter().enumerate() {
            let target = crashed.path().join(path);
            if subset >> i & 1 == 1 {
                fs::create_dir_all(target.parent().expect("has a folder")).expect("creates");
                fs::write(&target, &after[*path]).expect("writes");
            } else if let Some(folder) = target.parent().filter(|f| f.exists()) {
                let name = path.file_name().and_then(|n| n.to_str()).expect("name");
                fs::write(folder.join(format!("{name}.partial")), b"half").expect("writes");
            }
        }
        let old = Dataset::open(crashed.path()).unwrap_or_else(|e| panic!("subset {subset:b}: {e}"));
        assert_eq!(old.read_all().expect("reads"), episodes[..before_count], "subset {subset:b}");
        drop(old);
        let mut writer = Dataset::create_or_open(crashed.path(), &next.header).expect("opens for writing");
        let repaired = files(crashed.path());
        for name in ["meta/info.json", "data/chunk-000/file-000.parquet"] {
            assert_eq!(repaired.get(Path::new(name)), before.get(Path::new(name)), "subset {subset:b}: {name}");
        }
        assert!(repaired.keys().all(|p| p.extension().is_none_or(|e| e != "partial")), "subset {subset:b}");
        writer.append(&next).expect("appends");
        drop(writer);
        assert_eq!(Dataset::open(crashed.path()).expect("opens").read_all().expect("reads"), episodes);
        let stats = |files: &BTreeMap<PathBuf, Vec<u8>>| -> serde_json::Value {
            serde_json::from_slice(&files[Path::new("meta/stats.json")]).expect("is JSON")
        };
        let (found, expected) = (stats(&files(crashed.path())), stats(&after));
        assert_eq!(found["action"]["count"], expected["action"]["count"]);
        assert_eq!(found["action"]["max"], expected["action"]["max"]);
    }
}

#[test]
fn a_crash_in_the_first_append_leaves_the_empty_dataset() {
    check_every_crash(0, false);
}

#[test]
fn a_crash_in_a_later_append_leaves_the_previous_dataset() {
    check_every_crash(2, false);
}

#[test]
fn a_crash_in_the_first_append_to_a_new_metadata_file_leaves_the_previous_dataset() {
    check_every_crash(50, true);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let one = episode(header(3, 2, &[]), 5, 1);
    let mut first = dataset_of(dir.path(), std::slice::from_ref(&one));
    let error = Dataset::create_or_open(dir.path(), &one.header).expect_err("must be refused");
    assert!(matches!(&error, DatasetError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    let mut reader = Dataset::open(dir.path()).expect("reads beside the writer");
    assert!(matches!(reader.append(&one), Err(DatasetError::Locked { .. })));
    first.append(&one).expect("appends");
    assert_eq!(reader.len(), 1);
    reader.reload().expect("reloads");
    assert_eq!(reader.len(), 2);
    drop(first);
    assert_eq!(reader.append(&one).expect("the lock is free"), 2);
}

#[test]
fn an_episode_of_another_agent_is_refused_with_the_differences() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut dataset = dataset_of(dir.path(), &[episode(header(3, 2, &["progress"]), 5, 1)]);
    let before = files(dir.path());
    let mut other = header(4, 2, &["comfort"]);
    other.control_dt = 1.0 / 60.0;
    let error = dataset.append(&episode(other, 5, 1)).expect_err("must be refused").to_string();
    for part in ["sensor[3]", "sensor[4]", "control_dt", "comfort", "another dataset folder"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    let mut conflict = episode(header(3, 2, &["progress"]), 5, 1);
    conflict.header.scene_text = "other text".to_owned();
    assert!(matches!(dataset.append(&conflict), Err(DatasetError::SceneConflict { .. })));
    dataset.append(&episode(header(3, 2, &["progress"]), 5, 1)).expect("a matching episode is still appended");
    assert_eq!(before.len() + 3, files(dir.path()).len());
}

#[test]
fn a_value_that_is_not_finite_is_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut bad = episode(header(3, 2, &["progress"]), 5, 1);
    let mut dataset = Dataset::create_or_open(dir.path(), &bad.header).expect("opens");
    bad.observations[3 * 2 + 1] = f32::NAN;
    bad.rewards[4] = f32::INFINITY;
    let error = dataset.append(&bad).expect_err("must be refused").to_string();
    assert!(error.contains("tick 2") && error.contains("sensor.1") && error.contains("NaN"), "{error}");
    bad.dones.pop();
    assert!(matches!(dataset.append(&bad), Err(DatasetError::Episode { .. })));
    assert!(matches!(dataset.append(&Episode::new(bad.header)), Err(DatasetError::Episode { .. })));
    assert!(matches!(dataset.read(0), Err(DatasetError::NoEpisode { .. })));
    assert!(dataset.is_empty());
}

#[test]
fn invalid_paths_and_headers_give_errors() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert!(matches!(Dataset::open(dir.path()), Err(DatasetError::NoDataset { .. })));
    let file = dir.path().join("file");
    fs::write(&file, b"not a folder").expect("writes");
    let error = Dataset::create_or_open(&file, &header(3, 2, &[])).expect_err("must be refused");
    assert!(matches!(&error, DatasetError::Io { .. }), "{error}");
    let mut zero = header(3, 2, &[]);
    zero.control_dt = 0.0301;
    assert!(matches!(Dataset::create_or_open(dir.path().join("d"), &zero), Err(DatasetError::Header { .. })));
}

#[test]
fn stats_cover_all_ticks() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let episodes: Vec<_> = (1..6).map(|i| episode(header(3, 2, &["progress"]), 10 * i as usize, i)).collect();
    drop(dataset_of(dir.path(), &episodes));
    let text = fs::read(dir.path().join("meta/stats.json")).expect("reads");
    let stats: serde_json::Value = serde_json::from_slice(&text).expect("is JSON");
    for dim in 0..3 {
        let values: Vec<f64> =
            episodes.iter().flat_map(|e| e.observations.iter().skip(dim).step_by(3)).map(|v| f64::from(*v)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        let found = |stat: &str| stats["observation.state"][stat][dim].as_f64().expect("is a number");
        assert!((found("mean") - mean).abs() < 1e-9 && (found("std") - std).abs() < 1e-9);
        assert_eq!(found("min"), values.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(found("max"), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        assert!(found("q01") < found("q10") && found("q10") < found("q50") && found("q90") < found("q99"));
    }
    assert_eq!(stats["action"]["count"][0], 150);
}
