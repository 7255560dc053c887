//! What judges are held to: no cliffs, and the fields that they are to see.

use apprentice::learn::irl::{RewardModel, inferred_reward};
use apprentice::learn::rl::{Acted, InferredReward};
use apprentice::learn::{LearnerKind, UpdateStep};
use apprentice::spaces::{Field, Layout};
use burn::tensor::Device;

use super::learn_common::{Numbers, data};
use super::rl_common::config;

/// What `rows` ticks are worth in which this was seen before and after, and nothing done, once the judge has learned from them.
fn judged(reward: &mut dyn InferredReward, rows: usize, seen: &[f32], next: &[f32], index: u64) -> Vec<f32> {
    let nothing = vec![0.0; rows];
    let acted = Acted {
        observations: seen,
        actions: &nothing,
        next,
        rewards: &nothing,
        likelihood: &|_, actions| vec![0.0; actions.len()],
    };
    reward.judge(&acted, UpdateStep { index, learning_rate: 0.0, seed: 0 }).unwrap().0
}

/// How much a judge's reward rises from what the agent sees, 0, to what was demonstrated, 2.
fn rise(kind: LearnerKind, penalty: &str) -> f32 {
    let changes =
        ["reward.hidden=[32,32]", "reward.learning_rate=2e-3", "reward.batches=20", "reward.replay=0", penalty];
    let mut numbers = Numbers(5);
    let mut normal =
        |mean: f32, rows: usize| -> Vec<f32> { (0..rows).map(|_| mean + 0.3 * numbers.normal()).collect() };
    let mut shown = data(1000, 2, (1, 1), |_, action| action[0] = 0.0);
    shown.observations = normal(2.0, 2000);
    let layouts = (&shown.observation.clone(), &shown.action.clone());
    let mut reward = inferred_reward(&config(kind, &changes), &shown, layouts, &Device::flex()).unwrap();
    let mut rise = 0.0;
    for index in 0..40 {
        let mut seen = normal(0.0, 1024);
        let mut next = normal(0.0, 1024);
        (seen[0], next[0], seen[1], next[1]) = (0.0, 0.0, 2.0, 2.0);
        let rewards = judged(&mut *reward, 1024, &seen, &next, index);
        rise = rewards[1] - rewards[0];
    }
    rise
}

#[test]
fn the_penalty_makes_every_judge_less_steep() {
    for kind in [LearnerKind::Gail, LearnerKind::Vail, LearnerKind::Airl, LearnerKind::Amp, LearnerKind::MaxentIrl] {
        let (steep, flat) = (rise(kind, "reward.penalty=0.01"), rise(kind, "reward.penalty=10"));
        assert!(steep > 0.3 && flat < 0.7 * steep, "{kind:?}: {steep} with little of it, {flat} with much");
    }
}

#[test]
fn a_reward_of_some_fields_does_not_depend_on_the_others() {
    let mut shown = data(20, 30, (2, 1), |_, action| action[0] = 0.0);
    let fields = ["near", "far"].map(|name| Field::new(name, 1, "1", -100.0, 100.0));
    shown.observation = Layout::new("test/observation", fields.to_vec());
    let layouts = (&shown.observation.clone(), &shown.action.clone());
    let mut numbers = Numbers(3);
    let seen: Vec<f32> = (0..128).map(|_| numbers.normal()).collect();
    let changed = |at: usize| {
        let mut other = seen.clone();
        other.iter_mut().skip(at).step_by(2).for_each(|x| *x += 1.0);
        other
    };
    for kind in [LearnerKind::Gail, LearnerKind::Airl, LearnerKind::Amp, LearnerKind::Apprenticeship] {
        let config = config(kind, &["reward.hidden=[16]", "reward.batch_size=64", "reward.fields=[\"near\"]"]);
        // What an update that saw this finds it worth.
        let worth = |seen: &[f32]| {
            let mut reward = inferred_reward(&config, &shown, layouts, &Device::flex()).unwrap();
            judged(&mut *reward, 64, seen, seen, 0)
        };
        assert_eq!(worth(&seen), worth(&changed(1)), "{kind:?}: what is not judged does not count");
        assert_ne!(worth(&seen), worth(&changed(0)), "{kind:?}: what is judged counts");
    }
    let unknown = config(LearnerKind::Gail, &["reward.fields=[\"colour\"]"]);
    let Err(error) = inferred_reward(&unknown, &shown, layouts, &Device::flex()) else { panic!("there is no colour") };
    let text = error.to_string();
    assert!(text.contains("no field is called colour; there are near, far"), "{text}");
}

#[test]
fn what_is_learned_from_counts_from_what_chance_earned() {
    let shown = data(20, 30, (1, 1), |_, action| action[0] = 0.0);
    let layouts = (&shown.observation.clone(), &shown.action.clone());
    let dir = tempfile::tempdir().unwrap();
    let (inferred, beside) = (dir.path().join("inferred"), dir.path().join("beside"));
    for folder in [&inferred, &beside] {
        std::fs::create_dir(folder).unwrap();
    }
    let config = config(LearnerKind::Airl, &["reward.hidden=[16]", "reward.batch_size=64"]);
    inferred_reward(&config, &shown, layouts, &Device::flex()).unwrap().save(&inferred).unwrap();
    let mut numbers = Numbers(3);
    let mut seen = || -> Vec<f32> { (0..64).map(|_| numbers.normal()).collect() };
    let (first, second) = (seen(), seen());
    let mut reward = RewardModel::load(&inferred).unwrap();
    let mean = |rewards: &[f32]| rewards.iter().sum::<f32>() / rewards.len() as f32;
    let worth = [&first, &second].map(|seen| reward.worth(seen, &[], seen));
    assert!(mean(&judged(&mut reward, 64, &first, &first, 0)).abs() < 1e-5);
    let later = judged(&mut reward, 64, &second, &second, 1);
    let level = mean(&worth[0]);
    assert!(later.iter().zip(&worth[1]).all(|(own, worth)| (own - (worth - level)).abs() < 1e-5));
    reward.save(&beside).unwrap();
    let mut resumed = RewardModel::load(&inferred).unwrap();
    resumed.load(&beside).unwrap();
    assert_eq!(judged(&mut resumed, 64, &second, &second, 1), later, "it goes on from the same level");
}
