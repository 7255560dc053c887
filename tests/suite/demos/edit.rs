//! Editing a dataset in place: what stays is what a new dataset of the same episodes would be, and an error changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use apprentice::demos::{Dataset, DatasetError, Episode, NewDataset};
use proptest::prelude::*;

use super::dataset_roundtrip::{dataset_of, episode, files, header};

/// The files of a dataset without its lock and the texts of its scenes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(dir);
    found.retain(|path, _| !path.ends_with(".lock") && !path.starts_with("sim/scenes"));
    found
}

/// The files of a new dataset of these recordings.
fn contents_of(episodes: &[(Episode, String)]) -> BTreeMap<PathBuf, Vec<u8>> {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut dataset = Dataset::create_or_open(dir.path(), &episodes[0].0.header).expect("opens");
    for (episode, recording) in episodes {
        dataset.append_recording(episode, recording).expect("appends");
    }
    contents(dir.path())
}

/// The episodes of a dataset with the IDs of their recordings.
fn recordings(dataset: &Dataset) -> Vec<(Episode, String)> {
    let ids = dataset.summaries().iter().map(|row| row.recording.clone());
    dataset.read_all().expect("reads").into_iter().zip(ids).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_dataset_is_that_of_the_remaining_episodes(
        episodes in prop::collection::vec((2usize..30, 0usize..3, any::<bool>(), 0u8..3), 1..9),
    ) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let written: Vec<Episode> = episodes.iter().enumerate().map(|(i, (ticks, task, multi_agent, _))| {
            let mut header = header(4, 2, &["progress"]);
            header.task = format!("task {task}");
            header.seed = i as u64;
            (header.agent_index, header.other_act_dim) = if *multi_agent { (1, 4) } else { (0, 0) };
            episode(header, *ticks, i as u64 + 1)
        }).collect();
        let mut dataset = dataset_of(dir.path(), &written);
        let before = recordings(&dataset);
        let fate = |fate: u8| (0..episodes.len()).filter(|i| episodes[*i].3 == fate).collect::<BTreeSet<_>>();
        // First some episodes are cut to half their length, then some are removed.
        let (cut, removed) = (fate(1), fate(2));
        dataset.replace(&cut, |_, episode| Ok::<_, DatasetError>(episode.slice(0..episode.len() / 2))).expect("replaces");
        let halved: Vec<_> = before.into_iter().enumerate().map(|(i, (episode, recording))| {
            let half = episode.slice(0..episode.len() / 2);
            (if cut.contains(&i) { half } else { episode }, recording)
        }).collect();
        prop_assert_eq!(&recordings(&dataset), &halved);
        prop_assert_eq!(&contents(dir.path()), &contents_of(&halved));
        if removed.len() == episodes.len() {
            let refused = matches!(dataset.delete(&removed), Err(DatasetError::NoneLeft { .. }));
            prop_assert!(refused);
            prop_assert_eq!(&contents(dir.path()), &contents_of(&halved));
        } else {
            dataset.delete(&removed).expect("deletes");
            let left: Vec<_> = halved.into_iter().enumerate().filter(|(i, _)| !removed.contains(i)).map(|(_, e)| e).collect();
            prop_assert_eq!(&recordings(&dataset), &left);
            prop_assert_eq!(&contents(dir.path()), &contents_of(&left));
            // The same handle appends, and a new one reads it.
            dataset.append(&written[0]).expect("appends");
            drop(dataset);
            prop_assert_eq!(Dataset::open(dir.path()).expect("opens").len(), left.len() + 1);
        }
    }
}

#[test]
fn deleting_episodes_of_several_metadata_files_removes_those_that_become_empty() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let episodes: Vec<_> = (0..104).map(|i| episode(header(2, 1, &[]), 2, i + 1)).collect();
    let mut dataset = dataset_of(dir.path(), &episodes);
    let before = recordings(&dataset);
    dataset.delete(&(10..70).collect()).expect("deletes");
    let left = [&before[..10], &before[70..]].concat();
    assert_eq!(contents(dir.path()), contents_of(&left));
}

#[test]
fn an_error_changes_nothing_and_leaves_no_file() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let episodes: Vec<_> = (1..5).map(|i| episode(header(3, 2, &["progress"]), 9, i)).collect();
    let mut dataset = dataset_of(dir.path(), &episodes);
    let before = files(dir.path());
    let error = dataset.replace(&BTreeSet::from([1, 2]), |number, episode| match number {
        1 => Ok(episode.slice(0..4)),
        _ => Err(DatasetError::NoActions),
    });
    assert!(matches!(error, Err(DatasetError::NoActions)));
    assert_eq!(files(dir.path()), before);
    let empty = dataset.replace(&BTreeSet::from([1]), |_, episode| Ok::<_, DatasetError>(episode.slice(3..3)));
    assert!(matches!(empty, Err(DatasetError::Episode { .. })));
    assert!(matches!(dataset.delete(&BTreeSet::from([0, 4])), Err(DatasetError::NoEpisode { episode: 4, .. })));
    assert_eq!(files(dir.path()), before);
    // An episode that keeps its place is not read, one that moves is.
    fs::remove_file(dir.path().join("data/chunk-000/file-002.parquet")).expect("removes");
    let error = dataset.delete(&BTreeSet::from([0])).expect_err("cannot move episode 2").to_string();
    assert!(error.contains("file-002.parquet") && error.contains("dataset repair"), "{error}");
    assert_eq!(files(dir.path()).len(), before.len() - 1);
    dataset.delete(&BTreeSet::from([2, 3])).expect("deletes the damaged episode");
    assert_eq!(dataset.read_all().expect("reads"), episodes[..2]);
}

#[test]
fn another_writer_is_respected() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let episodes: Vec<_> = (1..4).map(|i| episode(header(3, 2, &[]), 5, i)).collect();
    let writer = dataset_of(dir.path(), &episodes);
    let before = files(dir.path());
    let mut other = Dataset::open(dir.path()).expect("reads beside the writer");
    assert!(matches!(other.delete(&BTreeSet::from([0])), Err(DatasetError::Locked { .. })));
    assert!(matches!(Dataset::open_locked(dir.path()), Err(DatasetError::Locked { .. })));
    assert_eq!(files(dir.path()), before);
    drop(writer);
    // A reader that opened the dataset before the edit gets an error or the same episode, never another one.
    let reader = Dataset::open(dir.path()).expect("opens");
    other.delete(&BTreeSet::from([0])).expect("deletes");
    assert!((0..3).all(|number| reader.read(number).is_err()));
    assert!(reader.columns().is_err());
}

#[test]
fn a_new_dataset_appears_whole_and_has_each_recording_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (source, out) = (dir.path().join("source"), dir.path().join("new/out"));
    let episodes: Vec<_> = (1..5).map(|i| episode(header(3, 2, &["progress"]), 5, i)).collect();
    let dataset = dataset_of(&source, &episodes);
    let before = recordings(&dataset);
    let mut new = NewDataset::create(&out, &dataset).expect("begins");
    assert!(new.add(&dataset, 3).expect("adds") && !new.add(&dataset, 3).expect("leaves out"));
    assert!(new.add(&dataset, 1).expect("adds"));
    assert!(!out.exists(), "nothing is there before it is complete");
    let second = NewDataset::create(&out, &dataset);
    assert!(matches!(second.err(), Some(DatasetError::Locked { .. })));
    new.finish().expect("renames");
    assert_eq!(contents(&out), contents_of(&[before[3].clone(), before[1].clone()]));
    assert_eq!(fs::read_dir(dir.path().join("new")).expect("lists").count(), 1, "nothing else is left");
    assert!(matches!(NewDataset::create(&out, &dataset).err(), Some(DatasetError::Taken { .. })));
    // What a crash has left of another attempt is removed.
    let again = dir.path().join("again");
    fs::create_dir_all(dir.path().join(".again.partial/data")).expect("creates");
    fs::write(dir.path().join(".again.partial/data/half"), b"half").expect("writes");
    let mut new = NewDataset::create(&again, &dataset).expect("begins");
    new.add(&dataset, 0).expect("adds");
    drop(new);
    assert!(!again.exists() && !dir.path().join(".again.partial").exists(), "an incomplete one is removed");
    let empty = NewDataset::create(&again, &dataset).expect("begins");
    assert!(matches!(empty.finish(), Err(DatasetError::NoneLeft { .. })));
}
