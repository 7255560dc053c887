//! The cost of files: reading and shuffling demonstrations, writing checkpoints.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::arenas::resident;
use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::demos::{Dataset, Episode, EpisodeHeader, Tick};
use crate::learn::{BatchSampler, BehaviorCloning, Learner, PreparedData, TrainingData, Window, defaults};
use crate::scenes::find;

/// Total ticks, and ticks per episode: a bit over a minute.
const TICKS: usize = 1_000_000;
const EPISODE: usize = 2_000;
/// The minibatch size.
const BATCH: usize = 256;

/// Write a synthetic dataset of the size of real driving.
fn write(dir: &Path, options: &Options) -> Result<(), BenchError> {
    let scene = find("circuit")?;
    let spaces = scene.blueprint.spaces();
    let header = EpisodeHeader {
        scene: scene.name.clone(),
        scene_hash: scene.hash(),
        scene_text: scene.text.clone(),
        seed: 0,
        agent: spaces.agent.to_string(),
        operator: "bench".into(),
        task: scene.title(),
        control_dt: scene.blueprint.control_dt(),
        observation: (*spaces.observation).clone(),
        action: (*spaces.action).clone(),
        terms: scene.blueprint.terms().into_iter().map(|(name, _)| name).collect(),
        agent_index: 0,
        other_act_dim: 0,
        lead_in: Vec::new(),
        snapshot: Vec::new(),
    };
    let mut dataset = Dataset::create_or_open(dir, &header)?;
    let (obs_dim, act_dim, terms) = (header.observation.size(), header.action.size(), vec![0.0; header.terms.len()]);
    let mut value = 1u32;
    let mut number = || {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (value >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    for seed in 0..TICKS / EPISODE {
        options.check_stop()?;
        let mut episode = Episode::new(EpisodeHeader { seed: seed as u64, ..header.clone() });
        for tick in 0..EPISODE {
            let observation: Vec<f32> = (0..obs_dim).map(|_| number()).collect();
            let action: Vec<f32> = (0..act_dim).map(|_| number().abs()).collect();
            episode.push(Tick {
                observation: &observation,
                action: &action,
                other_actions: &[],
                reward: 0.0,
                terms: &terms,
                done: tick + 1 == EPISODE,
                success: false,
                intervention: false,
                state_hash: tick as u64,
            })?;
        }
        dataset.append(&episode)?;
    }
    Ok(())
}

/// Peak resident memory of the process while `work` ran, bytes above that before.
fn peak_memory<T>(work: impl FnOnce() -> T) -> (T, Option<usize>) {
    let before = resident();
    let (done, peak) = (AtomicBool::new(false), AtomicUsize::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(resident().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let result = work();
        peak.fetch_max(resident().unwrap_or(0), Ordering::Relaxed);
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, before.map(|b| peak.load(Ordering::Relaxed).saturating_sub(b)))
}

/// A million ticks from files in the page cache to one epoch of shuffled, normalized minibatches.
pub(super) fn data(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let dir = tempfile::tempdir()?;
    write(dir.path(), options)?;
    let mut bytes = 0;
    let mut raw = Vec::new();
    for _ in 0..ROUNDS {
        options.check_stop()?;
        let start = Instant::now();
        bytes = read_all(dir.path())?;
        raw.push(TICKS as f64 / start.elapsed().as_secs_f64());
    }
    let (mut rates, mut memory, mut size) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..ROUNDS {
        options.check_stop()?;
        let start = Instant::now();
        let (result, peak) = peak_memory(|| -> Result<f64, BenchError> {
            let data = TrainingData::from_dataset(&Dataset::open(dir.path())?)?;
            let prepared = PreparedData::new(&data, 0.1, 0)?;
            let mut sum = 0.0;
            let mut order = BatchSampler::new(prepared.split.train.clone(), BATCH, 0);
            for step in 0..order.batches() {
                let batch = prepared.batch(order.rows(step), Window::TICK);
                // Keep the compiler from removing the batch.
                sum += std::hint::black_box(batch.observations[0]);
            }
            std::hint::black_box(sum);
            Ok(4.0 * (data.observations.len() + data.actions.len()) as f64)
        });
        size = result?;
        rates.push(TICKS as f64 / start.elapsed().as_secs_f64());
        memory.extend(peak.map(|m| m as f64 / 1e6));
    }
    let mut out = vec![
        Measurement::new("data/from_files_to_batches", median(&rates), "ticks/s")
            .compared_to(median(&raw), "reading the raw files"),
        Measurement::new("data/size_on_disk", bytes as f64 / 1e6, "MB").compared_to(size / 1e6, "size as f32"),
    ];
    if !memory.is_empty() {
        // In later rounds the allocator reuses memory of earlier ones.
        out.push(Measurement::new("data/memory", memory[0], "MB").compared_to(size / 1e6, "size as f32"));
    }
    Ok(out)
}

/// Read every data file below `dir`; returns their total size in bytes.
fn read_all(dir: &Path) -> std::io::Result<usize> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            bytes += read_all(&path)?;
        } else if path.extension().is_some_and(|e| e == "parquet") {
            bytes += std::fs::read(&path)?.len();
        }
    }
    Ok(bytes)
}

/// Atomic write of a policy, compared to writing and syncing as many bytes.
pub(super) fn checkpoint(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let data = super::learning::synthetic_data(64);
    let prepared = PreparedData::new(&data, 0.0, 0)?;
    let policy = BehaviorCloning::on_data(&defaults("bc"), &prepared, &Device::flex())?.policy()?;
    let dir = tempfile::tempdir()?;
    let (mut times, mut raw) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while times.len() < ROUNDS || start.elapsed() < options.time_slice(1) {
        let start = Instant::now();
        policy.save(&dir.path().join("policy"))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let file = std::fs::File::create(dir.path().join("raw"))?;
        std::io::Write::write_all(&mut &file, &vec![0; policy.num_parameters() * 4])?;
        file.sync_all()?;
        raw.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![
        Measurement::new("checkpoint/write", median(&times), "ms")
            .compared_to(median(&raw), "write and fsync of as many bytes"),
    ])
}
