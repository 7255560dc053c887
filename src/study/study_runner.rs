//! The runner of a comparison: records demonstrations, trains and evaluates, and caches every result on disk.

use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::demos::Dataset;
use crate::learn::{Outcome, RunOptions, TrainConfig, TrainingData, train_on_dataset};
use crate::policies::Policy;
use crate::policies::checksums::{json_with_checksum, read_json_with_checksum};
use crate::rollout::{Evaluation, Player, evaluate, evaluation_seeds, record, recording_seeds};
use crate::scenes::Scene;
use crate::sim::split_seed;
use crate::teleop::Skill;

/// Seed of the demonstrations and of the evaluation episodes.
const SEED: u64 = 2026;

/// The metrics of a cell by name.
pub type CellMetrics = BTreeMap<String, f64>;

/// The settings of all cells in a folder.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    quick: bool,
    version: String,
}

/// Runs the cells of a comparison in its folder.
pub struct StudyRunner<'a> {
    dir: PathBuf,
    quick: bool,
    seeds: u64,
    stop: Arc<AtomicBool>,
    progress: Mutex<&'a mut (dyn FnMut(&str) + Send)>,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StudyError {
    let path = path.to_path_buf();
    move |source| StudyError::Io { action, path, source }
}

impl<'a> StudyRunner<'a> {
    /// A runner in `dir`, which is created or resumed. `quick` scales all counts down for a smoke test whose results mean
    /// little. Each method is trained with `seeds` training seeds. `progress` receives a line per finished cell.
    ///
    /// # Errors
    /// The folder cannot be written, or holds a study with other settings.
    pub fn new(
        dir: &Path,
        quick: bool,
        seeds: u64,
        stop: Arc<AtomicBool>,
        progress: &'a mut (dyn FnMut(&str) + Send),
    ) -> Result<Self, StudyError> {
        fs::create_dir_all(dir).map_err(io("make the folder", dir))?;
        let settings = Settings { quick, version: env!("CARGO_PKG_VERSION").into() };
        let path = dir.join("study.json");
        if path.exists() {
            let found: Settings = read(&path)?;
            if found != settings {
                return Err(StudyError::Settings { path: dir.into() });
            }
        } else {
            write(&path, &settings)?;
        }
        // Run configurations refer to other runs by path: the paths must not depend on the working directory.
        let dir = std::path::absolute(dir).map_err(io("find", dir))?;
        Ok(Self { dir, quick, seeds, stop, progress: Mutex::new(progress) })
    }

    /// Call `work` for each pair of item and training seed, in parallel on all cores, since a training run uses about one.
    /// Returns the results by item, then by seed.
    ///
    /// # Errors
    /// The first error of `work`; jobs that have not been started are skipped.
    pub fn with_each_seed<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T, u64) -> Result<R, StudyError> + Sync,
    ) -> Result<Vec<Vec<R>>, StudyError> {
        let jobs: Vec<(usize, u64)> =
            (0..items.len()).flat_map(|item| (0..self.seeds).map(move |seed| (item, seed))).collect();
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let worker = || {
            let mut done = Vec::new();
            while let Some((item, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = work(&items[*item], *seed);
                let is_error = result.is_err();
                done.push(((*item, *seed), result));
                if is_error {
                    failed.store(true, Ordering::Relaxed);
                }
                if failed.load(Ordering::Relaxed) {
                    break;
                }
            }
            done
        };
        let workers = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
        let mut done: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        done.sort_by_key(|(job, _)| *job);
        let mut results: Vec<Vec<R>> = items.iter().map(|_| Vec::new()).collect();
        for ((item, _), result) in done {
            results[item].push(result?);
        }
        Ok(results)
    }

    /// The number of evaluation episodes.
    fn episodes(&self) -> usize {
        if self.quick { 10 } else { 100 }
    }

    /// `full`, or a fifth of it in a quick study.
    pub fn scaled_count(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(5) } else { full }
    }

    /// `config` with this training seed, and with a twentieth of its steps in a quick study.
    pub fn scaled_config(&self, config: &TrainConfig, seed: u64) -> TrainConfig {
        let mut config = config.clone();
        config.training.seed = seed;
        if self.quick {
            config.training.steps = (config.training.steps / 20).max(1);
        }
        config
    }

    /// Demonstrations of `scene`, the given number by each operator. They are recorded at the first call.
    ///
    /// # Errors
    /// Recording fails, or the study was stopped.
    pub fn demonstrations(&self, scene: &Scene, by: &[(Skill, usize)]) -> Result<TrainingData, StudyError> {
        let operators: Vec<String> = by.iter().map(|(skill, count)| format!("{skill}{count}")).collect();
        let dir = self.dir.join("demonstrations").join(format!("{}-{}", scene.name, operators.join("-")));
        let total: usize = by.iter().map(|(_, count)| count).sum();
        let recorded = if dir.exists() { Dataset::open(&dir)?.len() } else { 0 };
        if recorded != total {
            // An earlier recording was interrupted. Appending to it would change the order of the episodes.
            if dir.exists() {
                fs::remove_dir_all(&dir).map_err(io("remove", &dir))?;
            }
            self.notify(&format!("recording {total} demonstrations of {}", scene.name));
            for (skill, count) in by {
                let seeds = recording_seeds(split_seed(SEED, *skill as u64)).take(*count);
                record(scene, *skill, seeds, &dir, &self.stop, |_| {})?;
                self.check_stop()?;
            }
        }
        Ok(TrainingData::from_dataset(&Dataset::open(&dir)?)?)
    }

    /// The options of the run `name` of this comparison, which is created or resumed.
    pub fn run(&self, name: &str) -> RunOptions {
        let dir = self.dir.join("runs").join(name);
        RunOptions { stop: self.stop.clone(), resume: dir.exists(), ..RunOptions::new(dir) }
    }

    /// Whether this is a quick study.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// Train a policy, or resume its training.
    ///
    /// # Errors
    /// Training fails, or the study was stopped.
    pub fn train_on_dataset(
        &self,
        name: &str,
        config: &TrainConfig,
        data: &TrainingData,
    ) -> Result<Policy, StudyError> {
        self.train_with(self.run(name), config, data)
    }

    /// Like [`Self::train_on_dataset`], with these run options.
    ///
    /// # Errors
    /// Training fails, or the study was stopped.
    pub fn train_with(
        &self,
        options: RunOptions,
        config: &TrainConfig,
        data: &TrainingData,
    ) -> Result<Policy, StudyError> {
        let options = RunOptions { resume: options.dir.join("config.toml").exists(), ..options };
        let summary = train_on_dataset(config, data, &options, &mut ())?;
        if summary.outcome == Outcome::Interrupted {
            return Err(StudyError::Stopped);
        }
        Ok(Policy::load(&summary.policy_dir)?)
    }

    /// Seeds of the evaluation episodes.
    pub fn evaluation_seeds(&self) -> Vec<u64> {
        evaluation_seeds(SEED, self.episodes())
    }

    /// Evaluate a policy.
    ///
    /// # Errors
    /// It does not fit the scene's agent, or the study was stopped.
    pub fn evaluate(&self, policy: Policy, scene: &Scene) -> Result<Evaluation, StudyError> {
        let evaluation = evaluate(scene, Player::Policy(Box::new(policy)), &self.evaluation_seeds(), 0, |_| {})?;
        self.check_stop()?;
        Ok(evaluation)
    }

    /// The success rate in `scene` of a policy trained on `data`, as the cell `name`.
    ///
    /// # Errors
    /// Training or evaluation fails, or the study was stopped.
    pub fn success_rate(
        &self,
        name: &str,
        config: &TrainConfig,
        data: &TrainingData,
        scene: &Scene,
    ) -> Result<f64, StudyError> {
        let metrics = self.cell(name, || {
            let policy = self.train_on_dataset(name, config, data)?;
            let evaluation = self.evaluate(policy, scene)?;
            Ok(CellMetrics::from([("success".into(), evaluation.success_rate)]))
        })?;
        Ok(metrics["success"])
    }

    /// The metrics of the cell `name`: read from its file, or computed by `work` and stored.
    ///
    /// # Errors
    /// Those of `work`, or a file that cannot be read or written.
    pub fn cell(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<CellMetrics, StudyError>,
    ) -> Result<CellMetrics, StudyError> {
        let path = self.dir.join("cells").join(format!("{name}.json"));
        if path.exists() {
            return read(&path);
        }
        self.check_stop()?;
        let metrics = work()?;
        let list: Vec<String> = metrics.iter().map(|(key, value)| format!("{key} {value:.3}")).collect();
        self.notify(&format!("{name}: {}", list.join(", ")));
        write(&path, &metrics)?;
        Ok(metrics)
    }

    fn notify(&self, line: &str) {
        (self.progress.lock().unwrap_or_else(PoisonError::into_inner))(line);
    }

    /// # Errors
    /// [`StudyError::Stopped`] when the study was stopped.
    pub fn check_stop(&self) -> Result<(), StudyError> {
        if self.stop.load(Ordering::Relaxed) { Err(StudyError::Stopped) } else { Ok(()) }
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, StudyError> {
    let text = fs::read_to_string(path).map_err(io("read", path))?;
    read_json_with_checksum(&text).map_err(|message| StudyError::Cell { path: path.into(), message })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), StudyError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(io("make the folder", dir))?;
    let text = json_with_checksum(value).map_err(|e| StudyError::Cell { path: path.into(), message: e.to_string() })?;
    let file = tempfile::NamedTempFile::new_in(dir).map_err(io("write into", dir))?;
    fs::write(file.path(), text).map_err(io("write", path))?;
    file.persist(path).map_err(|e| e.error).map_err(io("write", path))?;
    Ok(())
}
