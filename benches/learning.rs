//! Learning: inference, training steps, minibatches. `cargo bench --bench learning`

use apprentice::bench::{LARGE, SMALL, synthetic_data};
use apprentice::learn::{BatchSampler, BehaviorCloning, Learner, PreparedData, UpdateStep, Window};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn inference(c: &mut Criterion) {
    let data = synthetic_data(64);
    let prepared = PreparedData::new(&data, 0.0, 0).expect("data that holds");
    let mut policy = BehaviorCloning::on_data(&SMALL.config(), &prepared, &Device::flex())
        .and_then(|learner| Ok(learner.policy()?))
        .expect("a policy");
    let mut group = c.benchmark_group("inference");
    for agents in [1, 64, 1024] {
        let numbers = data.observations.iter().copied().cycle();
        let observations: Vec<f32> = numbers.take(agents * data.observation.size()).collect();
        let mut actions = vec![0.0; agents * data.action.size()];
        group.throughput(Throughput::Elements(agents as u64));
        group.bench_function(BenchmarkId::from_parameter(agents), |b| {
            b.iter(|| policy.act(&observations, &mut [], &mut actions));
        });
    }
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training step");
    group.sample_size(10);
    for size in [SMALL, LARGE] {
        let data = synthetic_data(size.batch());
        let prepared = PreparedData::new(&data, 0.0, 0).expect("data that holds");
        let config = size.config();
        let device = Device::flex();
        let mut learner = BehaviorCloning::on_data(&config, &prepared, &device).expect("a learner");
        let rows: Vec<u32> = (0..size.batch() as u32).collect();
        let mut index = 0;
        group.throughput(Throughput::Elements(size.batch() as u64));
        group.bench_function(BenchmarkId::from_parameter(size.name()), |b| {
            b.iter(|| {
                let step = UpdateStep { index, learning_rate: 1e-6, seed: 0 };
                learner.update_on(prepared.batch(&rows, Window::TICK), step);
                learner.metrics(index).expect("finite numbers");
                index += 1;
            });
        });
    }
}

fn batches(c: &mut Criterion) {
    let data = synthetic_data(20_000);
    let prepared = PreparedData::new(&data, 0.0, 0).expect("data that holds");
    let mut order = BatchSampler::new(prepared.split.train.clone(), 256, 0);
    let mut step = 0;
    let mut group = c.benchmark_group("batches");
    group.throughput(Throughput::Elements(256));
    group.bench_function("256 rows", |b| {
        b.iter(|| {
            let batch = prepared.batch(order.rows(step), Window::TICK);
            step += 1;
            batch.rows
        });
    });
}

criterion_group!(benches, inference, training, batches);
criterion_main!(benches);
