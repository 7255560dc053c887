//! Recovery: a truncated journal yields all complete ticks, a take waits until it is answered, and each recording is
//! appended to the dataset once.

use std::fs;
use std::path::Path;

use apprentice::demos::{
    Dataset, DatasetError, Episode, EpisodeHeader, JournalWriter, Tick, recover_kept, recovered_takes,
};

use crate::testing;

fn header() -> EpisodeHeader {
    testing::journal::header(40, 1)
}

fn tick(i: usize) -> ([f32; 2], [f32; 1], [f32; 1], u64) {
    ([i as f32, -0.5], [0.25 * i as f32], [1.0], u64::MAX - i as u64)
}

fn push(journal: &mut JournalWriter, i: usize) {
    let (observation, action, terms, state_hash) = tick(i);
    let tick = Tick {
        observation: &observation,
        action: &action,
        other_actions: &[-action[0]],
        reward: 1.0,
        terms: &terms,
        done: false,
        success: false,
        intervention: i.is_multiple_of(2),
        state_hash,
    };
    journal.push(tick).expect("pushes");
}

fn check_ticks(episode: &Episode, count: usize) {
    assert_eq!(episode.len(), count);
    for i in 0..count {
        let (observation, action, _, state_hash) = tick(i);
        let found = episode.tick(i).expect("has the tick");
        assert_eq!((found.observation, found.action, found.state_hash), (&observation[..], &action[..], state_hash));
        assert_eq!(found.other_actions, [-action[0]], "other agent's action at tick {i}");
    }
    assert!(episode.tick(count).is_none());
}

/// The bytes of a journal with `ticks` ticks, and the end offset of each of its frames.
fn journal_bytes(ticks: usize) -> (Vec<u8>, Vec<usize>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("a.journal");
    let mut journal = JournalWriter::create(&path, &header()).expect("creates");
    let size = || fs::metadata(&path).expect("exists").len() as usize;
    let mut ends = vec![size()];
    for i in 0..ticks {
        push(&mut journal, i);
        journal.flush().expect("flushes");
        ends.push(size());
    }
    journal.finish().expect("finishes");
    ends.push(size());
    (fs::read(&path).expect("reads"), ends)
}

#[test]
fn a_journal_truncated_at_any_byte_yields_all_complete_ticks() {
    let (bytes, ends) = journal_bytes(6);
    let dir = tempfile::tempdir().expect("temporary folder");
    let journals = dir.path().join("journal");
    fs::create_dir(&journals).expect("creates");
    for cut in 0..=bytes.len() {
        fs::write(journals.join("a.journal"), &bytes[..cut]).expect("writes");
        let mut found = recovered_takes(dir.path()).expect("lists");
        if cut < ends[1] {
            assert!(found.is_empty(), "cut at {cut}: no tick waits");
            continue;
        }
        let found = found.pop().expect("is listed").expect("is readable");
        let complete_frames = ends.iter().filter(|end| **end <= cut).count() - 1;
        check_ticks(&found.episode, complete_frames.min(6));
        assert_eq!((found.finished, found.damage), (complete_frames == 7, None), "a torn end is no damage");
        assert_eq!(found.episode.header, header());
    }
}

fn dataset(dir: &Path) -> Dataset {
    Dataset::create_or_open(dir, &header()).expect("opens")
}

#[test]
fn a_recording_in_progress_is_skipped_and_an_unanswered_one_waits() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("journal/a.journal");
    let mut journal = JournalWriter::create(&path, &header()).expect("creates");
    (0..31).for_each(|i| push(&mut journal, i));
    assert!(recovered_takes(dir.path()).expect("lists").is_empty());
    assert_eq!(recover_kept(dir.path()).expect("recovers").waiting, 0);
    // After a kill, the ticks that were not flushed, less than a second, are lost.
    let killed = tempfile::tempdir().expect("temporary folder");
    fs::create_dir(killed.path().join("journal")).expect("creates");
    fs::copy(&path, killed.path().join("journal/a.journal")).expect("copies");
    // A program that ends writes them.
    drop(journal);
    for (dir, ticks) in [(killed.path(), 30), (dir.path(), 31)] {
        let recovery = recover_kept(dir).expect("recovers");
        assert_eq!((recovery.waiting, recovery.appended.len(), recovery.failed.len()), (1, 0, 0));
        assert!(!dir.join("meta").exists(), "nothing is appended by itself");
        let takes = recovered_takes(dir).expect("lists");
        let take = takes[0].as_ref().expect("is readable");
        assert!(!take.finished);
        check_ticks(&take.episode, ticks);
        assert!(recovered_takes(dir).expect("lists").is_empty(), "no other process answers it meanwhile");
        assert_eq!(take.keep(dir).expect("keeps"), 0);
        check_ticks(&Dataset::open(dir).expect("opens").read(0).expect("reads"), ticks);
        assert!(!dir.join("journal").exists());
    }
}

#[test]
fn a_discarded_take_is_gone_and_the_dataset_unchanged() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut journal = JournalWriter::create(dir.path().join("journal/a.journal"), &header()).expect("creates");
    (0..20).for_each(|i| push(&mut journal, i));
    drop(journal);
    recovered_takes(dir.path()).expect("lists").remove(0).expect("is readable").discard().expect("discards");
    assert!(recovered_takes(dir.path()).expect("lists").is_empty());
    assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 0);
}

#[test]
fn a_kept_recording_is_appended_by_the_next_writer() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut journal = JournalWriter::create(dir.path().join("journal/a.journal"), &header()).expect("creates");
    (0..5).for_each(|i| push(&mut journal, i));
    // The crash comes between the word and the append.
    drop(journal.finish().expect("finishes"));
    let recovery = recover_kept(dir.path()).expect("recovers");
    assert_eq!((recovery.appended, recovery.waiting), (vec![0], 0));
    check_ticks(&Dataset::open(dir.path()).expect("opens").read(0).expect("reads"), 5);
    assert!(recover_kept(dir.path()).expect("recovers").appended.is_empty());
}

#[test]
fn a_crash_between_append_and_removal_does_not_append_twice() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut first = dataset(dir.path());
    let mut journal = JournalWriter::create(first.journal_dir().join("a.journal"), &header()).expect("creates");
    let mut episode = Episode::new(header());
    for i in 0..4 {
        push(&mut journal, i);
        let (observation, action, terms, state_hash) = tick(i);
        let (observation, action, terms) = (&observation[..], &action[..], &terms[..]);
        let (reward, done, success, intervention) = (1.0, false, false, i % 2 == 0);
        episode
            .push(Tick {
                observation,
                action,
                other_actions: &[0.0],
                reward,
                terms,
                done,
                success,
                intervention,
                state_hash,
            })
            .expect("pushes");
    }
    let finished = journal.finish().expect("finishes");
    assert_eq!(first.append_recording(&episode, finished.recording()).expect("appends"), 0);
    // The crash comes here.
    drop((finished, first));
    assert!(recovered_takes(dir.path()).expect("lists").is_empty());
    let recovery = recover_kept(dir.path()).expect("recovers");
    assert!(recovery.appended.is_empty() && recovery.waiting == 0, "{recovery:?}");
    let second = dataset(dir.path());
    assert_eq!(second.read_all().expect("reads"), [episode]);
    assert!(!second.journal_dir().exists());
}

#[test]
fn a_discarded_recording_leaves_no_file() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("a.journal");
    let mut journal = JournalWriter::create(&path, &header()).expect("creates");
    (0..40).for_each(|i| push(&mut journal, i));
    assert!(matches!(JournalWriter::create(&path, &header()), Err(DatasetError::Io { .. })));
    journal.discard().expect("discards");
    assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 0);
}

#[test]
fn damaged_and_empty_journals_do_not_block_the_others() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let dataset = dataset(dir.path());
    let (bytes, ends) = journal_bytes(5);
    let journals = dataset.journal_dir();
    fs::create_dir_all(&journals).expect("creates");
    fs::write(journals.join("a.journal"), &bytes[..20]).expect("writes");
    fs::write(journals.join("b.journal"), b"something else").expect("writes");
    fs::write(journals.join("c.journal"), &bytes[..ends[0]]).expect("writes");
    fs::write(journals.join("d.journal"), &bytes).expect("writes");
    let mut other = header();
    other.agent = "humanoid".to_owned();
    let mut journal = JournalWriter::create(journals.join("e.journal"), &other).expect("creates");
    push(&mut journal, 0);
    journal.finish().expect("finishes");
    drop(dataset);
    let recovery = recover_kept(dir.path()).expect("recovers");
    assert_eq!((recovery.appended, recovery.waiting), (vec![0], 0));
    assert!(
        matches!(&recovery.failed[..], [DatasetError::Journal { .. }, DatasetError::Mismatch { .. }]),
        "{:?}",
        recovery.failed
    );
    let remaining: Vec<_> = fs::read_dir(&journals).expect("lists").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(remaining.len(), 2, "{remaining:?}");
}
