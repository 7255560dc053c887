//! Demonstrations are rated: noisy, odd and failed ones stand last, and training can leave them out.

use apprentice::learn::{EpisodeFacts, QualityUse, RunOptions, TrainingData, rate, train};
use apprentice::policies::Policy;

use super::learn_common::{Numbers, config, data};

/// Twelve episodes along a line; the first four are `spoiled`.
fn mixed(spoiled: impl Fn(&mut f32, f32)) -> TrainingData {
    let mut data = data(12, 80, (1, 1), |_, _| {});
    let mut chance = Numbers(5);
    for row in 0..data.rows() {
        let x = (row % 80) as f32 / 10.0;
        data.observations[row] = x;
        data.actions[row] = 0.5 * x + 0.02 * chance.normal();
        if row < 4 * 80 {
            spoiled(&mut data.actions[row], chance.normal());
        }
    }
    data
}

#[test]
fn noisy_demonstrations_are_rated_last() {
    let data = mixed(|a, noise| *a += noise);
    let ratings = rate(&data);
    let worst_good = ratings[4..].iter().map(|q| q.score).fold(1.0f32, f32::min);
    for (i, q) in ratings[..4].iter().enumerate() {
        assert!(q.score < worst_good, "episode {i}: {q:?}");
        assert!(q.roughness > 2.0 * ratings[8].roughness && q.disagreement > 2.0 * ratings[8].disagreement, "{q:?}");
    }
}

#[test]
fn a_failed_demonstration_has_half_the_score_of_one_just_like_it() {
    let mut data = mixed(|_, _| {});
    let before = rate(&data);
    data.facts = (0..12).map(|i| EpisodeFacts { success: i != 5, ..EpisodeFacts::default() }).collect();
    let after = rate(&data);
    assert_eq!(after[5].score, 0.5 * before[5].score);
    assert_eq!(after[6].score, before[6].score);
}

#[test]
fn what_lies_apart_is_strange() {
    let mut data = mixed(|_, _| {});
    data.observations[3 * 80..4 * 80].iter_mut().for_each(|x| *x += 30.0);
    let ratings = rate(&data);
    let strangest = (0..12).max_by(|a, b| ratings[*a].strangeness.total_cmp(&ratings[*b].strangeness));
    assert_eq!(strangest, Some(3));
}

#[test]
fn a_filter_keeps_spoiled_demonstrations_from_being_learned() {
    let data = mixed(|a, _| *a += 1.5);
    let error = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let common = ["training.steps=800", "optimizer.learning_rate=1e-2", "data.validation_fraction=0.0"];
        let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
        let summary = train(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
        let mut policy = Policy::load(&summary.policy_dir).unwrap();
        let seen: Vec<f32> = (0..80).map(|i| i as f32 / 10.0).collect();
        let mut actions = vec![0.0; 80];
        policy.act(&seen, &mut [], &mut actions);
        seen.iter().zip(&actions).map(|(x, a)| (a - 0.5 * x).abs()).sum::<f32>() / 80.0
    };
    let (all, weighted, filtered) =
        (error(&[]), error(&["data.quality=weight"]), error(&["data.quality=filter", "data.keep=0.6"]));
    assert!(all > 0.3, "a third of the demonstrations is 1.5 off, and the mean only {all}");
    assert!(filtered < 0.1 && weighted < 0.6 * all, "all {all}, weighted {weighted}, filtered {filtered}");
}

#[test]
fn ratings_do_not_depend_on_the_order_of_two_calls_and_a_single_episode_is_rated() {
    let data = mixed(|a, noise| *a += noise);
    assert_eq!(rate(&data), rate(&data));
    let one = data.first_episodes(1);
    assert_eq!(rate(&one).len(), 1);
    assert!(rate(&one)[0].score.is_finite());
    assert_eq!(QualityUse::default(), QualityUse::None);
}

#[test]
fn what_is_not_learned_from_is_validated_by_all_the_same() {
    let data = mixed(|a, _| *a += 1.5);
    let best = |quality: &str| {
        let dir = tempfile::tempdir().unwrap();
        let changes = ["training.steps=300", "optimizer.learning_rate=1e-2", "data.validation_fraction=0.4", quality];
        train(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap().best_loss.unwrap()
    };
    // Were the spoiled ones no part of the validation, what learned from the others would have no error at all.
    let (all, filtered) = (best("data.quality=none"), best("data.quality=filter"));
    assert!(filtered > 0.1, "{filtered}, and {all} where all are learned from");
}
