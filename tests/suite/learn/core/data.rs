//! Training data: invariants, the split by episodes, normalization, weights.

use apprentice::learn::{EpisodeInfo, PreparedData, RunOptions, TrainingData, Window, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{config, data};

fn example() -> TrainingData {
    data(10, 20, (2, 1), |o, a| a[0] = o[0])
}

#[test]
fn invalid_data_is_refused_with_its_position() {
    type Change = fn(&mut TrainingData);
    let cases: [(Change, &str); 9] = [
        (|d| d.actions.clear(), "it has no ticks"),
        (|d| _ = d.observations.pop(), "not the same number of rows"),
        (|d| d.observations[7] = f32::NAN, "observation x.1 of row 3 is NaN"),
        (|d| d.actions[5] = f32::INFINITY, "action x of row 5 is inf"),
        (|d| d.episode_starts[0] = 1, "episode starts"),
        (|d| d.episode_starts[3] = 5, "episode starts"),
        (|d| d.control_dt = 0.0, "control_dt"),
        (|d| d.weights = Some(vec![1.0; 3]), "3 weights"),
        (|d| d.weights = Some(vec![-1.0; 200]), "weights"),
    ];
    for (change, expected) in cases {
        let mut data = example();
        change(&mut data);
        let text = data.check().unwrap_err().to_string();
        assert!(text.contains(expected) && text.contains("a test"), "{text}");
    }
}

#[test]
fn the_split_keeps_episodes_whole() {
    let data = example();
    for seed in 0..20 {
        let split = data.split(0.25, seed);
        assert_eq!(split, data.split(0.25, seed));
        assert_eq!(split.validation.len(), 60, "3 of 10 episodes hold at least a quarter");
        assert_eq!(split.train.len() + split.validation.len(), 200);
        for row in &split.validation {
            let first = row / 20 * 20;
            assert!((first..first + 20).all(|r| split.validation.contains(&r) && !split.train.contains(&r)));
        }
    }
    assert!((0..20).any(|seed| data.split(0.25, seed) != data.split(0.25, 0)));
    assert!(data.split(0.0, 0).validation.is_empty());
    assert_eq!(data.split(0.99, 0).train.len(), 20, "one episode always trains");
    let single = crate::testing::learn::data(1, 100, (2, 1), |o, a| a[0] = o[0]);
    assert_eq!(single.split(0.1, 0).validation, (90..100).collect::<Vec<_>>());
}

#[test]
fn training_rows_are_normalized() {
    let data = example();
    let prepared = PreparedData::new(&data, 0.25, 3).unwrap();
    let batch = prepared.batch(&prepared.split.train, Window::TICK);
    for column in 0..2 {
        let values: Vec<f32> = batch.observations.iter().skip(column).step_by(2).copied().collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
    }
}

#[test]
fn a_reward_is_inferred_over_the_shortest_successful_episode() {
    let mut data = example();
    (data.episode_starts, data.episode_info) = (vec![0, 5, 90, 150], vec![EpisodeInfo::default(); 4]);
    assert_eq!(data.reward_horizon(), 60, "none succeeded: the median, not a fragment");
    data.episode_info[1].success = true;
    assert_eq!(data.reward_horizon(), 85);
    data.episode_info[2].success = true;
    assert_eq!(data.reward_horizon(), 60);
    data.episode_info.clear();
    assert_eq!(data.reward_horizon(), 60, "without metadata");
}

#[test]
fn the_hash_depends_on_every_number() {
    let (a, mut b) = (example(), example());
    assert_eq!(a.hash(), b.hash());
    b.observations[399] += 1.0;
    assert_ne!(a.hash(), b.hash());
    b = example();
    b.weights = Some(vec![1.0; 200]);
    assert_ne!(a.hash(), b.hash());
}

#[test]
fn rows_of_weight_zero_have_no_effect() {
    let mut data = data(10, 50, (1, 1), |o, a| a[0] = 2.0 * o[0]);
    // Every other row has the opposite action and weight zero.
    let weights = (0..data.rows()).map(|row| if row % 2 == 0 { 3.0 } else { 0.0 }).collect();
    data.actions.iter_mut().skip(1).step_by(2).for_each(|a| *a = -*a);
    data.weights = Some(weights);
    let config = config(&["network.hidden_sizes=[]", "data.observation_noise_std=0", "optimizer.learning_rate=0.03"]);
    let dir = tempfile::tempdir().unwrap();
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut action = [0.0];
    Policy::load(&summary.policy_dir).unwrap().act(&[1.5], &mut [], &mut action);
    assert!((action[0] - 3.0).abs() < 0.05, "{action:?}");
}
