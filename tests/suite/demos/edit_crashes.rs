//! A crash in an edit leaves the old dataset or the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use apprentice::demos::{Dataset, Episode};

use super::dataset_roundtrip::{dataset_of, episode, files, header, write_files};

type Files = BTreeMap<PathBuf, Vec<u8>>;

const INFO: &str = "meta/info.json";

/// The files of a dataset before and after the episodes 1 and 3 of six are deleted, and the episodes.
fn edited() -> (Files, Files, Vec<Episode>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let episodes: Vec<_> = (0..6)
        .map(|i| {
            let mut header = header(3, 2, &["progress"]);
            header.task = format!("task {}", i % 3);
            (header.agent_index, header.other_act_dim) = if i % 2 == 0 { (1, 4) } else { (0, 0) };
            episode(header, 5 + i, i as u64 + 1)
        })
        .collect();
    let mut dataset = dataset_of(dir.path(), &episodes);
    let before = files(dir.path());
    dataset.delete(&BTreeSet::from([1, 3])).expect("deletes");
    (before, files(dir.path()), episodes)
}

fn left(episodes: &[Episode]) -> Vec<Episode> {
    [0, 2, 4, 5].map(|i| episodes[i].clone()).to_vec()
}

fn read(dir: &Path) -> Vec<Episode> {
    Dataset::open(dir).expect("opens").read_all().expect("reads")
}

#[test]
fn before_the_commit_the_dataset_is_the_old_one() {
    let (before, after, episodes) = edited();
    let dir = tempfile::tempdir().expect("temporary folder");
    write_files(dir.path(), &before);
    // The folder may hold everything, metadata included: it is not yet renamed.
    write_files(&dir.path().join(".edit.partial"), &after);
    assert_eq!(read(dir.path()), episodes);
    let mut dataset = Dataset::open_locked(dir.path()).expect("locks");
    dataset.delete(&BTreeSet::from([1, 3])).expect("deletes");
    assert_eq!(files(dir.path()), after);
}

#[test]
fn after_the_commit_every_interruption_is_completed() {
    let (before, after, episodes) = edited();
    let changed: Vec<&PathBuf> =
        after.keys().filter(|path| before.get(*path) != after.get(*path) && !path.ends_with(INFO)).collect();
    let gone: Vec<&PathBuf> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(changed.len() > 10 && gone.len() > 4, "{changed:?} {gone:?}");
    // The episodes' files in the order in which an edit moves them: an episode's record after its other files.
    let steps = changed.len() + gone.len();
    for step in 0..=steps + 2 {
        let dir = tempfile::tempdir().expect("temporary folder");
        write_files(dir.path(), &before);
        let committed = dir.path().join(".edit");
        write_files(&committed, &after.iter().filter(|(path, _)| changed.contains(path)).map(owned).collect());
        write_files(&committed, &BTreeMap::from([owned((&PathBuf::from(INFO), &after[Path::new(INFO)]))]));
        if step > 0 {
            fs::remove_file(dir.path().join(INFO)).expect("removes");
        }
        for path in move_order(&changed).into_iter().take(step.saturating_sub(1)) {
            let target = dir.path().join(path);
            fs::create_dir_all(target.parent().expect("a folder")).expect("creates");
            fs::rename(committed.join(path), target).expect("moves");
        }
        for path in gone.iter().take(step.saturating_sub(1 + changed.len())) {
            fs::remove_file(dir.path().join(path)).expect("removes");
        }
        if step == steps + 2 {
            fs::rename(committed.join(INFO), dir.path().join(INFO)).expect("moves");
        }
        assert_eq!(read(dir.path()), left(&episodes), "step {step}");
        if step < steps + 2 {
            assert_eq!(files(dir.path()), after, "step {step}");
        }
        // The next writer goes on from there, and removes what is left.
        let mut dataset = Dataset::create_or_open(dir.path(), &episodes[0].header).expect("locks");
        dataset.delete(&BTreeSet::from([3])).expect("deletes");
        assert_eq!(read(dir.path()), left(&episodes)[..3], "step {step}");
        assert!(!committed.exists());
    }
}

fn owned((path, bytes): (&PathBuf, &Vec<u8>)) -> (PathBuf, Vec<u8>) {
    (path.clone(), bytes.clone())
}

/// Data files first, then the simulation files, each episode's record last, then the metadata.
fn move_order<'a>(changed: &[&'a PathBuf]) -> Vec<&'a PathBuf> {
    let mut order = changed.to_vec();
    order.sort_by_key(|path| {
        let is_record = path.starts_with("sim") && path.extension().is_some_and(|e| e == "json");
        let folder = ["data", "sim", "meta"].iter().position(|part| path.starts_with(part));
        (folder, path.with_extension(""), is_record)
    });
    order
}
