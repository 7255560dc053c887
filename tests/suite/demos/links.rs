//! A dataset's folder that came from somebody else: nothing is written through a link, and no pipe is waited for.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use apprentice::demos::{Dataset, DatasetError, Episode, JournalWriter, recover_kept, recovered_takes};
use apprentice::rollout::demonstrate;
use apprentice::scenes::find;
use apprentice::teleop::Skill;

fn episode() -> Episode {
    demonstrate(&find("slalom").expect("a built-in scene"), Skill::Steady, 2).expect("drives")
}

fn append(dir: &Path, episode: &Episode) -> Result<usize, DatasetError> {
    Dataset::create_or_open(dir, &episode.header)?.append(episode)
}

/// Everything below a folder, with contents.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(contents(&path))
        } else {
            all.push((path.clone(), fs::read(&path).expect("reads")))
        }
    }
    all.sort();
    all
}

#[test]
fn writers_refuse_folders_and_locks_that_are_links() {
    let episode = episode();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let own = folder.path().join("own");
    fs::create_dir_all(own.join("chunk-000")).expect("creates");
    for name in ["notes.txt", "journal.partial", "a.journal", "chunk-000/file-000.parquet.partial"] {
        fs::write(own.join(name), "years of work").expect("writes");
    }
    let before = contents(&own);
    let links = ["meta", "meta/episodes", "data", "sim", "sim/scenes", "journal", "claims", ".lock"];
    for (i, link) in links.iter().enumerate() {
        let dir = folder.path().join(format!("d{i}"));
        append(&dir, &episode).expect("appends");
        let path = dir.join(link);
        let _ = fs::rename(&path, folder.path().join(format!("moved{i}")));
        symlink(if *link == ".lock" { own.join("notes.txt") } else { own.clone() }, &path).expect("links");
        let error = append(&dir, &episode).err();
        // Without its metadata there is no dataset; a new one is not made through the link either.
        assert!(error.is_some(), "{link}");
        if *link == "journal" {
            assert!(matches!(recovered_takes(&dir), Err(DatasetError::NotAFile { .. })));
            assert!(matches!(recover_kept(&dir), Err(DatasetError::NotAFile { .. })));
            let journal = JournalWriter::create(path.join("b.journal"), &episode.header);
            assert!(matches!(journal, Err(DatasetError::NotAFile { .. })), "{journal:?}");
        }
        assert_eq!(contents(&own), before, "{link}");
    }
}

#[test]
fn a_temporary_file_that_is_a_link_is_not_followed() {
    let episode = episode();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (dir, own) = (folder.path().join("d"), folder.path().join("thesis.txt"));
    append(&dir, &episode).expect("appends");
    fs::write(&own, "years of work").expect("writes");
    for name in ["meta/info.json.partial", "sim/episode-000001.json.partial", "data/chunk-000/file-001.parquet.partial"]
    {
        symlink(&own, dir.join(name)).expect("links");
    }
    assert_eq!(append(&dir, &episode).expect("appends"), 1);
    assert_eq!(fs::read_to_string(&own).expect("reads"), "years of work");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_an_error() {
    let episode = episode();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in [
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "sim/layouts.json",
        "sim/episode-000000.json",
        "sim/episode-000000.snapshot",
        "data/chunk-000/file-000.parquet",
    ] {
        let dir = folder.path().join(file.replace('/', "-"));
        append(&dir, &episode).expect("appends");
        fs::remove_file(dir.join(file)).expect("removes");
        assert!(Command::new("mkfifo").arg(dir.join(file)).status().expect("mkfifo runs").success());
        let error = Dataset::open(&dir).and_then(|dataset| dataset.read(0)).expect_err(file).to_string();
        assert!(error.contains(file), "{file}: {error}");
    }
}
