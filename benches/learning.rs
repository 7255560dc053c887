//! Learning: inference, training steps, minibatches. `cargo bench --bench learning`

use apprentice::bench::{LARGE, SMALL, Size, synthetic_data};
use apprentice::learn::{BatchSampler, BehaviorCloning, Learner, PreparedData, UpdateStep, Window};
use burn::tensor::Device;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// A decision of a policy for some agents.
#[divan::bench(args = [1, 64, 1024])]
fn inference(bencher: Bencher<'_, '_>, agents: usize) {
    let data = synthetic_data(64);
    let prepared = PreparedData::new(&data, 0.0, 0).expect("valid data");
    let mut policy = BehaviorCloning::on_data(&SMALL.config(), &prepared, &Device::flex())
        .and_then(|learner| Ok(learner.policy()?))
        .expect("a policy");
    let numbers = data.observations.iter().copied().cycle();
    let observations: Vec<f32> = numbers.take(agents * data.observation.size()).collect();
    let mut actions = vec![0.0; agents * data.action.size()];
    bencher.counter(ItemsCount::new(agents)).bench_local(|| policy.act(&observations, &mut [], &mut actions));
}

/// A training step of the default network and batch.
#[divan::bench]
fn small_training_step(bencher: Bencher<'_, '_>) {
    training_step(bencher, &SMALL);
}

/// A training step of a large network and batch.
#[divan::bench(sample_count = 10)]
fn large_training_step(bencher: Bencher<'_, '_>) {
    training_step(bencher, &LARGE);
}

fn training_step(bencher: Bencher<'_, '_>, size: &Size) {
    let data = synthetic_data(size.batch());
    let prepared = PreparedData::new(&data, 0.0, 0).expect("valid data");
    let (config, device) = (size.config(), Device::flex());
    let mut learner = BehaviorCloning::on_data(&config, &prepared, &device).expect("a learner");
    let rows: Vec<u32> = (0..size.batch() as u32).collect();
    let mut index = 0;
    bencher.counter(ItemsCount::new(size.batch())).bench_local(|| {
        let step = UpdateStep { index, learning_rate: 1e-6, seed: 0 };
        learner.update_on(prepared.batch(&rows, Window::TICK), step);
        learner.metrics(index).expect("finite metrics");
        index += 1;
    });
}

/// A minibatch of 256 rows.
#[divan::bench]
fn minibatch(bencher: Bencher<'_, '_>) {
    let data = synthetic_data(20_000);
    let prepared = PreparedData::new(&data, 0.0, 0).expect("valid data");
    let mut sampler = BatchSampler::new(prepared.split.train.clone(), 256, 0);
    let mut step = 0;
    bencher.counter(ItemsCount::new(256u32)).bench_local(|| {
        let batch = prepared.batch(sampler.rows(step), Window::TICK);
        step += 1;
        batch.rows
    });
}
