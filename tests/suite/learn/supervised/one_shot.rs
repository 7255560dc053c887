//! One-shot imitation: a policy that is conditioned on a demonstration does the task of that demonstration.

use apprentice::learn::{EpisodeInfo, RunOptions, TrainingData, defaults, train_on_dataset};
use apprentice::policies::{Policy, PolicyError};
use apprentice::spaces::{Field, Layout};

use crate::testing::learn::{Lcg, config_of, data};

const OBJECTS: usize = 4;
const TICKS: usize = 40;

/// Each episode has a favorite among four numbers; the action is that number. The flag of the favorite is set from the
/// middle of the episode on, and nothing else identifies it.
fn demonstrations_of_favorites(episodes: usize) -> TrainingData {
    let mut data = data(episodes, TICKS, (2 * OBJECTS, 1), |_, _| {});
    let fields = ["number", "flag"].map(|name| Field::new(name, OBJECTS, "1", -10.0, 10.0));
    data.observation = Layout::new("test/observation", fields.to_vec());
    let mut numbers = Lcg(3);
    for episode in 0..episodes {
        let favorite = ((numbers.next() + 1.0) * 2.0) as usize % OBJECTS;
        for tick in 0..TICKS {
            let row = episode * TICKS + tick;
            let observation = &mut data.observations[row * 2 * OBJECTS..][..2 * OBJECTS];
            observation[..OBJECTS].fill_with(|| numbers.next());
            observation[OBJECTS..].fill(0.0);
            if tick > TICKS / 2 {
                observation[OBJECTS + favorite] = 1.0;
            }
            data.actions[row] = observation[favorite];
        }
        data.episode_info.push(EpisodeInfo { success: true, scene: "s".into(), task: format!("favorite {favorite}") });
    }
    data
}

fn trained(changes: &[&str]) -> (tempfile::TempDir, Result<Policy, apprentice::learn::TrainError>) {
    let dir = tempfile::tempdir().unwrap();
    let common = [
        "network.n_demonstration_frames=8",
        "network.hidden_size=32",
        "network.hidden_sizes=[64]",
        "training.steps=2500",
        "training.batch_size=128",
        "optimizer.learning_rate=3e-3",
    ];
    let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
    let options = RunOptions::new(dir.path().join("run"));
    let policy =
        train_on_dataset(&config_of("one-shot", &changes), &demonstrations_of_favorites(60), &options, &mut ())
            .and_then(|summary| Ok(Policy::load(&summary.policy_dir)?));
    (dir, policy)
}

/// Mean error over the first half of an episode of `task`, before its flag is set, conditioned on a demonstration of
/// the task `demonstrated`.
fn error(policy: &Policy, all: &TrainingData, task: usize, demonstrated: usize) -> f32 {
    let episode_of = |favorite: usize, skip: usize| {
        let name = format!("favorite {favorite}");
        (0..all.episode_info.len()).filter(|e| all.episode_info[*e].task == name).nth(skip).expect("an episode")
    };
    let rows = |episode: usize, ticks: usize| {
        let from = episode * TICKS * 2 * OBJECTS;
        &all.observations[from..from + ticks * 2 * OBJECTS]
    };
    let mut policy = policy.clone().with_demonstration(rows(episode_of(demonstrated, 1), TICKS)).unwrap();
    let episode = episode_of(task, 0);
    let mut actions = [0.0; TICKS / 2];
    policy.act(rows(episode, TICKS / 2), &mut [], &mut actions);
    let expected = &all.actions[episode * TICKS..];
    actions.iter().zip(expected).map(|(a, b)| (a - b).abs()).sum::<f32>() / actions.len() as f32
}

#[test]
fn the_policy_does_the_task_of_its_demonstration() {
    for changes in [&[][..], &["data.permutable=[\"number\", \"flag\"]"]] {
        let (_dir, policy) = trained(changes);
        let (policy, all) = (policy.unwrap(), demonstrations_of_favorites(60));
        let mean =
            |shift: usize| (0..OBJECTS).map(|f| error(&policy, &all, f, (f + shift) % OBJECTS)).sum::<f32>() / 4.0;
        let (same_task, other_task) = (mean(0), mean(1));
        assert!(
            same_task < 0.15 && other_task > 0.4,
            "{changes:?}: error {same_task} with a demonstration of the task, {other_task} with one of another task"
        );
    }
}

#[test]
fn a_missing_or_wrong_demonstration_is_an_error() {
    let (_dir, policy) = trained(&["training.steps=20"]);
    let policy = policy.unwrap();
    let spaces = apprentice::agents::Spaces {
        agent: "test".into(),
        observation: policy.config().observation.clone().into(),
        action: policy.config().action.clone().into(),
    };
    assert!(matches!(policy.clone().for_agent(&spaces, ""), Err(PolicyError::MissingDemonstration)));
    let error = policy.with_demonstration(&[0.0; 5]).unwrap_err().to_string();
    assert!(error.contains("whole number of ticks"), "{error}");
    let (_dir, plain) = trained(&["network.n_demonstration_frames=0", "training.steps=20"]);
    let error = plain.unwrap().with_demonstration(&[0.0; 2 * OBJECTS]).unwrap_err().to_string();
    assert!(error.contains("without demonstration conditioning"), "{error}");
    let changes = ["network.n_demonstration_frames=8".to_owned(), "network.n_obs_steps=4".to_owned()];
    let error = defaults("bc").changed(None, &changes).unwrap_err().to_string();
    assert!(error.contains("network.n_demonstration_frames needs"), "{error}");
}
