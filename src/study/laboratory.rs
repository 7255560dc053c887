//! What every comparison needs: demonstrations, trainings and evaluations, each done once and kept.

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
use crate::learn::{Outcome, RunOptions, TrainConfig, TrainingData, train};
use crate::live::training_data;
use crate::policies::Policy;
use crate::rollout::{Evaluation, Player, evaluate, evaluation_seeds, record, recording_seeds};
use crate::scenes::Scene;
use crate::sim::split_seed;
use crate::teleop::Skill;

/// Seed of the demonstrations, and of the episodes that methods are judged by.
const SEED: u64 = 2026;

/// A cell's numbers by name.
pub type Numbers = BTreeMap<String, f64>;

/// What a folder's cells were measured with.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    quick: bool,
    version: String,
}

/// A comparison's folder, and how thoroughly it is made.
pub struct Laboratory<'a> {
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

impl<'a> Laboratory<'a> {
    /// The laboratory in `dir`, which is made or gone on with. `quick` makes everything small, to see that it runs; what
    /// it finds says little. Each method is trained with `seeds` seeds. `progress` hears of each cell.
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
        // Runs name each other by their folders, which are to be the same from wherever the study is gone on with.
        let dir = std::path::absolute(dir).map_err(io("find", dir))?;
        Ok(Self { dir, quick, seeds, stop, progress: Mutex::new(progress) })
    }

    /// What `work` answers about each item, trained with each seed: as many at a time as there are cores, since a training
    /// keeps one busy.
    ///
    /// # Errors
    /// The first that `work` met; the items not yet begun are left.
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
                let answer = work(&items[*item], *seed);
                let stop = answer.is_err();
                done.push(((*item, *seed), answer));
                if stop {
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
        let mut answers: Vec<Vec<R>> = items.iter().map(|_| Vec::new()).collect();
        for ((item, _), answer) in done {
            answers[item].push(answer?);
        }
        Ok(answers)
    }

    /// Episodes that a policy is judged by.
    fn episodes(&self) -> usize {
        if self.quick { 10 } else { 100 }
    }

    /// How many demonstrations there are where a thorough comparison has `full`.
    pub fn few(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(5) } else { full }
    }

    /// The settings with this seed, and as long a training as there is time for.
    pub fn sized(&self, config: &TrainConfig, seed: u64) -> TrainConfig {
        let mut config = config.clone();
        config.training.seed = seed;
        if self.quick {
            config.training.steps = (config.training.steps / 20).max(1);
        }
        config
    }

    /// Demonstrations of a scene by some operators, recorded once.
    ///
    /// # Errors
    /// Recording fails, or it was told to stop.
    pub fn demonstrations(&self, scene: &Scene, by: &[(Skill, usize)]) -> Result<TrainingData, StudyError> {
        let who: Vec<String> = by.iter().map(|(skill, count)| format!("{skill}{count}")).collect();
        let dir = self.dir.join("demonstrations").join(format!("{}-{}", scene.name, who.join("-")));
        let whole: usize = by.iter().map(|(_, count)| count).sum();
        let there = if dir.exists() { Dataset::open(&dir)?.len() } else { 0 };
        if there != whole {
            // Begun, but not ended: the episodes' order would be another.
            if dir.exists() {
                fs::remove_dir_all(&dir).map_err(io("remove", &dir))?;
            }
            self.tell(&format!("recording {whole} demonstrations of {}", scene.name));
            for (skill, count) in by {
                let seeds = recording_seeds(split_seed(SEED, *skill as u64)).take(*count);
                record(scene, *skill, seeds, &dir, &self.stop, |_| {})?;
                self.check_stop()?;
            }
        }
        Ok(training_data(&Dataset::open(&dir)?)?)
    }

    /// A run of this comparison, to be begun or gone on with.
    pub fn run(&self, name: &str) -> RunOptions {
        let dir = self.dir.join("runs").join(name);
        RunOptions { stop: self.stop.clone(), resume: dir.exists(), ..RunOptions::new(dir) }
    }

    /// Whether everything is made small.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// Train a policy, or go on with its training.
    ///
    /// # Errors
    /// Training fails, or it was told to stop.
    pub fn train(&self, name: &str, config: &TrainConfig, data: &TrainingData) -> Result<Policy, StudyError> {
        self.train_with(self.run(name), config, data)
    }

    /// The same, as `options` say.
    ///
    /// # Errors
    /// Training fails, or it was told to stop.
    pub fn train_with(
        &self,
        options: RunOptions,
        config: &TrainConfig,
        data: &TrainingData,
    ) -> Result<Policy, StudyError> {
        let options = RunOptions { resume: options.dir.join("config.toml").exists(), ..options };
        let summary = train(config, data, &options, &mut ())?;
        if summary.outcome == Outcome::Interrupted {
            return Err(StudyError::Stopped);
        }
        Ok(Policy::load(&summary.policy_dir)?)
    }

    /// Seeds of the episodes that a policy is judged by.
    pub fn judged_by(&self) -> Vec<u64> {
        evaluation_seeds(SEED, self.episodes())
    }

    /// Judge a policy.
    ///
    /// # Errors
    /// It does not fit the scene's agent, or it was told to stop.
    pub fn judge(&self, policy: Policy, scene: &Scene) -> Result<Evaluation, StudyError> {
        let evaluation = evaluate(scene, Player::Policy(Box::new(policy)), &self.judged_by(), 0, |_| {})?;
        self.check_stop()?;
        Ok(evaluation)
    }

    /// The success of a policy trained on `data` and judged in `scene`: the cell `name`.
    ///
    /// # Errors
    /// Training or judging fails, or it was told to stop.
    pub fn success(
        &self,
        name: &str,
        config: &TrainConfig,
        data: &TrainingData,
        scene: &Scene,
    ) -> Result<f64, StudyError> {
        let numbers = self.cell(name, || {
            let policy = self.train(name, config, data)?;
            let evaluation = self.judge(policy, scene)?;
            Ok(Numbers::from([("success".into(), evaluation.success_rate)]))
        })?;
        Ok(numbers["success"])
    }

    /// The numbers of the cell `name`: measured by `work`, unless they were before.
    ///
    /// # Errors
    /// What `work` answers, or a file that cannot be read or written.
    pub fn cell(&self, name: &str, work: impl FnOnce() -> Result<Numbers, StudyError>) -> Result<Numbers, StudyError> {
        let path = self.dir.join("cells").join(format!("{name}.json"));
        if path.exists() {
            return read(&path);
        }
        self.check_stop()?;
        let numbers = work()?;
        let list: Vec<String> = numbers.iter().map(|(key, value)| format!("{key} {value:.3}")).collect();
        self.tell(&format!("{name}: {}", list.join(", ")));
        write(&path, &numbers)?;
        Ok(numbers)
    }

    fn tell(&self, line: &str) {
        (self.progress.lock().unwrap_or_else(PoisonError::into_inner))(line);
    }

    /// # Errors
    /// It was told to stop.
    pub fn check_stop(&self) -> Result<(), StudyError> {
        if self.stop.load(Ordering::Relaxed) { Err(StudyError::Stopped) } else { Ok(()) }
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, StudyError> {
    let text = fs::read(path).map_err(io("read", path))?;
    serde_json::from_slice(&text).map_err(|e| StudyError::Cell { path: path.into(), message: e.to_string() })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), StudyError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(io("make the folder", dir))?;
    let text =
        serde_json::to_vec_pretty(value).map_err(|e| StudyError::Cell { path: path.into(), message: e.to_string() })?;
    let file = tempfile::NamedTempFile::new_in(dir).map_err(io("write into", dir))?;
    fs::write(file.path(), text).map_err(io("write", path))?;
    file.persist(path).map_err(|e| e.error).map_err(io("write", path))?;
    Ok(())
}
