//! Windows of ticks: padding before an episode's first tick and after its last, and no window crosses an episode's end.

use apprentice::learn::{PreparedData, RunOptions, TrainingData, Window, train_on_dataset};
use apprentice::policies::{Policy, PolicyState};
use proptest::prelude::*;

use crate::testing::learn::{config, data};

/// Three episodes. Each observation is the index of its row, each action its negative.
fn numbered(ticks: usize) -> TrainingData {
    let mut data = data(3, ticks, (1, 1), |_, _| {});
    for row in 0..data.rows() {
        data.observations[row] = row as f32;
        data.actions[row] = -(row as f32);
    }
    data
}

/// The row indices in a batch's observations and actions, and the mask.
fn rows(prepared: &PreparedData<'_>, starts: &[u32], window: Window) -> (Vec<i64>, Vec<i64>, Vec<f32>) {
    let mut batch = prepared.batch(starts, window);
    prepared.observation_normalizer.denormalize(&mut batch.observations);
    prepared.action_normalizer.denormalize(&mut batch.actions);
    let rounded = |values: Vec<f32>| values.into_iter().map(|x| x.round() as i64).collect();
    let ones = vec![1.0; starts.len() * window.sequence_length * window.chunk_size];
    (rounded(batch.observations), rounded(batch.actions), batch.mask.unwrap_or(ones))
}

#[test]
fn stacked_frames_repeat_the_first_tick_and_chunks_are_masked_after_the_last() {
    let data = numbered(10);
    let prepared = PreparedData::new(&data, 0.0, 0).unwrap();
    let window = Window { n_stack: 3, chunk_size: 4, ..Window::TICK };
    let (observed, targets, mask) = rows(&prepared, &[11, 18], window);
    assert_eq!(observed, [10, 10, 11, 16, 17, 18]);
    assert_eq!(targets[..6], [-11, -12, -13, -14, -18, -19]);
    assert_eq!(mask, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_sequence_is_masked_after_its_episode() {
    let data = numbered(10);
    let prepared = PreparedData::new(&data, 0.0, 0).unwrap();
    let window = Window { sequence_length: 4, ..Window::TICK };
    let batch = prepared.batch(&[8], window);
    assert_eq!(batch.mask.as_deref(), Some(&[1.0, 1.0, 0.0, 0.0][..]));
    assert_eq!(batch.observations[2..], [0.0, 0.0], "nothing is observed after the end");
    let (observed, targets, _) = rows(&prepared, &[8], window);
    assert_eq!((&observed[..2], &targets[..2]), (&[8, 9][..], &[-8, -9][..]));
}

#[test]
fn an_episode_shorter_than_history_and_chunk_is_padded_at_both_ends() {
    let mut data = numbered(10);
    data.push_episode(&[30.0, 31.0], &[-30.0, -31.0]);
    data.push_episode(&[32.0], &[-32.0]);
    let prepared = PreparedData::new(&data, 0.0, 0).unwrap();
    let window = Window { n_stack: 4, chunk_size: 5, ..Window::TICK };
    let (observed, targets, mask) = rows(&prepared, &[30, 31, 32], window);
    assert_eq!(observed, [30, 30, 30, 30, 30, 30, 30, 31, 32, 32, 32, 32]);
    assert_eq!((&targets[..2], targets[5], targets[10]), (&[-30, -31][..], -31, -32));
    let row = |present: usize| (0..5).map(move |at| if at < present { 1.0 } else { 0.0 });
    assert_eq!(mask, row(2).chain(row(1)).chain(row(1)).collect::<Vec<_>>());
    // Nothing else is in a chunk's padding, which the loss leaves out.
    let batch = prepared.batch(&[30, 31, 32], window);
    let mask = batch.mask.as_deref().unwrap();
    assert!(batch.actions.iter().zip(mask).all(|(action, mask)| *mask == 1.0 || *action == 0.0));
}

#[test]
fn the_padding_of_short_episodes_is_not_trained_on() {
    // The action equals the observation, which is constant in an episode. Most rows are episodes of one tick, whose chunks
    // are padding but for the first action: trained on, it would draw the later actions to the mean, 0.
    let mut data = data(0, 0, (1, 1), |_, _| {});
    for episode in 0..410 {
        let ticks = if episode < 10 { 20 } else { 1 };
        let values = vec![if episode % 2 == 0 { 1.0 } else { -1.0 }; ticks];
        data.push_episode(&values, &values);
    }
    let dir = tempfile::tempdir().unwrap();
    let config =
        config(&["head.chunk_size=4", "head.n_action_steps=4", "optimizer.learning_rate=5e-3", "training.steps=1500"]);
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    for value in [1.0f32, -1.0] {
        let (mut states, mut action) = ([PolicyState::new(0)], [0.0]);
        for tick in 0..4 {
            policy.act(&[value], &mut states, &mut action);
            assert!((action[0] - value).abs() < 0.2, "action {tick} of the chunk for {value}: {action:?}");
        }
    }
}

proptest! {
    #[test]
    fn windows_hold_the_right_rows(
        ticks in 6usize..30,
        start in 0u32..90,
        n_stack in 1usize..5,
        sequence_length in 1usize..6,
        chunk_size in 1usize..6,
    ) {
        let data = numbered(ticks);
        let prepared = PreparedData::new(&data, 0.0, 0).unwrap();
        let start = start % data.rows() as u32;
        let window = Window { n_stack, sequence_length, chunk_size, n_demonstration_frames: 0 };
        let (observed, targets, mask) = rows(&prepared, &[start], window);
        let first = start as usize / ticks * ticks;
        for tick in 0..sequence_length {
            let row = start as usize + tick;
            for ahead in 0..chunk_size {
                let present = row + ahead < first + ticks;
                let at = tick * chunk_size + ahead;
                prop_assert_eq!(mask[at] > 0.0, present);
                if present {
                    prop_assert_eq!(targets[at], -((row + ahead) as i64));
                }
            }
            if row < first + ticks {
                for back in 0..n_stack {
                    let expected = row.saturating_sub(back).max(first);
                    prop_assert_eq!(observed[tick * n_stack + n_stack - 1 - back], expected as i64);
                }
            }
        }
    }

    #[test]
    fn validation_sequences_hold_every_row_once(ticks in 6usize..30, sequence_length in 1usize..9, seed in 0u64..20) {
        let data = numbered(ticks);
        let prepared = PreparedData::new(&data, 0.3, seed).unwrap();
        let window = Window { sequence_length, ..Window::TICK };
        let starts = prepared.validation_starts(window);
        let (observed, _, mask) = rows(&prepared, &starts, window);
        let present = observed.iter().zip(&mask).filter(|(_, m)| **m > 0.0);
        let held: Vec<u32> = present.map(|(row, _)| *row as u32).collect();
        prop_assert_eq!(held, prepared.split.validation.clone());
    }
}
