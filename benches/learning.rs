//! Learning: deciding, training steps, cutting batches. `cargo bench --bench learning`

use apprentice::learn::{Order, Prepared, TrainConfig, TrainingData, UpdateStep, learner};
use apprentice::spaces::{Field, Layout};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const OBSERVATION: usize = 348;
const ACTION: usize = 17;

fn data(rows: usize) -> TrainingData {
    let layout = |name: &str, size| Layout::new(name, vec![Field::new("x", size, "1", -1.0, 1.0)]);
    let wave = |count: usize| (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect();
    TrainingData {
        observations: wave(rows * OBSERVATION),
        actions: wave(rows * ACTION),
        observation: layout("bench/observation", OBSERVATION),
        action: layout("bench/action", ACTION),
        episode_starts: vec![0],
        control_dt: 1.0 / 30.0,
        agent: "bench".into(),
        source: "made up".into(),
        weights: None,
    }
}

fn config(hidden: usize, batch: usize) -> TrainConfig {
    let mut config = TrainConfig::default();
    config.network.hidden = vec![hidden; 2];
    config.training.batch_size = batch;
    config
}

fn inference(c: &mut Criterion) {
    let data = data(64);
    let prepared = Prepared::new(&data, 0.0, 0).expect("data that holds");
    let mut policy = learner(&config(256, 256), &data, &prepared, &Device::flex())
        .and_then(|learner| Ok(learner.policy()?))
        .expect("a policy");
    let mut group = c.benchmark_group("inference");
    for agents in [1, 64, 1024] {
        let observations: Vec<f32> = data.observations.iter().copied().cycle().take(agents * OBSERVATION).collect();
        let mut actions = vec![0.0; agents * ACTION];
        group.throughput(Throughput::Elements(agents as u64));
        group.bench_function(BenchmarkId::from_parameter(agents), |b| {
            b.iter(|| policy.act(&observations, &mut actions));
        });
    }
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training step");
    group.sample_size(10);
    for (hidden, batch) in [(256, 256), (1024, 4096)] {
        let config = config(hidden, batch);
        let data = data(batch);
        let prepared = Prepared::new(&data, 0.0, 0).expect("data that holds");
        let mut learner = learner(&config, &data, &prepared, &Device::flex()).expect("a learner");
        let rows: Vec<u32> = (0..batch as u32).collect();
        let mut index = 0;
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new(format!("{OBSERVATION}-{hidden}-{hidden}-{ACTION}"), batch), |b| {
            b.iter(|| {
                let step = UpdateStep { index, learning_rate: 1e-6, seed: 0 };
                learner.update(prepared.batch(&rows), step).expect("a step");
                learner.metrics(index).expect("finite numbers");
                index += 1;
            });
        });
    }
}

fn batches(c: &mut Criterion) {
    let data = data(20_000);
    let prepared = Prepared::new(&data, 0.0, 0).expect("data that holds");
    let mut order = Order::new(prepared.split.train.clone(), 256, 0);
    let mut step = 0;
    let mut group = c.benchmark_group("batches");
    group.throughput(Throughput::Elements(256));
    group.bench_function("256 rows", |b| {
        b.iter(|| {
            let batch = prepared.batch(order.rows(step));
            step += 1;
            batch.rows
        });
    });
}

criterion_group!(benches, inference, training, batches);
criterion_main!(benches);
