//! A dataset that lost a file: the error names it and `dataset repair`, which brings the rest back.

use std::fs;
use std::path::Path;

use apprentice::demos::{Dataset, DatasetError, Episode, repair};

use super::dataset_roundtrip::{dataset_of, episode, files, header};

/// Four episodes; the first two of one scene, the others of a second one.
fn episodes() -> Vec<Episode> {
    let of = |i: u64| {
        let mut header = header(3, 2, &["progress"]);
        header.task = format!("task {}", i % 2);
        header.scene_hash += i / 2;
        header.scene_text = format!("scene {}", i / 2);
        (header.agent_index, header.other_act_dim) = (1, 2);
        episode(header, 6 + i as usize, i + 1)
    };
    (0..4).map(of).collect()
}

/// The numbers of the episodes that need the file.
fn episodes_of(path: &Path) -> Vec<usize> {
    let name = path.to_string_lossy();
    if name.contains("scenes") {
        return if name.contains("0001.ron") { vec![0, 1] } else { vec![2, 3] };
    }
    let is_of =
        |i: &usize| name.contains(&format!("data/chunk-000/file-{i:03}")) || name.contains(&format!("episode-{i:06}"));
    (0..4).filter(is_of).collect()
}

fn open_all(dir: &Path) -> Result<Vec<Episode>, DatasetError> {
    Dataset::open(dir).and_then(|dataset| dataset.columns().and_then(|_| dataset.read_all()))
}

/// Damages each file of a dataset in turn.
fn check_every_file(damage: impl Fn(&Path, &[u8])) {
    let all = episodes();
    let source = tempfile::tempdir().expect("temporary folder");
    drop(dataset_of(source.path(), &all));
    for path in files(source.path()).keys().filter(|path| !path.ends_with(".lock")) {
        let dir = tempfile::tempdir().expect("temporary folder");
        super::dataset_roundtrip::write_files(dir.path(), &files(source.path()));
        let target = dir.path().join(path);
        let bytes = fs::read(&target).expect("reads");
        damage(&target, &bytes);
        let error = open_all(dir.path()).expect_err("is damaged").to_string();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(error.contains(name), "{name} is not named: {error}");
        let advice = format!("apprentice dataset repair {}", dir.path().display());
        assert!(error.contains(&advice), "{error}");

        let remains = target.exists();
        let report = repair(dir.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let gone = episodes_of(path);
        let left: Vec<_> = (0..4).filter(|i| !gone.contains(i)).map(|i| all[i].clone()).collect();
        assert_eq!(open_all(dir.path()).unwrap_or_else(|error| panic!("{name}: {error}")), left, "{name}");
        assert_eq!(report.lost.iter().map(|(number, _)| *number).collect::<Vec<_>>(), gone, "{name}");
        assert!(report.lost.iter().all(|(_, error)| error.to_string().contains(name)), "{:?}", report.lost);
        assert!(!report.is_whole() && report.kept == left.len(), "{name}: {report:?}");
        if gone.is_empty() {
            // Only metadata was lost: it is written as it was, the bytes included.
            let mut found = files(dir.path());
            found.retain(|path, _| !path.starts_with("damaged"));
            assert_eq!(found, files(source.path()), "{name}");
            assert!(report.rebuilt.iter().any(|error| error.to_string().contains(name)), "{:?}", report.rebuilt);
        }
        // The damaged file, and the other files of lost episodes, are kept aside.
        let aside = report.remains.map(|folder| files(&folder)).unwrap_or_default();
        assert_eq!(aside.contains_key(path), remains, "{name}: {:?}", aside.keys());
        assert!(gone.is_empty() || aside.keys().any(|other| other.starts_with("data") || other.starts_with("sim")));
        // It is whole now.
        let again = repair(dir.path()).expect("repairs");
        assert!(again.is_whole() && again.kept == left.len(), "{name}: {again:?}");
        let mut dataset = Dataset::create_or_open(dir.path(), &all[0].header).expect("opens for writing");
        assert_eq!(dataset.append(&all[0]).expect("appends"), left.len());
    }
}

#[test]
fn each_missing_file_is_named_and_the_rest_comes_back() {
    check_every_file(|path, _| fs::remove_file(path).expect("removes"));
}

#[test]
fn each_truncated_file_is_named_and_the_rest_comes_back() {
    check_every_file(|path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).expect("writes"));
}

#[test]
fn a_changed_byte_in_a_data_file_costs_that_episode_only() {
    let (all, dir) = (episodes(), tempfile::tempdir().expect("temporary folder"));
    drop(dataset_of(dir.path(), &all));
    let path = dir.path().join("data/chunk-000/file-001.parquet");
    let mut bytes = fs::read(&path).expect("reads");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 4;
    fs::write(&path, &bytes).expect("writes");
    let report = repair(dir.path()).expect("repairs");
    assert_eq!(report.lost.len(), 1);
    assert_eq!(open_all(dir.path()).expect("reads"), [&all[..1], &all[2..]].concat());
    let aside = report.remains.expect("the damaged file is kept").join("data/chunk-000/file-001.parquet");
    assert_eq!(fs::read(aside).expect("reads"), bytes);
}

#[test]
fn all_metadata_can_be_lost_at_once() {
    let (all, dir) = (episodes(), tempfile::tempdir().expect("temporary folder"));
    drop(dataset_of(dir.path(), &all));
    let before = files(dir.path());
    fs::remove_dir_all(dir.path().join("meta")).expect("removes");
    fs::create_dir(dir.path().join("meta")).expect("creates");
    fs::remove_file(dir.path().join("sim/layouts.json")).expect("removes");
    let report = repair(dir.path()).expect("repairs");
    assert!(report.unverified && report.lost.is_empty());
    assert_eq!(files(dir.path()), before);
}

#[test]
fn what_cannot_be_repaired_is_left_as_it_is() {
    let (all, dir) = (episodes(), tempfile::tempdir().expect("temporary folder"));
    assert!(matches!(repair(dir.path()), Err(DatasetError::NoDataset { .. })));
    let dataset = dataset_of(dir.path(), &all);
    assert!(matches!(repair(dir.path()), Err(DatasetError::Locked { .. })));
    drop(dataset);
    fs::remove_dir_all(dir.path().join("data")).expect("removes");
    fs::create_dir(dir.path().join("data")).expect("creates");
    let before = files(dir.path());
    let error = repair(dir.path()).expect_err("nothing can be read");
    assert!(matches!(&error, DatasetError::Unrepairable { .. }), "{error}");
    assert!(error.to_string().contains("file-000.parquet"), "{error}");
    assert_eq!(files(dir.path()), before);
}
