//! Learning from demonstrations without actions.

use std::path::Path;

use apprentice::demos::{Dataset, DatasetError};
use apprentice::learn::{RunOptions, TrainError, TrainingData, bco, train};
use apprentice::live::training_data;
use apprentice::policies::Policy;
use apprentice::rollout::{Demonstrator, Experience, explore, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::spaces::Layout;
use apprentice::teleop::Skill;

use super::learn_common::{Numbers, config, data, layout};

/// Where one gets from `x` by `action`.
fn moved(x: f32, action: f32) -> f32 {
    0.9 * x + 0.3 * action
}

/// Demonstrations that go home: `action = -x`.
fn going_home() -> TrainingData {
    let mut data = data(10, 40, (1, 1), |_, _| {});
    let mut chance = Numbers(9);
    for rows in 0..10 {
        let mut x = 2.0 * chance.next();
        for row in &mut data.observations[rows * 40..(rows + 1) * 40] {
            *row = x;
            x = moved(x, -x + 0.2 * chance.normal());
        }
    }
    data.action = Layout { name: "no action".into(), fields: Vec::new() };
    data.actions = Vec::new();
    data
}

fn chance(count: u64) -> Vec<Experience> {
    let mut numbers = Numbers(21);
    (0..count)
        .map(|seed| {
            let mut x = 2.0 * numbers.next();
            let mut episode = Experience { seed, ..Experience::default() };
            for _ in 0..60 {
                let action = 2.0 * numbers.next();
                episode.observations.push(x);
                episode.actions.push(action);
                x = moved(x, action);
            }
            episode
        })
        .collect()
}

#[test]
fn actions_are_inferred_where_the_dynamics_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let changes = ["bco.rounds=1", "bco.ahead=1", "training.steps=3000", "optimizer.learning_rate=5e-3"];
    let mut heard = Vec::new();
    let summary = bco::<TrainError>(
        &config(&changes),
        &going_home(),
        &layout("test/action", 1),
        &RunOptions::new(dir.path().join("run")),
        &mut |_, _| Ok(chance(20)),
        &mut |round| heard.push(*round),
        &mut (),
    )
    .unwrap();
    assert!(heard[0].action_error.is_some_and(|e| e < 0.1), "actions are told to {:?}", heard[0].action_error);
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    for x in [-1.0, -0.3, 0.0, 0.5, 1.2] {
        let mut action = [0.0];
        policy.act(&[x], &mut [], &mut action);
        assert!((action[0] + x).abs() < 0.2, "{} at {x}", action[0]);
    }
}

#[test]
fn the_end_of_a_demonstration_is_not_taken_for_a_standstill() {
    // Along a line at full speed, until the episode is over.
    let mut data = data(10, 30, (1, 1), |_, _| {});
    for rows in 0..10 {
        for (tick, row) in data.observations[rows * 30..(rows + 1) * 30].iter_mut().enumerate() {
            *row = 0.01 * rows as f32 + 0.1 * tick as f32;
        }
    }
    (data.action, data.actions) = (Layout { name: "no action".into(), fields: Vec::new() }, Vec::new());
    let mut numbers = Numbers(4);
    let own: Vec<Experience> = (0..20)
        .map(|seed| {
            let (mut x, mut episode) = (1.5 + 2.0 * numbers.next(), Experience { seed, ..Experience::default() });
            for _ in 0..60 {
                let action = numbers.next();
                episode.observations.push(x);
                episode.actions.push(action);
                x += 0.1 * action;
            }
            episode
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let train = |ahead: usize, run: &str| {
        let changes = ["bco.rounds=1", &format!("bco.ahead={ahead}"), "training.steps=2000"];
        let changes = config(&[&changes[..], &["optimizer.learning_rate=5e-3"]].concat());
        let options = RunOptions::new(dir.path().join(run));
        let action = layout("test/action", 1);
        bco::<TrainError>(&changes, &data, &action, &options, &mut |_, _| Ok(own.clone()), &mut |_| {}, &mut ())
    };
    let mut policy = Policy::load(&train(4, "run").unwrap().policy_dir).unwrap();
    for x in [0.5, 2.0, 2.8, 2.95] {
        let mut action = [0.0];
        policy.act(&[x], &mut [], &mut action);
        assert!((action[0] - 1.0).abs() < 0.2, "{} at {x}", action[0]);
    }
    assert!(train(30, "short").unwrap_err().to_string().contains("bco.ahead"), "nothing is left to label");
}

#[test]
fn the_policy_to_use_is_that_of_the_round_that_did_best() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    // The policy of the second round succeeds, those of the others do not; what chance has a part in does not count.
    let mut act = |_: Option<&Policy>, round: u64| {
        let mut own = chance(6);
        for (index, episode) in own.iter_mut().enumerate() {
            episode.explored = index % 2 == 0;
            episode.success = round == 2 || episode.explored;
        }
        Ok(own)
    };
    let changes = config(&["bco.rounds=3", "bco.ahead=1", "training.steps=20"]);
    let mut heard = Vec::new();
    let action = layout("test/action", 1);
    let mut hear = |round: &apprentice::learn::BcoRound| heard.push(round.success);
    let summary = bco::<TrainError>(&changes, &going_home(), &action, &options, &mut act, &mut hear, &mut ()).unwrap();
    assert_eq!(heard, [0.0, 1.0, 0.0]);
    let weights = |dir: &Path| std::fs::read(dir.join("model.safetensors")).unwrap();
    assert_eq!(weights(&summary.policy_dir), weights(&options.dir.join("rounds/01/policy/best")));
}

#[test]
fn cloning_says_that_there_are_no_actions() {
    let dir = tempfile::tempdir().unwrap();
    let error = train(&config(&[]), &going_home(), &RunOptions::new(dir.path().join("run")), &mut ()).unwrap_err();
    assert!(error.to_string().contains("train bco"), "{error}");
    assert!(!dir.path().join("run").exists(), "nothing is left");
}

fn states_only(dir: &Path) -> Dataset {
    let scene = find("slalom").unwrap();
    let by = Demonstrator { states_only: true, ..Skill::Steady.into() };
    record(&scene, by, recording_seeds(3).take(2), dir, &Default::default(), |_| {}).unwrap();
    Dataset::open(dir).unwrap()
}

#[test]
fn a_dataset_without_actions_is_stored_read_and_not_played_again() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = states_only(&dir.path().join("seen"));
    let data = training_data(&dataset).unwrap();
    assert_eq!((data.episode_starts.len(), data.actions.len()), (2, 0));
    assert_eq!(data.rows(), dataset.total_ticks());
    let episode = dataset.read(1).unwrap();
    assert!(matches!(episode.check_actions(), Err(DatasetError::NoActions)));
    let info = std::fs::read_to_string(dir.path().join("seen/meta/info.json")).unwrap();
    assert!(!info.contains("\"action\""), "the format knows of no actions then");
    // What has actions does not go into it.
    let scene = find("slalom").unwrap();
    let more = record(&scene, Skill::Steady, recording_seeds(4).take(1), dataset.dir(), &Default::default(), |_| {});
    assert!(more.unwrap_err().to_string().contains("action"), "two kinds of episodes in one dataset");
}

#[test]
fn exploring_repeats_itself_and_moves_everything() {
    let scene = find("slalom").unwrap();
    let seeds: Vec<u64> = recording_seeds(8).take(4).collect();
    let [a, b] = [1, 2].map(|threads| explore(&scene, None, 0.3, &seeds, threads).unwrap());
    assert_eq!(a, b, "the number of threads does not matter");
    let spaces = scene.blueprint.spaces();
    for (i, (low, high)) in spaces.action.bounds().enumerate() {
        let column = || a.iter().flat_map(|e| e.actions.iter().skip(i).step_by(spaces.action.size()));
        let (least, most) = column().fold((f32::MAX, f32::MIN), |(l, m), x| (l.min(*x), m.max(*x)));
        // From nothing pressed by up to half of the range.
        assert!(most - least > 0.45 * (high - low), "{i}: {least} to {most}");
    }
}
