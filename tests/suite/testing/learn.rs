//! Small supervised learning problems with known solutions.

use apprentice::learn::{TrainConfig, TrainingData, defaults, find_learner};
use apprentice::spaces::{Field, Layout};

/// Uniform random numbers in `-1..1` from a linear congruential generator, which is random enough for these tests.
pub struct Lcg(pub u64);

impl Lcg {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Approximately standard normal: half the sum of twelve uniform numbers.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() / 2.0
    }
}

/// A layout of one field.
pub fn layout(name: &str, size: usize) -> Layout {
    Layout::new(name, vec![Field::new("x", size, "1", -100.0, 100.0)])
}

/// `episodes` episodes of `ticks` ticks with random observations. `expert` writes the action for an observation.
pub fn data(
    episodes: usize,
    ticks: usize,
    (obs_dim, act_dim): (usize, usize),
    mut expert: impl FnMut(&[f32], &mut [f32]),
) -> TrainingData {
    let mut rng = Lcg(7);
    let rows = episodes * ticks;
    let observations: Vec<f32> = (0..rows * obs_dim).map(|_| 3.0 * rng.next() + 1.0).collect();
    let mut actions = vec![0.0; rows * act_dim];
    for (o, a) in observations.chunks_exact(obs_dim).zip(actions.chunks_exact_mut(act_dim)) {
        expert(o, a);
    }
    TrainingData {
        observations,
        actions,
        observation: layout("test/observation", obs_dim),
        action: layout("test/action", act_dim),
        episode_starts: (0..episodes).map(|e| e * ticks).collect(),
        control_dt: 1.0 / 30.0,
        agent: "test".into(),
        source: "a test".into(),
        weights: None,
        episode_info: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        left_out: Vec::new(),
        mirrors: Err("the layouts are synthetic".into()),
        interventions: Vec::new(),
    }
}

/// A small and fast configuration of behavior cloning with the given changes.
pub fn config(changes: &[&str]) -> TrainConfig {
    config_of("bc", changes)
}

/// The same settings for another learner, with the given changes.
pub fn config_of(learner: &str, changes: &[&str]) -> TrainConfig {
    let small = ["network.hidden_sizes=[16]", "training.batch_size=64", "training.steps=200", "training.eval_freq=50"];
    let all: Vec<String> = small.iter().chain(changes).map(|s| s.to_string()).collect();
    let learner = find_learner(learner).expect("a learner");
    defaults("bc").for_learner(learner).changed(None, &all).expect("a valid configuration")
}
