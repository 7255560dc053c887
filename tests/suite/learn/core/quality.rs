//! Quality scores: noisy, unusual and failed demonstrations rank last, and training can filter them.

use apprentice::learn::{EpisodeInfo, QualityUse, RunOptions, TrainingData, rate_quality, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{Lcg, config, data};

/// Twelve episodes along a line; the actions of the first four are changed by `corrupt(action, noise)`.
fn mixed(corrupt: impl Fn(&mut f32, f32)) -> TrainingData {
    let mut data = data(12, 80, (1, 1), |_, _| {});
    let mut numbers = Lcg(5);
    for row in 0..data.rows() {
        let x = (row % 80) as f32 / 10.0;
        data.observations[row] = x;
        data.actions[row] = 0.5 * x + 0.02 * numbers.normal();
        if row < 4 * 80 {
            corrupt(&mut data.actions[row], numbers.normal());
        }
    }
    data
}

#[test]
fn noisy_demonstrations_rank_last() {
    let data = mixed(|a, noise| *a += noise);
    let qualities = rate_quality(&data);
    let worst_good = qualities[4..].iter().map(|q| q.score).fold(1.0f32, f32::min);
    for (i, q) in qualities[..4].iter().enumerate() {
        assert!(q.score < worst_good, "episode {i}: {q:?}");
        assert!(
            q.action_rate > 2.0 * qualities[8].action_rate
                && q.action_divergence > 2.0 * qualities[8].action_divergence,
            "{q:?}"
        );
    }
}

#[test]
fn failure_halves_the_score() {
    let mut data = mixed(|_, _| {});
    let before = rate_quality(&data);
    data.episode_info = (0..12).map(|i| EpisodeInfo { success: i != 5, ..EpisodeInfo::default() }).collect();
    let after = rate_quality(&data);
    assert_eq!(after[5].score, 0.5 * before[5].score);
    assert_eq!(after[6].score, before[6].score);
}

#[test]
fn an_outlier_has_the_highest_state_novelty() {
    let mut data = mixed(|_, _| {});
    data.observations[3 * 80..4 * 80].iter_mut().for_each(|x| *x += 30.0);
    let qualities = rate_quality(&data);
    let most_novel = (0..12).max_by(|a, b| qualities[*a].state_novelty.total_cmp(&qualities[*b].state_novelty));
    assert_eq!(most_novel, Some(3));
}

#[test]
fn a_filter_drops_corrupt_demonstrations() {
    let data = mixed(|a, _| *a += 1.5);
    let error = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let common = ["training.steps=800", "optimizer.learning_rate=1e-2", "data.validation_fraction=0.0"];
        let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
        let summary =
            train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
        let mut policy = Policy::load(&summary.policy_dir).unwrap();
        let observations: Vec<f32> = (0..80).map(|i| i as f32 / 10.0).collect();
        let mut actions = vec![0.0; 80];
        policy.act(&observations, &mut [], &mut actions);
        observations.iter().zip(&actions).map(|(x, a)| (a - 0.5 * x).abs()).sum::<f32>() / 80.0
    };
    let (all, weighted, filtered) =
        (error(&[]), error(&["data.quality=weight"]), error(&["data.quality=filter", "data.quality_keep=0.6"]));
    assert!(all > 0.3, "a third of the demonstrations has an error of 1.5, the policy only {all}");
    assert!(filtered < 0.1 && weighted < 0.6 * all, "all {all}, weighted {weighted}, filtered {filtered}");
}

#[test]
fn scores_are_deterministic_and_a_single_episode_has_one() {
    let data = mixed(|a, noise| *a += noise);
    assert_eq!(rate_quality(&data), rate_quality(&data));
    let one = data.take_episodes(1);
    assert_eq!(rate_quality(&one).len(), 1);
    assert!(rate_quality(&one)[0].score.is_finite());
    assert_eq!(QualityUse::default(), QualityUse::None);
}

#[test]
fn filtered_demonstrations_still_validate() {
    let data = mixed(|a, _| *a += 1.5);
    let best = |quality: &str| {
        let dir = tempfile::tempdir().unwrap();
        let changes = ["training.steps=300", "optimizer.learning_rate=1e-2", "data.validation_fraction=0.4", quality];
        train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ())
            .unwrap()
            .best_loss
            .unwrap()
    };
    // Without the corrupt episodes in the validation, the filtered run would have almost no validation loss.
    let (all, filtered) = (best("data.quality=none"), best("data.quality=filter"));
    assert!(filtered > 0.1, "{filtered} with the filter, {all} without");
}
