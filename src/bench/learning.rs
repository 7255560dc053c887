//! What networks cost: deciding and training.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Tensor};

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::learn::{BatchLearner, Prepared, TrainConfig, TrainingData, UpdateStep, Window, caught, gpu, learner};
use crate::policies::Policy;
use crate::spaces::{Field, Layout};

/// Sizes of a humanoid with full state, as Gymnasium's Humanoid-v5 has them.
const OBSERVATION: usize = 348;
const ACTION: usize = 17;

/// A training step's size.
pub struct Size {
    hidden: usize,
    batch: usize,
}

/// The default network and batch.
pub const SMALL: Size = Size { hidden: 256, batch: 256 };
/// A network and batch that keep a processor busy with products of matrices.
pub const LARGE: Size = Size { hidden: 1024, batch: 4096 };

impl Size {
    /// Layers and batch, for a table.
    pub fn name(&self) -> String {
        format!("{OBSERVATION}-{0}-{0}-{ACTION}, batch {1}", self.hidden, self.batch)
    }

    /// Multiplications and additions of the forward pass of one row.
    fn forward_operations(&self) -> f64 {
        let h = self.hidden;
        2.0 * (OBSERVATION * h + h * h + h * ACTION) as f64
    }

    /// Of a training step: the backward pass has two products where the forward pass has one, but for the first layer,
    /// whose input needs no gradient.
    fn training_operations(&self) -> f64 {
        let first = 2.0 * (OBSERVATION * self.hidden) as f64;
        (3.0 * self.forward_operations() - first) * self.batch as f64
    }

    /// Rows in a step.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The configuration of a run of this size.
    pub fn config(&self) -> TrainConfig {
        let mut config = TrainConfig::default();
        config.network.hidden = vec![self.hidden; 2];
        config.training.batch_size = self.batch;
        config.data.validation_fraction = 0.0;
        config
    }
}

/// Made-up demonstrations of the benchmarks' sizes.
pub fn made_up_data(rows: usize) -> TrainingData {
    let layout = |name: &str, size| Layout::new(name, vec![Field::new("x", size, "1", -1.0, 1.0)]);
    made_up_for(layout("bench/observation", OBSERVATION), layout("bench/action", ACTION), rows)
}

/// Made-up demonstrations of an agent with these layouts.
pub(super) fn made_up_for(observation: Layout, action: Layout, rows: usize) -> TrainingData {
    let wave = |count: usize| (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect();
    TrainingData {
        observations: wave(rows * observation.size()),
        actions: wave(rows * action.size()),
        observation,
        action,
        episode_starts: vec![0],
        control_dt: 1.0 / 30.0,
        agent: "bench".into(),
        source: "made up".into(),
        weights: None,
        facts: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        mirrors: Err("these are made-up numbers".into()),
        interventions: Vec::new(),
    }
}

/// Operations per second of one large product of matrices: what a device can do at best.
fn peak(device: &Device, time: Duration) -> f64 {
    const SIDE: usize = 1024;
    let side = || Tensor::<2>::random([SIDE, SIDE], Distribution::Uniform(-1.0, 1.0), device);
    let (a, b) = (side(), side());
    let product = || a.clone().matmul(b.clone()).slice([0..1, 0..1]);
    product().into_data();
    let begun = Instant::now();
    let mut count = 0;
    while count == 0 || begun.elapsed() < time {
        // Waits for the device as seldom as training does.
        let queued: Vec<Tensor<2>> = (0..if count == 0 { 1 } else { 8 }).map(|_| product()).collect();
        count += queued.len() as u32;
        queued.into_iter().for_each(|one| drop(one.into_data()));
    }
    f64::from(count) * 2.0 * (SIDE as f64).powi(3) / begun.elapsed().as_secs_f64()
}

/// Seconds of a policy's decision for 1, 64 and 1,024 agents on the CPU.
pub(super) fn inference(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const AGENTS: [usize; 3] = [1, 64, 1024];
    let data = made_up_data(64);
    let prepared = Prepared::new(&data, 0.0, 0)?;
    let mut policy: Policy = learner(&SMALL.config(), &data, &prepared, &Device::flex())?.policy()?;
    let peak = peak(&Device::flex(), options.share(4));
    let mut out = Vec::new();
    for agents in AGENTS {
        let observations = data.observations.iter().copied().cycle().take(agents * OBSERVATION).collect::<Vec<_>>();
        let mut actions = vec![0.0; agents * ACTION];
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            options.go_on()?;
            policy.act(&observations, &mut [], &mut actions);
            let begun = Instant::now();
            let mut count = 0u32;
            while count == 0 || begun.elapsed() < options.share(AGENTS.len()) {
                policy.act(&observations, &mut [], &mut actions);
                count += 1;
            }
            rounds.push(begun.elapsed().as_secs_f64() * 1e6 / f64::from(count));
        }
        let least = agents as f64 * SMALL.forward_operations() / peak * 1e6;
        out.push(
            Measurement::new(format!("inference/agents_{agents}"), median(&rounds), "µs")
                .held_against(least, "its products at the speed of one large product"),
        );
    }
    Ok(out)
}

/// Behaviour-cloning steps on every device that there is.
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
        let peak = caught(|| peak(&device, options.share(4))).map_err(BenchError::Program)?;
        for size in sizes {
            // A graphics driver's failure is a panic.
            let rate = caught(|| steps_per_second(&size, &device, options)).map_err(BenchError::Program)??;
            out.push(
                Measurement::new(format!("training/{name}/{}", size.name()), rate, "steps/s")
                    .held_against(peak / size.training_operations(), "its products at the speed of one large product"),
            );
            // A device that takes this long for a step takes longer still for a larger one.
            if rate < 0.2 {
                break;
            }
        }
    }
    Ok(out)
}

fn steps_per_second(size: &Size, device: &Device, options: &Options) -> Result<f64, BenchError> {
    let config = size.config();
    let data = made_up_data(size.batch);
    let prepared = Prepared::new(&data, 0.0, 0)?;
    let mut learner = learner(&config, &data, &prepared, device)?;
    let rows: Vec<u32> = (0..size.batch as u32).collect();
    let mut index = 0;
    let mut step = |learner: &mut dyn BatchLearner| -> Result<(), BenchError> {
        // A rate at which no number of steps diverges: only the time counts.
        learner.update(prepared.batch(&rows, Window::TICK), UpdateStep { index, learning_rate: 1e-6, seed: 0 })?;
        index += 1;
        Ok(())
    };
    step(learner.as_mut())?;
    learner.metrics(0)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        options.go_on()?;
        let begun = Instant::now();
        let mut count = 0u32;
        while count == 0 || begun.elapsed() < options.share(2) {
            step(learner.as_mut())?;
            // Waits for the device now and then, as a run's log does, so that no queue of steps grows without bound.
            if count % 16 == 15 {
                learner.metrics(0)?;
            }
            count += 1;
        }
        learner.metrics(0)?;
        rounds.push(f64::from(count) / begun.elapsed().as_secs_f64());
        if begun.elapsed() > options.share(2) * 4 {
            break;
        }
    }
    Ok(median(&rounds))
}
