//! What judges are held to: no cliffs, and shaping that changes nothing of what is best.

use std::sync::Arc;

use apprentice::demos::Dataset;
use apprentice::learn::irl::{RewardModel, imitate_in, inferred_reward};
use apprentice::learn::rl::{Acted, Arenas, InferredReward};
use apprentice::learn::{LearnerKind, RunOptions, TrainConfig, UpdateStep};
use apprentice::live::training_data;
use apprentice::rollout::{VecEnvOptions, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::spaces::{Field, Layout};
use apprentice::teleop::Skill;
use burn::tensor::Device;

use super::learn_common::{Numbers, data};

fn config(kind: LearnerKind, changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    kind.defaults().changed(None, &changes).unwrap()
}

/// What is judged: `[n, 1]` numbers that are seen, those that follow, and nothing that is done.
fn judged(reward: &mut dyn InferredReward, seen: &[f32], next: &[f32], index: u64) -> Vec<f32> {
    let nothing = vec![0.0; seen.len()];
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
        let rewards = judged(&mut *reward, &seen, &next, index);
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
fn the_shaping_that_guides_adds_up_to_the_same_on_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("slalom").unwrap();
    let demos = dir.path().join("demos");
    record(&scene, Skill::Steady, recording_seeds(1).take(1), &demos, &Arc::default(), |_| {}).unwrap();
    let data = training_data(&Dataset::open(&demos).unwrap()).unwrap();
    let changes = ["ppo.arenas=4", "ppo.ticks=16", "training.batch_size=32", "training.steps=3", "ppo.judged=1"];
    let options = RunOptions::new(dir.path().join("run"));
    let arenas = Arenas::new(&scene.with_horizon(60), VecEnvOptions { arenas: 4, agents: 1, threads: 1 });
    let config = config(LearnerKind::Airl, &changes);
    imitate_in(&config, Box::new(arenas), &data, &options, &mut ()).unwrap();
    let mut reward = RewardModel::load(&options.dir).unwrap();
    let discount = reward.discount();
    assert_eq!(discount, config.ppo.discount);
    let (wide, narrow) = (data.observation.size(), data.action.size());
    let state = |row: usize| &data.observations[row * wide..(row + 1) * wide];
    // What the guide adds to the reward of a move.
    let mut added = |from: usize, to: usize| {
        let nothing = vec![0.0; narrow];
        let acted = Acted {
            observations: state(from),
            actions: &nothing,
            next: state(to),
            rewards: &[0.0],
            likelihood: &|_, actions| vec![0.0; actions.len()],
        };
        let guided = reward.judge(&acted, UpdateStep { index: 0, learning_rate: 0.0, seed: 0 }).unwrap().0[0];
        guided - reward.worth(state(from), &nothing, state(to))[0]
    };
    let mut way = |through: usize| added(0, through) + discount * added(through, 300);
    let (near, far) = (way(100), way(200));
    assert!((near - far).abs() < 1e-4, "{near} through one state, {far} through another");
    assert!(near.abs() > 1e-3, "there is a potential");
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
            let acted = Acted {
                observations: seen,
                actions: &[0.0; 64],
                next: seen,
                rewards: &[0.0; 64],
                likelihood: &|_, actions| vec![0.0; actions.len()],
            };
            reward.judge(&acted, UpdateStep { index: 0, learning_rate: 0.0, seed: 0 }).unwrap().0
        };
        assert_eq!(worth(&seen), worth(&changed(1)), "{kind:?}: what is not judged does not count");
        assert_ne!(worth(&seen), worth(&changed(0)), "{kind:?}: what is judged counts");
    }
    let unknown = config(LearnerKind::Gail, &["reward.fields=[\"colour\"]"]);
    let Err(error) = inferred_reward(&unknown, &shown, layouts, &Device::flex()) else { panic!("there is no colour") };
    let text = error.to_string();
    assert!(text.contains("no field is called colour; there are near, far"), "{text}");
}
