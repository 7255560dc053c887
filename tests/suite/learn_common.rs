//! Small problems with known answers for the learners.

use apprentice::learn::{TrainConfig, TrainingData};
use apprentice::spaces::{Field, Layout};

/// Numbers in `-1..1` from a linear congruential generator: the tests need no better chance.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Nearly normal, mean 0 and standard deviation 1: the sum of twelve uniform numbers.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() / 2.0
    }
}

/// A layout of one field.
pub fn layout(name: &str, size: usize) -> Layout {
    Layout::new(name, vec![Field::new("x", size, "1", -100.0, 100.0)])
}

/// `episodes` episodes of `ticks` ticks whose action is `expert(observation)`.
pub fn data(
    episodes: usize,
    ticks: usize,
    (wide, narrow): (usize, usize),
    mut expert: impl FnMut(&[f32], &mut [f32]),
) -> TrainingData {
    let mut numbers = Numbers(7);
    let rows = episodes * ticks;
    let observations: Vec<f32> = (0..rows * wide).map(|_| 3.0 * numbers.next() + 1.0).collect();
    let mut actions = vec![0.0; rows * narrow];
    for (o, a) in observations.chunks_exact(wide).zip(actions.chunks_exact_mut(narrow)) {
        expert(o, a);
    }
    TrainingData {
        observations,
        actions,
        observation: layout("test/observation", wide),
        action: layout("test/action", narrow),
        episode_starts: (0..episodes).map(|e| e * ticks).collect(),
        control_dt: 1.0 / 30.0,
        agent: "test".into(),
        source: "a test".into(),
        weights: None,
        facts: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        mirrors: Err("these are made-up numbers".into()),
        interventions: Vec::new(),
    }
}

/// A small and fast configuration with the given changes.
pub fn config(changes: &[&str]) -> TrainConfig {
    let small = ["network.hidden=[16]", "training.batch_size=64", "training.steps=200", "training.validate_every=50"];
    let all: Vec<String> = small.iter().chain(changes).map(|s| s.to_string()).collect();
    TrainConfig::load(None, &all).expect("a valid configuration")
}
