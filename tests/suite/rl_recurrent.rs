//! Recurrent policies that learn by acting.

use std::sync::Arc;

use apprentice::learn::rl::{Environment, train_in};
use apprentice::learn::{LearnerKind, Progress, RunOptions, StepReport, TrainConfig};
use apprentice::policies::{
    Carried, Initial, Network, NetworkConfig, NetworkKind, ParameterSource, Policy, PolicyConfig, PolicyError,
};
use apprentice::spaces::{Field, Layout};
use burn::tensor::{Device, Tensor, TensorData};
use rand_pcg::Pcg64;

use super::learn_common::Numbers;
use super::rl_common::{After, Many, Task, uniform};

/// A sign is shown at the first tick, and asked for at the last. Episodes are of four to eight ticks, and some end by a limit.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Cue {
    right: bool,
    tick: u32,
    ticks: u32,
}

impl Task for Cue {
    const LIMIT: u32 = 8;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("sign", 1, "1", -1.0, 1.0), Field::new("asked", 1, "1", 0.0, 1.0)];
        (Layout::new("cue/seen", observation), Layout::new("cue/said", vec![Field::new("said", 1, "1", -1.0, 1.0)]))
    }

    fn begin(rng: &mut Pcg64) -> Self {
        Self { right: uniform(rng) < 0.5, tick: 0, ticks: 4 + (5.0 * uniform(rng)) as u32 }
    }

    fn observe(&self) -> Vec<f32> {
        let sign = if self.right { 1.0 } else { -1.0 };
        let asked = self.tick + 1 == self.ticks;
        vec![if self.tick == 0 { sign } else { 0.0 }, f32::from(u8::from(asked))]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.tick += 1;
        let ended = self.tick == self.ticks;
        let right = (action[0] > 0.0) == self.right;
        (f32::from(u8::from(ended && right)), ended && self.ticks < Self::LIMIT)
    }
}

const SETTINGS: [&str; 10] = [
    "ppo.arenas=32",
    "ppo.ticks=32",
    "ppo.persistence=0",
    "ppo.divergence=0",
    "optimizer.learning_rate=3e-3",
    "training.batch_size=256",
    "training.steps=40",
    "network.width=32",
    "head.kind=categorical",
    "head.bins=2",
];

fn config(changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = SETTINGS.iter().chain(changes).map(ToString::to_string).collect();
    LearnerKind::Ppo.defaults().changed(None, &changes).unwrap()
}

/// Mean return of 200 episodes of what is learned.
fn learned(changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary = train_in(&config, Box::new(Many::<Cue>::new(config.ppo.arenas)), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    Many::<Cue>::new(1).judge(&policy, 200, 9).unwrap().unwrap().0
}

#[test]
fn what_was_seen_is_remembered_where_that_pays() {
    for kind in ["lstm", "gru"] {
        // One run is luck; of two, the mean. Sequences begin and end in the middle of episodes.
        let found = (0..2).map(|seed| {
            let seed = format!("training.seed={seed}");
            learned(&[&format!("network.kind={kind}"), "network.history=8", &seed])
        });
        let found: Vec<f32> = found.collect();
        assert!(found.iter().sum::<f32>() / 2.0 > 0.9, "{kind}: right in {found:?} of the episodes");
    }
    let blind = learned(&[]);
    assert!((blind - 0.5).abs() < 0.12, "{blind} of the episodes right without memory, which is guessing");
}

/// Keeps the largest of a metric.
struct Largest(&'static str, f32);

impl Progress for Largest {
    fn stepped(&mut self, report: &StepReport) {
        let found = report.metrics.iter().filter(|metric| metric.tag == self.0).map(|metric| metric.value.abs());
        self.1 = found.fold(self.1, f32::max);
    }
}

#[test]
fn what_is_learned_from_is_what_was_done() {
    // One batch of everything: before the first step, an action is as likely as when it was drawn, if the states that the
    // sequences begin from, and where they are forgotten, are those of acting.
    for kind in ["lstm", "gru", "mlp"] {
        let history = if kind == "mlp" { 1 } else { 8 };
        let changes = [
            &format!("network.kind={kind}"),
            &format!("network.history={history}"),
            "ppo.epochs=1",
            "training.batch_size=1024",
            "training.steps=6",
            "training.log_every=1",
        ];
        let config = config(&changes);
        let dir = tempfile::tempdir().unwrap();
        let mut largest = Largest("train/divergence", 0.0);
        let options = RunOptions::new(dir.path().join("run"));
        train_in(&config, Box::new(Many::<Cue>::new(32)), &options, &mut largest).unwrap();
        assert!(largest.1 < 1e-6, "{kind}: the policy is {} nats from the one that acted", largest.1);
    }
}

#[test]
fn a_categorical_clone_goes_on_by_acting() {
    let dir = tempfile::tempdir().unwrap();
    let options = |name: &str| RunOptions::new(dir.path().join(name));
    for kind in ["mlp", "gru"] {
        let history = if kind == "mlp" { 1 } else { 8 };
        let changes = [&format!("network.kind={kind}"), &format!("network.history={history}"), "training.steps=2"];
        let first = config(&changes);
        let name = format!("{kind}-first");
        let summary = train_in(&first, Box::new(Many::<Cue>::new(32)), &options(&name), &mut ()).unwrap();
        let from = format!("init.from={}", summary.policy_dir.display());
        let then = config(&[&changes[..], &[&from]].concat());
        let name = format!("{kind}-then");
        train_in(&then, Box::new(Many::<Cue>::new(32)), &options(&name), &mut ()).unwrap();
    }
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let config = config(&["network.kind=lstm", "network.history=4", "ppo.ticks=8", "training.steps=6"]);
    let tasks = || -> Box<dyn Environment> { Box::new(Many::<Cue>::new(32)) };
    let dir = tempfile::tempdir().unwrap();
    let weights = |run: &RunOptions| std::fs::read(run.dir.join("last/model.safetensors")).unwrap();
    let whole = RunOptions::new(dir.path().join("whole"));
    train_in(&config, tasks(), &whole, &mut ()).unwrap();
    let mut parts = RunOptions::new(dir.path().join("parts"));
    train_in(&config, tasks(), &parts, &mut After(3, Arc::clone(&parts.stop))).unwrap();
    assert_ne!(weights(&whole), weights(&parts));
    parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
    train_in(&config, tasks(), &parts, &mut ()).unwrap();
    assert_eq!(weights(&whole), weights(&parts), "the weights differ");
}

struct Random(Numbers);

impl ParameterSource for Random {
    fn parameter(&mut self, _: &str, shape: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
        Ok((0..shape.iter().product()).map(|_| self.0.next()).collect())
    }
}

#[test]
fn a_sequence_is_its_ticks_one_by_one() {
    let (observation, action) = Cue::layouts();
    for kind in [NetworkKind::Lstm, NetworkKind::Gru] {
        let settings = NetworkConfig { kind, width: 8, history: 5, ..NetworkConfig::default() };
        let policy = PolicyConfig::new("cue", 0.02, observation.clone(), action.clone(), settings, Default::default());
        let device = Device::flex();
        let network = Network::new(&policy, &mut Random(Numbers(1)), &device).unwrap();
        let size = network.trunk().state_size();
        // Two rows of five ticks; the first row forgets before its third tick.
        let numbers: Vec<f32> = (0..20).map(|i| (i as f32 * 0.7).rem_euclid(2.0) - 1.0).collect();
        let inputs = Tensor::<3>::from_data(TensorData::new(numbers, [2, 5, 2]), &device);
        let before = Tensor::<2>::ones([2, size], &device).mul_scalar(0.3);
        let keeps = vec![1.0f32, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let keeps = Tensor::<2>::from_data(TensorData::new(keeps, [2, 5]), &device);
        let carried = Carried { state: before.clone(), keeps: Some(keeps.clone()) };
        let (together, after) = network.go_on(inputs.clone(), carried).unwrap();
        let mut state = before;
        for tick in 0..5 {
            state = state * keeps.clone().slice([0..2, tick..tick + 1]);
            let input = inputs.clone().slice([0..2, tick..tick + 1, 0..2]);
            let (features, next) = network.go_on(input, Carried { state, keeps: None }).unwrap();
            state = next;
            let features: Vec<f32> = features.into_data().iter::<f32>().collect();
            let all: Vec<f32> = together.clone().into_data().iter::<f32>().collect();
            for row in 0..2 {
                let expected = &all[(row * 5 + tick) * 8..(row * 5 + tick + 1) * 8];
                let close = features[row * 8..(row + 1) * 8].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(close, "{kind:?}: row {row}, tick {tick}");
            }
        }
        let apart = (state - after).abs().max().into_data().iter::<f32>().next().unwrap();
        assert!(apart < 1e-5, "{kind:?}: the state after the last tick");
    }
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let refused = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let config = config(changes);
        let options = RunOptions::new(dir.path().join("run"));
        train_in(&config, Box::new(Many::<Cue>::new(32)), &options, &mut ()).unwrap_err().to_string()
    };
    let message = refused(&["network.kind=gru", "network.history=5"]);
    assert!(message.contains("ppo.ticks must be a multiple"), "{message}");
    let message = refused(&["network.kind=transformer", "network.history=4"]);
    assert!(message.contains("network.kind lstm and gru"), "{message}");
}
