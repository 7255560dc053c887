//! Windows of ticks: what stands before an episode's first and after its last, and that no window crosses an end.

use apprentice::learn::{Prepared, RunOptions, TrainingData, Window, train};
use proptest::prelude::*;

use super::learn_common::{config, data};

/// Three episodes; each observation is its row's number, each action its negative.
fn numbered(ticks: usize) -> TrainingData {
    let mut data = data(3, ticks, (1, 1), |_, _| {});
    for row in 0..data.rows() {
        data.observations[row] = row as f32;
        data.actions[row] = -(row as f32);
    }
    data
}

/// A batch's observations and actions as rows' numbers.
fn rows(prepared: &Prepared<'_>, starts: &[u32], window: Window) -> (Vec<i64>, Vec<i64>, Vec<f32>) {
    let mut batch = prepared.batch(starts, window);
    prepared.observation_normalizer.denormalize(&mut batch.observations);
    prepared.action_normalizer.denormalize(&mut batch.actions);
    let whole = |values: Vec<f32>| values.into_iter().map(|x| x.round() as i64).collect();
    let ones = vec![1.0; starts.len() * window.sequence * window.chunk];
    (whole(batch.observations), whole(batch.actions), batch.mask.unwrap_or(ones))
}

#[test]
fn history_repeats_the_first_tick_and_a_chunk_is_masked_after_the_last() {
    let data = numbered(10);
    let prepared = Prepared::new(&data, 0.0, 0).unwrap();
    let window = Window { stacked: 3, sequence: 1, chunk: 4, shown: 0 };
    let (seen, said, mask) = rows(&prepared, &[11, 18], window);
    assert_eq!(seen, [10, 10, 11, 16, 17, 18]);
    assert_eq!(said[..6], [-11, -12, -13, -14, -18, -19]);
    assert_eq!(mask, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_sequence_ends_with_its_episode() {
    let data = numbered(10);
    let prepared = Prepared::new(&data, 0.0, 0).unwrap();
    let window = Window { stacked: 1, sequence: 4, chunk: 1, shown: 0 };
    let batch = prepared.batch(&[8], window);
    assert_eq!(batch.mask.as_deref(), Some(&[1.0, 1.0, 0.0, 0.0][..]));
    assert_eq!(batch.observations[2..], [0.0, 0.0], "nothing is seen after the end");
    let (seen, said, _) = rows(&prepared, &[8], window);
    assert_eq!((&seen[..2], &said[..2]), (&[8, 9][..], &[-8, -9][..]));
}

#[test]
fn a_chunk_longer_than_an_episode_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut data = numbered(10);
    data.append(&[1.0; 4], &[2.0; 4]);
    let error = train(&config(&["head.chunk=5"]), &data, &RunOptions::new(dir.path().join("run")), &mut ());
    let text = error.unwrap_err().to_string();
    assert!(text.contains("episode 3 has 4 ticks") && text.contains("head.chunk to 4"), "{text}");
}

proptest! {
    #[test]
    fn windows_hold_the_rows_that_they_should(
        ticks in 6usize..30, start in 0u32..90, stacked in 1usize..5, sequence in 1usize..6, chunk in 1usize..6,
    ) {
        let data = numbered(ticks);
        let prepared = Prepared::new(&data, 0.0, 0).unwrap();
        let start = start % data.rows() as u32;
        let window = Window { stacked, sequence, chunk, shown: 0 };
        let (seen, said, mask) = rows(&prepared, &[start], window);
        let first = start as usize / ticks * ticks;
        for tick in 0..sequence {
            let row = start as usize + tick;
            for ahead in 0..chunk {
                let there = row + ahead < first + ticks;
                let at = tick * chunk + ahead;
                prop_assert_eq!(mask[at] > 0.0, there);
                if there {
                    prop_assert_eq!(said[at], -((row + ahead) as i64));
                }
            }
            if row < first + ticks {
                for back in 0..stacked {
                    let wanted = row.saturating_sub(back).max(first);
                    prop_assert_eq!(seen[tick * stacked + stacked - 1 - back], wanted as i64);
                }
            }
        }
    }

    #[test]
    fn validation_sequences_hold_every_row_once(ticks in 6usize..30, sequence in 1usize..9, seed in 0u64..20) {
        let data = numbered(ticks);
        let prepared = Prepared::new(&data, 0.3, seed).unwrap();
        let window = Window { stacked: 1, sequence, chunk: 1, shown: 0 };
        let starts = prepared.validation_starts(window);
        let (seen, _, mask) = rows(&prepared, &starts, window);
        let held: Vec<u32> = seen.iter().zip(&mask).filter(|(_, m)| **m > 0.0).map(|(row, _)| *row as u32).collect();
        prop_assert_eq!(held, prepared.split.validation.clone());
    }
}
