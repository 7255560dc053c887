//! A policy that is shown a demonstration does what it shows.

use apprentice::learn::{EpisodeFacts, RunOptions, TrainConfig, TrainingData, train};
use apprentice::policies::{Policy, PolicyError};
use apprentice::spaces::{Field, Layout};

use super::learn_common::{Numbers, config, data};

const THINGS: usize = 4;
const TICKS: usize = 40;

/// Each episode has a favourite among four numbers, which is the action; which one it is shows only in that the flag of
/// that number rises in the middle of the episode.
fn favourites(episodes: usize) -> TrainingData {
    let mut data = data(episodes, TICKS, (2 * THINGS, 1), |_, _| {});
    let fields = ["number", "flag"].map(|name| Field::new(name, THINGS, "1", -10.0, 10.0));
    data.observation = Layout::new("test/observation", fields.to_vec());
    let mut chance = Numbers(3);
    for episode in 0..episodes {
        let favourite = ((chance.next() + 1.0) * 2.0) as usize % THINGS;
        for tick in 0..TICKS {
            let row = episode * TICKS + tick;
            let seen = &mut data.observations[row * 2 * THINGS..][..2 * THINGS];
            seen[..THINGS].fill_with(|| chance.next());
            seen[THINGS..].fill(0.0);
            if tick > TICKS / 2 {
                seen[THINGS + favourite] = 1.0;
            }
            data.actions[row] = seen[favourite];
        }
        data.facts.push(EpisodeFacts { success: true, scene: "s".into(), task: format!("favourite {favourite}") });
    }
    data
}

fn learned(changes: &[&str]) -> (tempfile::TempDir, Result<Policy, apprentice::learn::TrainError>) {
    let dir = tempfile::tempdir().unwrap();
    let common = [
        "training.learner=one_shot",
        "network.shown=8",
        "network.width=32",
        "network.hidden=[64]",
        "training.steps=2500",
        "training.batch_size=128",
        "optimizer.learning_rate=3e-3",
    ];
    let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
    let options = RunOptions::new(dir.path().join("run"));
    let policy = train(&config(&changes), &favourites(60), &options, &mut ())
        .and_then(|summary| Ok(Policy::load(&summary.policy_dir)?));
    (dir, policy)
}

/// Mean error over the first half of an episode, where nothing is told yet, shown another one of `task`.
fn error(policy: &Policy, all: &TrainingData, task: usize, shown: usize) -> f32 {
    let of = |favourite: usize, skip: usize| {
        let name = format!("favourite {favourite}");
        (0..all.facts.len()).filter(|e| all.facts[*e].task == name).nth(skip).expect("an episode")
    };
    let rows = |episode: usize, ticks: usize| {
        let from = episode * TICKS * 2 * THINGS;
        &all.observations[from..from + ticks * 2 * THINGS]
    };
    let mut policy = policy.clone().shown(rows(of(shown, 1), TICKS)).unwrap();
    let episode = of(task, 0);
    let mut actions = [0.0; TICKS / 2];
    policy.act(rows(episode, TICKS / 2), &mut [], &mut actions);
    let wanted = &all.actions[episode * TICKS..];
    actions.iter().zip(wanted).map(|(a, b)| (a - b).abs()).sum::<f32>() / actions.len() as f32
}

#[test]
fn it_does_what_it_is_shown_and_not_what_another_task_wants() {
    for changes in [&[][..], &["data.interchangeable=[\"number\", \"flag\"]"]] {
        let (_dir, policy) = learned(changes);
        let (policy, all) = (policy.unwrap(), favourites(60));
        let mean = |shift: usize| (0..THINGS).map(|f| error(&policy, &all, f, (f + shift) % THINGS)).sum::<f32>() / 4.0;
        let (right, wrong) = (mean(0), mean(1));
        assert!(right < 0.15 && wrong > 0.4, "{changes:?}: {right} off when shown the task, {wrong} when another");
    }
}

#[test]
fn without_a_demonstration_it_says_what_it_lacks() {
    let (_dir, policy) = learned(&["training.steps=20"]);
    let policy = policy.unwrap();
    let spaces = apprentice::agents::Spaces {
        agent: "test".into(),
        observation: policy.config().observation.clone().into(),
        action: policy.config().action.clone().into(),
    };
    assert!(matches!(policy.clone().fitted(&spaces, ""), Err(PolicyError::Unshown)));
    let error = policy.shown(&[0.0; 5]).unwrap_err().to_string();
    assert!(error.contains("whole ticks"), "{error}");
    let (_dir, plain) = learned(&["network.shown=0", "training.steps=20"]);
    let error = plain.unwrap().shown(&[0.0; 2 * THINGS]).unwrap_err().to_string();
    assert!(error.contains("not trained to be shown"), "{error}");
    let changes = ["network.shown=8".to_owned(), "network.history=4".to_owned()];
    let error = TrainConfig::load(None, &changes).unwrap_err().to_string();
    assert!(error.contains("network.shown needs"), "{error}");
}
