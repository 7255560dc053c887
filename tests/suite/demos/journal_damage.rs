//! A damaged journal: whole frames on both sides of the damage are recovered, and no journal is deleted.

use std::fs;
use std::path::Path;

use apprentice::demos::{
    Damage, Dataset, DatasetError, Episode, EpisodeHeader, JournalWriter, RecoveredTake, Tick, recover_kept,
    recovered_takes,
};
use proptest::prelude::*;

use crate::testing;

const TICKS: usize = 40;

fn header() -> EpisodeHeader {
    testing::journal::header(200, 0)
}

/// A finished journal: its bytes, and where each frame ends.
fn journal() -> (Vec<u8>, Vec<usize>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("a.journal");
    let mut journal = JournalWriter::create(&path, &header()).expect("creates");
    let size = || fs::metadata(&path).expect("exists").len() as usize;
    let mut ends = vec![size()];
    for i in 0..TICKS {
        let (observation, action, terms) = ([i as f32, -0.5], [0.25], [1.0]);
        let (other_actions, reward, done, success, intervention) = (&[][..], 1.0, false, false, false);
        let (observation, action, terms, state_hash) = (&observation[..], &action[..], &terms[..], u64::MAX - i as u64);
        let tick = Tick { observation, action, other_actions, reward, terms, done, success, intervention, state_hash };
        journal.push(tick).and_then(|()| journal.flush()).expect("writes");
        ends.push(size());
    }
    let finished = journal.finish().expect("finishes");
    ends.push(size());
    let bytes = fs::read(&path).expect("reads");
    finished.remove().expect("removes");
    (bytes, ends)
}

/// A dataset's folder with this journal, in a temporary folder.
fn with_journal(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(dir.path().join("journal")).expect("creates");
    fs::write(dir.path().join("journal/a.journal"), bytes).expect("writes");
    dir
}

/// The numbers of the ticks, as their first observation has them.
fn numbers(episode: &Episode) -> Vec<usize> {
    (0..episode.len()).map(|i| episode.tick(i).expect("a tick").observation[0] as usize).collect()
}

fn only_take(dir: &Path) -> RecoveredTake {
    let mut takes = recovered_takes(dir).expect("lists");
    assert_eq!(takes.len(), 1);
    takes.remove(0).expect("is readable")
}

/// Whether the episode is in the dataset or the journal on the disk.
fn is_anywhere(dir: &Path) -> bool {
    let kept = Dataset::open(dir).is_ok_and(|dataset| dataset.len() == 1);
    kept || dir.join("journal/a.journal").exists()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_flipped_bit_loses_at_most_its_tick_and_no_journal(at in 0.0f64..1.0, bit in 0u8..8) {
        let (mut bytes, ends) = journal();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] ^= 1 << bit;
        let dir = with_journal(&bytes);
        let damaged = (0..TICKS).find(|i| (ends[*i]..ends[i + 1]).contains(&at));
        let take = only_take(dir.path());
        let expected: Vec<usize> = (0..TICKS).filter(|i| Some(*i) != damaged).collect();
        prop_assert_eq!(numbers(&take.episode), expected);
        prop_assert_eq!(&take.episode.header, &header());
        prop_assert_eq!(take.damage.is_some_and(|damage| damage.lost_ticks == 1), damaged.is_some());
        prop_assert_eq!(take.episode.first_gap, damaged.filter(|i| i + 1 < TICKS), "nothing follows the last tick");
        let is_end_damaged = at >= ends[TICKS];
        prop_assert_eq!(take.finished, !is_end_damaged);
        drop(take);
        let recovery = recover_kept(dir.path()).expect("recovers");
        prop_assert!(recovery.failed.is_empty(), "{:?}", recovery.failed);
        prop_assert!(is_anywhere(dir.path()), "the journal is gone");
        prop_assert_eq!(recovery.waiting, usize::from(damaged.is_some() || at < ends[0] && at >= 8 || is_end_damaged));
    }

    #[test]
    fn flips_and_a_torn_end_leave_all_other_ticks(
        flips in prop::collection::vec((0.0f64..1.0, 1u8..), 1..6),
        cut in 0.0f64..1.0,
    ) {
        let (mut bytes, ends) = journal();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        let mut damaged = std::collections::BTreeSet::new();
        for (at, flip) in flips {
            // The header's copies are spared here.
            let at = ends[0] + ((bytes.len().saturating_sub(ends[0])) as f64 * at) as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
                damaged.extend((0..TICKS).find(|i| (ends[*i]..ends[i + 1]).contains(&at)));
            }
        }
        let whole = (0..TICKS).filter(|i| ends[i + 1] <= bytes.len());
        let expected: Vec<usize> = whole.filter(|i| !damaged.contains(i)).collect();
        let dir = with_journal(&bytes);
        let takes = recovered_takes(dir.path()).expect("lists");
        let found: Vec<usize> = takes.iter().flatten().flat_map(|take| numbers(&take.episode)).collect();
        prop_assert_eq!(&found, &expected);
        drop(takes);
        recover_kept(dir.path()).expect("recovers");
        prop_assert!(expected.is_empty() || is_anywhere(dir.path()), "the journal is gone");
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        zeros in 0usize..300,
        at in 0.0f64..1.0,
    ) {
        let (bytes, _) = journal();
        let at = (bytes.len() as f64 * at) as usize;
        for content in [&noise[..], &[&bytes[..8], &noise].concat(), &[&bytes[..at], &noise, &bytes[at..]].concat(),
            &[&bytes[..at], &vec![0; zeros][..]].concat()]
        {
            let dir = with_journal(content);
            for take in recovered_takes(dir.path()).expect("lists").into_iter().flatten() {
                let found = numbers(&take.episode);
                prop_assert!(found.is_sorted() && found.iter().all(|i| *i < TICKS), "{:?}", found);
            }
        }
    }
}

#[test]
fn a_kept_take_of_a_damaged_journal_leaves_the_journal_aside() {
    let (mut bytes, ends) = journal();
    bytes[ends[9] + 20] ^= 4;
    let dir = with_journal(&bytes);
    let take = only_take(dir.path());
    let lost_bytes = ends[10] - ends[9];
    assert_eq!(take.damage, Some(Damage { lost_ticks: 1, lost_bytes }));
    assert_eq!(take.keep(dir.path()).expect("keeps"), 0);
    drop(take);
    let episode = Dataset::open(dir.path()).and_then(|dataset| dataset.read(0)).expect("reads");
    assert_eq!((episode.len(), episode.first_gap), (TICKS - 1, Some(9)));
    assert_eq!(fs::read(dir.path().join("journal/a.damaged")).expect("is kept"), bytes);
    assert!(recovered_takes(dir.path()).expect("lists").is_empty(), "it does not wait again");
}

#[test]
fn a_journal_without_a_readable_header_is_reported_and_stays() {
    let (mut bytes, ends) = journal();
    for copy in [30, ends[0] / 2 + 40] {
        bytes[copy] ^= 1;
    }
    let dir = with_journal(&bytes);
    let found = recovered_takes(dir.path()).expect("lists");
    assert!(
        matches!(&found[..], [Err(DatasetError::Journal { cause, .. })] if cause.contains("40 whole ticks")),
        "{found:?}"
    );
    let recovery = recover_kept(dir.path()).expect("recovers");
    assert!(recovery.appended.is_empty() && recovery.failed.len() == 1);
    assert_eq!(fs::read(dir.path().join("journal/a.journal")).expect("stays"), bytes);
}
