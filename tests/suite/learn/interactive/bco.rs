//! Behavioral cloning from observation: demonstrations without actions.

use std::path::Path;

use apprentice::demos::{Dataset, DatasetError};
use apprentice::learn::{Progress, RunOptions, TrainError, TrainingData, bco, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::rollout::{Demonstrator, Trajectory, explore, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::spaces::Layout;
use apprentice::tasks::EpisodeEnd;
use apprentice::teleop::Skill;

use crate::testing::learn::{Lcg, config, config_of, data, layout};

/// The dynamics: the state after `action` in state `x`.
fn next_state(x: f32, action: f32) -> f32 {
    0.9 * x + 0.3 * action
}

/// Demonstrations that go to zero: `action = -x`, with noise.
fn homing_demonstrations() -> TrainingData {
    let mut data = data(10, 40, (1, 1), |_, _| {});
    let mut numbers = Lcg(9);
    for rows in 0..10 {
        let mut x = 2.0 * numbers.next();
        for row in &mut data.observations[rows * 40..(rows + 1) * 40] {
            *row = x;
            x = next_state(x, -x + 0.2 * numbers.normal());
        }
    }
    data.action = Layout { name: "no action".into(), fields: Vec::new() };
    data.actions = Vec::new();
    data
}

/// Episodes with random actions.
fn random_episodes(count: u64) -> Vec<Trajectory> {
    let mut numbers = Lcg(21);
    (0..count)
        .map(|seed| {
            let mut x = 2.0 * numbers.next();
            let mut episode = Trajectory { seed, ticks: 60, ..Trajectory::default() };
            for _ in 0..episode.ticks {
                let action = 2.0 * numbers.next();
                episode.observations.push(x);
                episode.actions.push(action);
                x = next_state(x, action);
            }
            episode.observations.push(x);
            episode
        })
        .collect()
}

#[test]
fn the_inverse_dynamics_recover_the_actions() {
    let dir = tempfile::tempdir().unwrap();
    let changes = ["bco.rounds=1", "bco.inverse_horizon=1", "training.steps=3000", "optimizer.learning_rate=5e-3"];
    let mut rounds = Vec::new();
    let summary = bco::<TrainError>(
        &config_of("bco", &changes),
        &homing_demonstrations(),
        &layout("test/action", 1),
        &RunOptions::new(dir.path().join("run")),
        &mut |_, _| Ok(random_episodes(20)),
        &mut |round, _| rounds.push(*round),
        &mut (),
    )
    .unwrap();
    assert!(
        rounds[0].action_error.is_some_and(|e| e < 0.1),
        "the error of the inferred actions is {:?}",
        rounds[0].action_error
    );
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    for x in [-1.0, -0.3, 0.0, 0.5, 1.2] {
        let mut action = [0.0];
        policy.act(&[x], &mut [], &mut action);
        assert!((action[0] + x).abs() < 0.2, "{} at {x}", action[0]);
    }
}

#[test]
fn the_end_of_a_demonstration_is_not_labeled_as_a_standstill() {
    // Full speed along a line until the end of the episode.
    let mut data = data(10, 30, (1, 1), |_, _| {});
    for rows in 0..10 {
        for (tick, row) in data.observations[rows * 30..(rows + 1) * 30].iter_mut().enumerate() {
            *row = 0.01 * rows as f32 + 0.1 * tick as f32;
        }
    }
    (data.action, data.actions) = (Layout { name: "no action".into(), fields: Vec::new() }, Vec::new());
    let mut numbers = Lcg(4);
    let episodes: Vec<Trajectory> = (0..20)
        .map(|seed| {
            let mut x = 1.5 + 2.0 * numbers.next();
            let mut episode = Trajectory { seed, ticks: 60, ..Trajectory::default() };
            for _ in 0..episode.ticks {
                let action = numbers.next();
                episode.observations.push(x);
                episode.actions.push(action);
                x += 0.1 * action;
            }
            episode.observations.push(x);
            episode
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let train = |inverse_horizon: usize, run: &str| {
        let changes = ["bco.rounds=1", &format!("bco.inverse_horizon={inverse_horizon}"), "training.steps=2000"];
        let changes = config_of("bco", &[&changes[..], &["optimizer.learning_rate=5e-3"]].concat());
        let options = RunOptions::new(dir.path().join(run));
        let action = layout("test/action", 1);
        bco::<TrainError>(&changes, &data, &action, &options, &mut |_, _| Ok(episodes.clone()), &mut |_, _| {}, &mut ())
    };
    let mut policy = Policy::load(&train(4, "run").unwrap().policy_dir).unwrap();
    for x in [0.5, 2.0, 2.8, 2.95] {
        let mut action = [0.0];
        policy.act(&[x], &mut [], &mut action);
        assert!((action[0] - 1.0).abs() < 0.2, "{} at {x}", action[0]);
    }
    assert!(train(30, "short").unwrap_err().to_string().contains("bco.inverse_horizon"), "all ticks are trimmed");
}

#[test]
fn the_policy_of_the_best_round_is_selected() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    // Only the policy of the second round succeeds. Episodes with noise do not count.
    let mut collect = |_: Option<&Policy>, round: u64| {
        let mut episodes = random_episodes(6);
        for (index, episode) in episodes.iter_mut().enumerate() {
            episode.explored = index % 2 == 0;
            episode.end = (round == 2 || episode.explored).then_some(EpisodeEnd::Success);
        }
        Ok(episodes)
    };
    let changes = config_of("bco", &["bco.rounds=3", "bco.inverse_horizon=1", "training.steps=20"]);
    let mut rounds = Vec::new();
    let action = layout("test/action", 1);
    let mut on_round = |round: &apprentice::learn::BcoRound, _: &mut dyn Progress| rounds.push(round.success);
    let summary =
        bco::<TrainError>(&changes, &homing_demonstrations(), &action, &options, &mut collect, &mut on_round, &mut ())
            .unwrap();
    assert_eq!(rounds, [0.0, 1.0, 0.0]);
    let weights = |dir: &Path| std::fs::read(dir.join("model.safetensors")).unwrap();
    assert_eq!(weights(&summary.policy_dir), weights(&options.dir.join("rounds/01/policy/best")));
}

#[test]
fn behavior_cloning_refuses_data_without_actions() {
    let dir = tempfile::tempdir().unwrap();
    let error =
        train_on_dataset(&config(&[]), &homing_demonstrations(), &RunOptions::new(dir.path().join("run")), &mut ())
            .unwrap_err();
    assert!(error.to_string().contains("train bco"), "{error}");
    assert!(!dir.path().join("run").exists(), "the run folder exists");
}

fn states_only(dir: &Path) -> Dataset {
    let scene = find("slalom").unwrap();
    let by = Demonstrator { states_only: true, ..Skill::Steady.into() };
    record(&scene, by, recording_seeds(3).take(2), dir, &Default::default(), |_| {}).unwrap();
    Dataset::open(dir).unwrap()
}

#[test]
fn a_dataset_without_actions_is_stored_and_read_but_not_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = states_only(&dir.path().join("seen"));
    let data = TrainingData::from_dataset(&dataset).unwrap();
    assert_eq!((data.episode_starts.len(), data.actions.len()), (2, 0));
    assert_eq!(data.rows(), dataset.total_ticks());
    let episode = dataset.read(1).unwrap();
    assert!(matches!(episode.check_actions(), Err(DatasetError::NoActions)));
    let info = std::fs::read_to_string(dir.path().join("seen/meta/info.json")).unwrap();
    assert!(!info.contains("\"action\""), "the dataset has an action feature");
    // Episodes with actions are refused.
    let scene = find("slalom").unwrap();
    let more = record(&scene, Skill::Steady, recording_seeds(4).take(1), dataset.dir(), &Default::default(), |_| {});
    assert!(more.unwrap_err().to_string().contains("action"), "episodes with actions were appended");
}

#[test]
fn exploration_is_deterministic_and_covers_every_action() {
    let scene = find("slalom").unwrap();
    let seeds: Vec<u64> = recording_seeds(8).take(4).collect();
    let [a, b] = [1, 2].map(|threads| explore(&scene, None, 0.3, &seeds, threads).unwrap());
    assert_eq!(a, b, "the number of threads does not matter");
    let spaces = scene.blueprint.spaces();
    for (i, (low, high)) in spaces.action.bounds().enumerate() {
        let column = || a.iter().flat_map(|e| e.actions.iter().skip(i).step_by(spaces.action.size()));
        let (least, most) = column().fold((f32::MAX, f32::MIN), |(l, m), x| (l.min(*x), m.max(*x)));
        // The noise around the neutral action covers up to half of the range.
        assert!(most - least > 0.45 * (high - low), "{i}: {least} to {most}");
    }
}
