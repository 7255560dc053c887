//! Recurrent policies in reinforcement learning.

use std::sync::Arc;

use apprentice::learn::reinforcement::{PpoConfig, VecEnvironment, train_rl};
use apprentice::learn::{Progress, RunOptions, StepReport, TrainConfig, defaults};
use apprentice::policies::{
    Network, NetworkConfig, NetworkKind, ParameterInit, ParameterSource, Policy, PolicyConfig, PolicyError,
    RecurrentInput,
};
use apprentice::spaces::{Field, Layout};
use burn::tensor::{Device, Tensor, TensorData};
use rand_pcg::Pcg64;

use crate::testing::learn::Lcg;
use crate::testing::rl::{StopAfter, TestEnv, VecTestEnv, uniform};

/// A memory task: the action of the last tick must have the sign that is observed at the first tick. Episodes have four to
/// eight ticks; those of eight ticks are truncated.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct SignMemory {
    right: bool,
    tick: u32,
    ticks: u32,
}

impl TestEnv for SignMemory {
    const TIME_LIMIT: u32 = 8;

    fn layouts() -> (Layout, Layout) {
        let observation = vec![Field::new("sign", 1, "1", -1.0, 1.0), Field::new("last tick", 1, "1", 0.0, 1.0)];
        (
            Layout::new("memory/state", observation),
            Layout::new("memory/answer", vec![Field::new("answer", 1, "1", -1.0, 1.0)]),
        )
    }

    fn reset(rng: &mut Pcg64) -> Self {
        Self { right: uniform(rng) < 0.5, tick: 0, ticks: 4 + (5.0 * uniform(rng)) as u32 }
    }

    fn observe(&self) -> Vec<f32> {
        let sign = if self.right { 1.0 } else { -1.0 };
        let last_tick = self.tick + 1 == self.ticks;
        vec![if self.tick == 0 { sign } else { 0.0 }, f32::from(u8::from(last_tick))]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.tick += 1;
        let ended = self.tick == self.ticks;
        let right = (action[0] > 0.0) == self.right;
        (f32::from(u8::from(ended && right)), ended && self.ticks < Self::TIME_LIMIT)
    }
}

const SETTINGS: [&str; 10] = [
    "ppo.n_envs=32",
    "ppo.n_steps=32",
    "ppo.noise_correlation=0",
    "ppo.desired_kl=0",
    "optimizer.learning_rate=3e-3",
    "training.batch_size=256",
    "training.steps=40",
    "network.hidden_size=32",
    "head.kind=categorical",
    "head.num_bins=2",
];

fn config(changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = SETTINGS.iter().chain(changes).map(ToString::to_string).collect();
    defaults("ppo").changed(None, &changes).unwrap()
}

/// Mean return of the trained policy over 200 episodes.
fn trained_return(changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary =
        train_rl(&config, Box::new(VecTestEnv::<SignMemory>::new(config.get::<PpoConfig>().n_envs)), &options, &mut ())
            .unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    VecTestEnv::<SignMemory>::new(1).evaluate(&policy, 200, 9).unwrap().unwrap().mean_reward
}

#[test]
fn recurrent_policies_solve_a_memory_task() {
    for kind in ["lstm", "gru"] {
        // The mean over two seeds: single runs vary. Sequences begin and end in the middle of episodes.
        let returns = (0..2).map(|seed| {
            let seed = format!("training.seed={seed}");
            trained_return(&[&format!("network.kind={kind}"), "network.n_obs_steps=8", &seed])
        });
        let returns: Vec<f32> = returns.collect();
        assert!(returns.iter().sum::<f32>() / 2.0 > 0.9, "{kind}: success rates {returns:?}");
    }
    let memoryless = trained_return(&[]);
    assert!((memoryless - 0.5).abs() < 0.12, "success rate {memoryless} without memory, where 0.5 is random");
}

/// The largest absolute value of a metric so far.
struct MaxMetric {
    tag: &'static str,
    max: f32,
}

impl Progress for MaxMetric {
    fn stepped(&mut self, report: &StepReport) {
        let values = report.metrics.iter().filter(|metric| metric.tag == self.tag).map(|metric| metric.value.abs());
        self.max = values.fold(self.max, f32::max);
    }
}

#[test]
fn log_probabilities_are_equal_in_rollout_and_update() {
    // With one minibatch, the KL divergence before the gradient step is 0 if the hidden states of the sequences, and their
    // resets, are those of the rollout.
    for kind in ["lstm", "gru", "mlp"] {
        let history = if kind == "mlp" { 1 } else { 8 };
        let changes = [
            &format!("network.kind={kind}"),
            &format!("network.n_obs_steps={history}"),
            "ppo.n_epochs=1",
            "training.batch_size=1024",
            "training.steps=6",
            "training.log_freq=1",
        ];
        let config = config(&changes);
        let dir = tempfile::tempdir().unwrap();
        let mut max_kl = MaxMetric { tag: "train/approx_kl", max: 0.0 };
        let options = RunOptions::new(dir.path().join("run"));
        train_rl(&config, Box::new(VecTestEnv::<SignMemory>::new(32)), &options, &mut max_kl).unwrap();
        assert!(max_kl.max < 1e-6, "{kind}: the policies differ by {} nats", max_kl.max);
    }
}

#[test]
fn a_categorical_policy_is_fine_tuned() {
    let dir = tempfile::tempdir().unwrap();
    let options = |name: &str| RunOptions::new(dir.path().join(name));
    for kind in ["mlp", "gru"] {
        let history = if kind == "mlp" { 1 } else { 8 };
        let changes = [&format!("network.kind={kind}"), &format!("network.n_obs_steps={history}"), "training.steps=2"];
        let first_config = config(&changes);
        let name = format!("{kind}-first");
        let summary =
            train_rl(&first_config, Box::new(VecTestEnv::<SignMemory>::new(32)), &options(&name), &mut ()).unwrap();
        let from = format!("init.from={}", summary.policy_dir.display());
        let second_config = config(&[&changes[..], &[&from]].concat());
        let name = format!("{kind}-second");
        train_rl(&second_config, Box::new(VecTestEnv::<SignMemory>::new(32)), &options(&name), &mut ()).unwrap();
    }
}

#[test]
fn a_resumed_run_is_bit_identical() {
    let config = config(&["network.kind=lstm", "network.n_obs_steps=4", "ppo.n_steps=8", "training.steps=6"]);
    let environments = || -> Box<dyn VecEnvironment> { Box::new(VecTestEnv::<SignMemory>::new(32)) };
    let dir = tempfile::tempdir().unwrap();
    let weights = |run: &RunOptions| std::fs::read(run.dir.join("last/model.safetensors")).unwrap();
    let uninterrupted = RunOptions::new(dir.path().join("uninterrupted"));
    train_rl(&config, environments(), &uninterrupted, &mut ()).unwrap();
    let mut resumed = RunOptions::new(dir.path().join("resumed"));
    train_rl(&config, environments(), &resumed, &mut StopAfter(3, Arc::clone(&resumed.stop))).unwrap();
    assert_ne!(weights(&uninterrupted), weights(&resumed));
    resumed = RunOptions { resume: true, stop: Arc::default(), ..resumed };
    train_rl(&config, environments(), &resumed, &mut ()).unwrap();
    assert_eq!(weights(&uninterrupted), weights(&resumed), "the weights differ");
}

struct RandomParameters(Lcg);

impl ParameterSource for RandomParameters {
    fn parameter(&mut self, _: &str, shape: &[usize], _: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        Ok((0..shape.iter().product()).map(|_| self.0.next()).collect())
    }
}

#[test]
fn a_sequence_equals_its_ticks_one_by_one() {
    let (observation, action) = SignMemory::layouts();
    for kind in [NetworkKind::LSTM, NetworkKind::GRU] {
        let settings = NetworkConfig { kind, hidden_size: 8, n_obs_steps: 5, ..NetworkConfig::default() };
        let policy =
            PolicyConfig::new("memory", 0.02, observation.clone(), action.clone(), settings, Default::default());
        let device = Device::flex();
        let network = Network::new(&policy, &mut RandomParameters(Lcg(1)), &device).unwrap();
        let size = network.trunk().state_size();
        // Two rows of five ticks; the hidden state of the first row is reset before its third tick.
        let numbers: Vec<f32> = (0..20).map(|i| (i as f32 * 0.7).rem_euclid(2.0) - 1.0).collect();
        let inputs = Tensor::<3>::from_data(TensorData::new(numbers, [2, 5, 2]), &device);
        let before = Tensor::<2>::ones([2, size], &device).mul_scalar(0.3);
        let mask = vec![1.0f32, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [2, 5]), &device);
        let input = RecurrentInput { state: before.clone(), continuation_mask: Some(mask.clone()) };
        let (together, after) = network.forward_recurrent(inputs.clone(), input).unwrap();
        let mut state = before;
        for tick in 0..5 {
            state = state * mask.clone().slice([0..2, tick..tick + 1]);
            let input = inputs.clone().slice([0..2, tick..tick + 1, 0..2]);
            let (features, next) =
                network.forward_recurrent(input, RecurrentInput { state, continuation_mask: None }).unwrap();
            state = next;
            let features: Vec<f32> = features.into_data().iter::<f32>().collect();
            let all: Vec<f32> = together.clone().into_data().iter::<f32>().collect();
            for row in 0..2 {
                let expected = &all[(row * 5 + tick) * 8..(row * 5 + tick + 1) * 8];
                let close = features[row * 8..(row + 1) * 8].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(close, "{kind:?}: row {row}, tick {tick}");
            }
        }
        let difference = (state - after).abs().max().into_data().iter::<f32>().next().unwrap();
        assert!(difference < 1e-5, "{kind:?}: the state after the last tick");
    }
}

#[test]
fn unsupported_recurrent_settings_are_rejected() {
    let rejection = |changes: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let config = config(changes);
        let options = RunOptions::new(dir.path().join("run"));
        train_rl(&config, Box::new(VecTestEnv::<SignMemory>::new(32)), &options, &mut ()).unwrap_err().to_string()
    };
    let message = rejection(&["network.kind=gru", "network.n_obs_steps=5"]);
    assert!(message.contains("ppo.n_steps must be a multiple"), "{message}");
    let message = rejection(&["network.kind=transformer", "network.n_obs_steps=4"]);
    assert!(message.contains("network.kind lstm or gru"), "{message}");
}
