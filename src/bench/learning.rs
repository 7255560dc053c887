//! The cost of networks: inference and training.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Tensor};

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::learn::{
    BehaviorCloning, DataConfig, Learner, PreparedData, TrainConfig, TrainingData, UpdateStep, Window, catch_panic,
    defaults, gpu,
};
use crate::policies::Policy;
use crate::spaces::{Field, Layout};

/// Dimensions of Gymnasium's Humanoid-v5.
const OBS_DIM: usize = 348;
const ACT_DIM: usize = 17;

/// The size of a training step.
pub struct Size {
    hidden: usize,
    batch: usize,
}

/// The default network and batch.
pub const SMALL: Size = Size { hidden: 256, batch: 256 };
/// A network and batch whose time is dominated by matrix products.
pub const LARGE: Size = Size { hidden: 1024, batch: 4096 };

impl Size {
    /// Layer sizes and batch size, for a table.
    pub fn name(&self) -> String {
        format!("{OBS_DIM}-{0}-{0}-{ACT_DIM}, batch {1}", self.hidden, self.batch)
    }

    /// Floating-point operations of the forward pass of one row.
    fn forward_flops(&self) -> f64 {
        let h = self.hidden;
        2.0 * (OBS_DIM * h + h * h + h * ACT_DIM) as f64
    }

    /// Floating-point operations of a training step. The backward pass has two matrix products per product of the forward
    /// pass, except for the first layer, whose input needs no gradient.
    fn training_flops(&self) -> f64 {
        let first = 2.0 * (OBS_DIM * self.hidden) as f64;
        (3.0 * self.forward_flops() - first) * self.batch as f64
    }

    /// The batch size.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The training configuration of this size.
    pub fn config(&self) -> TrainConfig {
        let mut config = defaults("bc");
        config.network.hidden_sizes = vec![self.hidden; 2];
        config.training.batch_size = self.batch;
        config.get_mut::<DataConfig>().validation_fraction = 0.0;
        config
    }
}

/// Synthetic demonstrations of the benchmarks' dimensions.
pub fn synthetic_data(rows: usize) -> TrainingData {
    let layout = |name: &str, size| Layout::new(name, vec![Field::new("x", size, "1", -1.0, 1.0)]);
    synthetic_data_for(layout("bench/observation", OBS_DIM), layout("bench/action", ACT_DIM), rows)
}

/// Synthetic demonstrations of an agent with these layouts.
pub(super) fn synthetic_data_for(observation: Layout, action: Layout, rows: usize) -> TrainingData {
    let wave = |count: usize| (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect();
    TrainingData {
        observations: wave(rows * observation.size()),
        actions: wave(rows * action.size()),
        observation,
        action,
        episode_starts: vec![0],
        control_dt: 1.0 / 30.0,
        agent: "bench".into(),
        source: "synthetic".into(),
        weights: None,
        episode_info: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        left_out: Vec::new(),
        mirrors: Err("the data is synthetic".into()),
        interventions: Vec::new(),
    }
}

/// Floating-point operations per second of one large matrix product: the device's practical peak.
fn peak_flops(device: &Device, time: Duration) -> f64 {
    const SIDE: usize = 1024;
    let side = || Tensor::<2>::random([SIDE, SIDE], Distribution::Uniform(-1.0, 1.0), device);
    let (a, b) = (side(), side());
    let product = || a.clone().matmul(b.clone()).slice([0..1, 0..1]);
    product().into_data();
    let start = Instant::now();
    let mut count = 0;
    while count == 0 || start.elapsed() < time {
        // Synchronize with the device as seldom as training does.
        let queued: Vec<Tensor<2>> = (0..if count == 0 { 1 } else { 8 }).map(|_| product()).collect();
        count += queued.len() as u32;
        queued.into_iter().for_each(|one| drop(one.into_data()));
    }
    f64::from(count) * 2.0 * (SIDE as f64).powi(3) / start.elapsed().as_secs_f64()
}

/// Inference time of a policy for 1, 64 and 1,024 agents on the CPU.
pub(super) fn inference(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const AGENTS: [usize; 3] = [1, 64, 1024];
    let data = synthetic_data(64);
    let prepared = PreparedData::new(&data, 0.0, 0)?;
    let mut policy: Policy = BehaviorCloning::on_data(&SMALL.config(), &prepared, &Device::flex())?.policy()?;
    let peak = peak_flops(&Device::flex(), options.time_slice(4));
    let mut out = Vec::new();
    for agents in AGENTS {
        let observations = data.observations.iter().copied().cycle().take(agents * OBS_DIM).collect::<Vec<_>>();
        let mut actions = vec![0.0; agents * ACT_DIM];
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            options.check_stop()?;
            policy.act(&observations, &mut [], &mut actions);
            let start = Instant::now();
            let mut count = 0u32;
            while count == 0 || start.elapsed() < options.time_slice(AGENTS.len()) {
                policy.act(&observations, &mut [], &mut actions);
                count += 1;
            }
            rounds.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(count));
        }
        let minimum = agents as f64 * SMALL.forward_flops() / peak * 1e6;
        out.push(
            Measurement::new(format!("inference/agents_{agents}"), median(&rounds), "µs")
                .compared_to(minimum, "its matrix products at peak FLOPS"),
        );
    }
    Ok(out)
}

/// Behavioral-cloning training steps on every available device.
pub(super) fn training(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut devices = vec![("cpu", Device::flex(), vec![SMALL, LARGE])];
    if let Ok((device, _)) = gpu() {
        let larger = [16_384, 65_536].map(|batch| Size { hidden: SMALL.hidden, batch });
        let middle = Size { hidden: SMALL.hidden, batch: LARGE.batch };
        let sizes = [SMALL, LARGE, middle].into_iter().chain(larger).collect();
        devices.push(("gpu", device, sizes));
    }
    let mut out = Vec::new();
    for (name, device, sizes) in devices {
        let peak = catch_panic(|| peak_flops(&device, options.time_slice(4))).map_err(BenchError::Program)?;
        for size in sizes {
            // Failures of a graphics driver are panics.
            let rate = catch_panic(|| steps_per_second(&size, &device, options)).map_err(BenchError::Program)??;
            out.push(
                Measurement::new(format!("training/{name}/{}", size.name()), rate, "steps/s")
                    .compared_to(peak / size.training_flops(), "its matrix products at peak FLOPS"),
            );
            // Larger steps would take even longer.
            if rate < 0.2 {
                break;
            }
        }
    }
    Ok(out)
}

fn steps_per_second(size: &Size, device: &Device, options: &Options) -> Result<f64, BenchError> {
    let config = size.config();
    let data = synthetic_data(size.batch);
    let prepared = PreparedData::new(&data, 0.0, 0)?;
    let mut learner = BehaviorCloning::on_data(&config, &prepared, device)?;
    let rows: Vec<u32> = (0..size.batch as u32).collect();
    let mut index = 0;
    let mut step = |learner: &mut BehaviorCloning<'_>| {
        // A learning rate that never diverges; only the time is measured.
        learner.update_on(prepared.batch(&rows, Window::TICK), UpdateStep { index, learning_rate: 1e-6, seed: 0 });
        index += 1;
    };
    step(&mut learner);
    learner.metrics(0)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        options.check_stop()?;
        let start = Instant::now();
        let mut count = 0u32;
        while count == 0 || start.elapsed() < options.time_slice(2) {
            step(&mut learner);
            // Synchronize with the device now and then, as logging does, so that its queue stays bounded.
            if count % 16 == 15 {
                learner.metrics(0)?;
            }
            count += 1;
        }
        learner.metrics(0)?;
        rounds.push(f64::from(count) / start.elapsed().as_secs_f64());
        if start.elapsed() > options.time_slice(2) * 4 {
            break;
        }
    }
    Ok(median(&rounds))
}
