//! A task that asks for what was seen 20 ticks ago.

use apprentice::learn::{RunOptions, TrainingData, train};
use apprentice::policies::{Policy, PolicyMemory};

use super::learn_common::{Numbers, config, layout};

/// Ticks of an episode; the sign shown at the first is asked for at the last.
const TICKS: usize = 21;

/// Episodes of: a sign, then nothing but noise, then the question. Observations are (sign, question, noise); the action
/// is the sign where it is asked for, else zero.
fn recall(episodes: usize, seed: u64) -> TrainingData {
    let mut chance = Numbers(seed);
    let (mut observations, mut actions) = (Vec::new(), Vec::new());
    for _ in 0..episodes {
        let sign = if chance.next() > 0.0 { 1.0 } else { -1.0 };
        for tick in 0..TICKS {
            let asked = tick + 1 == TICKS;
            observations.extend([if tick == 0 { sign } else { 0.0 }, f32::from(u8::from(asked)), chance.next()]);
            actions.push(if asked { sign } else { 0.0 });
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
        facts: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        mirrors: Err("these are made-up numbers".into()),
        interventions: Vec::new(),
    }
}

/// Share of 200 new episodes at whose end the sign was said.
fn recalled(changes: &[&str]) -> f32 {
    let common = [
        "network.width=32",
        "network.layers=1",
        "network.hidden=[64]",
        "training.batch_size=1024",
        "training.steps=600",
        "training.patience=0",
        "optimizer.learning_rate=3e-3",
    ];
    let changes: Vec<_> = common.iter().chain(changes).copied().collect();
    let dir = tempfile::tempdir().unwrap();
    let summary = train(&config(&changes), &recall(400, 1), &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let unseen = recall(200, 2);
    let mut right = 0;
    for (observations, actions) in unseen.observations.chunks(TICKS * 3).zip(unseen.actions.chunks(TICKS)) {
        let mut memory = [PolicyMemory::new(0)];
        let mut said = [0.0];
        for observation in observations.chunks(3) {
            policy.act(observation, &mut memory, &mut said);
        }
        right += usize::from((said[0] - actions[TICKS - 1]).abs() < 0.5);
    }
    right as f32 / 200.0
}

#[test]
fn recurrent_networks_and_transformers_remember() {
    for kind in ["lstm", "gru", "transformer"] {
        let right = recalled(&[&format!("network.kind={kind}"), "network.history=21"]);
        assert!(right > 0.98, "{kind}: {right}");
    }
}

#[test]
fn a_network_without_memory_does_not() {
    let right = recalled(&[]);
    assert!(right < 0.65, "{right}");
}
