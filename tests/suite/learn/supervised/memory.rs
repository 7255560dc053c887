//! A memory task: the action depends on the observation 20 ticks ago.

use apprentice::learn::{RunOptions, TrainingData, train_on_dataset};
use apprentice::policies::{Policy, PolicyState};

use crate::testing::learn::{Lcg, config, layout};

/// Ticks of an episode. The first observation contains a sign; the action at the last tick must repeat it.
const TICKS: usize = 21;

/// Episodes of a sign, then noise, then a query. Observations are (sign, query, noise); the action is the sign at the
/// query, otherwise zero.
fn recall(episodes: usize, seed: u64) -> TrainingData {
    let mut numbers = Lcg(seed);
    let (mut observations, mut actions) = (Vec::new(), Vec::new());
    for _ in 0..episodes {
        let sign = if numbers.next() > 0.0 { 1.0 } else { -1.0 };
        for tick in 0..TICKS {
            let query = tick + 1 == TICKS;
            observations.extend([if tick == 0 { sign } else { 0.0 }, f32::from(u8::from(query)), numbers.next()]);
            actions.push(if query { sign } else { 0.0 });
        }
    }
    TrainingData {
        observations,
        actions,
        observation: layout("recall/observation", 3),
        action: layout("recall/action", 1),
        episode_starts: (0..episodes).map(|episode| episode * TICKS).collect(),
        control_dt: 1.0 / 30.0,
        agent: "recall".into(),
        source: "a test".into(),
        weights: None,
        episode_info: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        left_out: Vec::new(),
        mirrors: Err("these are made-up numbers".into()),
        interventions: Vec::new(),
    }
}

/// Fraction of 200 held-out episodes with the correct action at the query.
fn recall_accuracy(changes: &[&str]) -> f32 {
    let common = [
        "network.hidden_size=32",
        "network.num_layers=1",
        "network.hidden_sizes=[64]",
        "training.batch_size=1024",
        "training.steps=600",
        "training.patience=0",
        "optimizer.learning_rate=3e-3",
    ];
    let changes: Vec<_> = common.iter().chain(changes).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let summary =
        train_on_dataset(&config(&changes), &recall(400, 1), &RunOptions::new(dir.path().join("run")), &mut ())
            .unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let unseen = recall(200, 2);
    let mut correct = 0;
    for (observations, actions) in unseen.observations.chunks(TICKS * 3).zip(unseen.actions.chunks(TICKS)) {
        let mut state = [PolicyState::new(0)];
        let mut action = [0.0];
        for observation in observations.chunks(3) {
            policy.act(observation, &mut state, &mut action);
        }
        correct += usize::from((action[0] - actions[TICKS - 1]).abs() < 0.5);
    }
    correct as f32 / 200.0
}

#[test]
fn recurrent_networks_and_transformers_solve_it() {
    for kind in ["lstm", "gru", "transformer"] {
        let accuracy = recall_accuracy(&[&format!("network.kind={kind}"), "network.n_obs_steps=21"]);
        assert!(accuracy > 0.98, "{kind}: {accuracy}");
    }
}

#[test]
fn a_network_without_memory_does_not_solve_it() {
    let accuracy = recall_accuracy(&[]);
    assert!(accuracy < 0.65, "{accuracy}");
}
