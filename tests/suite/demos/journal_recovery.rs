//! Recovery: a truncated journal yields all complete ticks, and each recording is appended to the dataset once.

use std::fs;
use std::path::Path;

use apprentice::demos::{Dataset, DatasetError, Episode, EpisodeHeader, JournalWriter, Recovery, Tick, recover};
use apprentice::spaces::{Field, Layout};
use proptest::prelude::*;

fn header() -> EpisodeHeader {
    EpisodeHeader {
        scene: "yard".to_owned(),
        scene_hash: 5,
        scene_text: "()".to_owned(),
        seed: 1,
        agent: "vehicle".to_owned(),
        operator: "Ada".to_owned(),
        task: "park".to_owned(),
        control_dt: 1.0 / 30.0,
        observation: Layout::new("vehicle/observation", vec![Field::new("speed", 2, "m/s", -50.0, 50.0)]),
        action: Layout::new("vehicle/action", vec![Field::new("steer", 1, "1", -1.0, 1.0)]),
        terms: vec!["progress".to_owned()],
        agent_index: 1,
        other_act_dim: 1,
        snapshot: vec![9; 40],
    }
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
    let path = dir.path().join("a.journal");
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut]).expect("writes");
        let mut found = recover(dir.path()).expect("lists");
        if cut < ends[0] {
            assert!(found.is_empty(), "cut at {cut}");
            continue;
        }
        let found = found.pop().expect("is listed").expect("is readable");
        let complete_frames = ends.iter().filter(|end| **end <= cut).count() - 1;
        check_ticks(&found.episode, complete_frames.min(6));
        assert_eq!(found.finished, complete_frames == 7);
        assert_eq!(found.trailing_bytes, cut - ends[complete_frames]);
        assert_eq!(found.episode.header, header());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        at in 0.0f64..1.0,
        flip in 1u8..,
    ) {
        let (mut bytes, _) = journal_bytes(3);
        let dir = tempfile::tempdir().expect("temporary folder");
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] ^= flip;
        fs::write(dir.path().join("flipped.journal"), &bytes).expect("writes");
        fs::write(dir.path().join("noise.journal"), &noise).expect("writes");
        let tail = [b"APPRJNL1".as_slice(), &noise].concat();
        fs::write(dir.path().join("tail.journal"), tail).expect("writes");
        for found in recover(dir.path()).expect("lists").into_iter().flatten() {
            check_ticks(&found.episode, found.episode.len());
        }
    }
}

fn dataset(dir: &Path) -> Dataset {
    Dataset::create_or_open(dir, &header()).expect("opens")
}

#[test]
fn a_recording_in_progress_is_skipped_and_a_dropped_one_is_recovered() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut dataset = dataset(dir.path());
    let mut journal = JournalWriter::create(dataset.journal_dir().join("a.journal"), &header()).expect("creates");
    (0..31).for_each(|i| push(&mut journal, i));
    assert!(dataset.recover().expect("recovers").is_empty());
    assert!(dataset.is_empty());
    // As after a kill: the ticks that were not flushed, less than a second, are lost.
    drop(journal);
    let outcomes = dataset.recover().expect("recovers");
    assert!(matches!(outcomes[..], [Recovery::Appended { episode: 0, ticks: 30, finished: false }]), "{outcomes:?}");
    check_ticks(&dataset.read(0).expect("reads"), 30);
    assert!(!dataset.journal_dir().exists());
    assert!(dataset.recover().expect("recovers").is_empty());
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
    let mut second = dataset(dir.path());
    let outcomes = second.recover().expect("recovers");
    assert!(matches!(outcomes[..], [Recovery::AlreadyAppended { episode: 0 }]), "{outcomes:?}");
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
    let mut dataset = dataset(dir.path());
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
    let outcomes = dataset.recover().expect("recovers");
    assert!(
        matches!(
            &outcomes[..],
            [
                Recovery::Empty { .. },
                Recovery::Failed { cause: DatasetError::Journal { .. }, .. },
                Recovery::Empty { .. },
                Recovery::Appended { episode: 0, ticks: 5, finished: true },
                Recovery::Failed { cause: DatasetError::Mismatch { .. }, .. },
            ]
        ),
        "{outcomes:?}"
    );
    let remaining: Vec<_> = fs::read_dir(&journals).expect("lists").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(remaining.len(), 2, "{remaining:?}");
}
