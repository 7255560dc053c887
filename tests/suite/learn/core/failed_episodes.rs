//! Failed demonstrations are not imitated where there are enough successful ones, and the number left out is reported.

use std::fs;

use apprentice::learn::{EpisodeInfo, Progress, RunOptions, TrainSummary, TrainingData, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{config, data};

#[derive(Default)]
struct Messages(Vec<String>);

impl Progress for Messages {
    fn message(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// Eight demonstrations in `scene`: those that succeeded show half of the observation, the others minus its double.
fn mixed(scene: &str, succeeded: [bool; 8]) -> TrainingData {
    let mut row = 0;
    let mut data = data(8, 40, (1, 1), |o, a| {
        a[0] = if succeeded[row / 40] { 0.5 * o[0] } else { -2.0 * o[0] };
        row += 1;
    });
    let info = |success: bool| EpisodeInfo { success, scene: scene.to_owned(), ..EpisodeInfo::default() };
    data.episode_info = succeeded.map(info).to_vec();
    data
}

/// Three of eight failed.
const MIXED: [bool; 8] = [true, false, true, true, false, false, true, true];

struct Trained {
    summary: TrainSummary,
    messages: Vec<String>,
    /// Mean error of the policy's actions as a policy of the successful demonstrations.
    error: f32,
    split: String,
}

fn train(data: &TrainingData, changes: &[&str]) -> Trained {
    let dir = tempfile::tempdir().unwrap();
    let common = ["training.steps=600", "optimizer.learning_rate=1e-2", "data.validation_fraction=0.3"];
    let changes: Vec<&str> = common.into_iter().chain(changes.iter().copied()).collect();
    let (run, mut messages) = (dir.path().join("run"), Messages::default());
    let summary = train_on_dataset(&config(&changes), data, &RunOptions::new(&run), &mut messages).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let observations: Vec<f32> = (0..40).map(|i| i as f32 / 10.0 - 2.0).collect();
    let mut actions = vec![0.0; 40];
    policy.act(&observations, &mut [], &mut actions);
    let error = observations.iter().zip(&actions).map(|(x, a)| (a - 0.5 * x).abs()).sum::<f32>() / 40.0;
    let split = fs::read_to_string(run.join("split.json")).unwrap();
    Trained { summary, messages: messages.0, error, split }
}

#[test]
fn failed_demonstrations_are_left_out_and_counted() {
    let data = mixed("fork", MIXED);
    let trained = train(&data, &[]);
    assert!(trained.error < 0.05, "{}", trained.error);
    assert_eq!(trained.summary.failed_left_out, 3);
    let message = "3 of 8 demonstrations failed and are left out; data.include_failed=true includes them";
    assert!(trained.messages.iter().any(|m| m == message), "{:?}", trained.messages);
    let included = train(&data, &["data.include_failed=true"]);
    assert!(included.error > 0.3, "the failed demonstrations are imitated: {}", included.error);
    assert_eq!((included.summary.failed_left_out, included.messages.len()), (0, 0), "{:?}", included.messages);
}

#[test]
fn the_split_names_episodes_by_their_numbers_in_the_dataset() {
    let (data, kept) = (mixed("fork", MIXED), [0, 2, 3, 6, 7]);
    let split: serde_json::Value = serde_json::from_str(&train(&data, &[]).split).unwrap();
    let numbers = split["validation_episodes"].as_array().unwrap();
    assert!(!numbers.is_empty() && numbers.iter().all(|n| kept.contains(&n.as_u64().unwrap())), "{numbers:?}");
    // The same episodes validate when the failed ones are not in the data at all.
    let own: serde_json::Value =
        serde_json::from_str(&train(&data.select_episodes(kept.into_iter().map(|n| n as usize)), &[]).split).unwrap();
    let own: Vec<u64> = own["validation_episodes"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let renumbered: Vec<u64> = own.iter().map(|n| kept[*n as usize]).collect();
    assert_eq!(numbers.iter().map(|n| n.as_u64().unwrap()).collect::<Vec<_>>(), renumbered);
}

#[test]
fn with_too_few_successes_failures_are_imitated_and_reported() {
    let data = mixed("fork", [true, false, false, true, false, false, false, false]);
    let trained = train(&data, &[]);
    assert_eq!(trained.summary.failed_left_out, 0);
    assert!(trained.error > 0.3, "{}", trained.error);
    assert!(trained.messages[0].contains("6 of 8 demonstrations failed and are imitated"), "{:?}", trained.messages);
}

#[test]
fn each_scene_keeps_its_demonstrations_where_few_succeeded() {
    let mut data = mixed("fork", MIXED);
    data.concatenate(&mixed("slalom", [false; 8])).unwrap();
    let trained = train(&data, &["data.task_conditioning=false"]);
    assert_eq!(trained.summary.failed_left_out, 3);
    assert!(
        trained.messages[0].contains("8 of 16") && trained.messages[1].contains("3 of 16"),
        "{:?}",
        trained.messages
    );
}

#[test]
fn demonstrations_of_unknown_success_are_all_imitated() {
    let mut data = mixed("fork", MIXED);
    data.episode_info.clear();
    assert_eq!(train(&data, &[]).summary.failed_left_out, 0);
}
