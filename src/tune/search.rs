//! The sequential search. Each trial is an ordinary training run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::parzen::suggest;
use super::space::{SearchSpace, SpaceError, Value};
use crate::learn::{
    Outcome, Progress, RunOptions, StepReport, TrainConfig, TrainError, TrainSummary, TrainingData, ValidationReport,
    train_on_dataset,
};
use crate::policies::checksums::{json_with_checksum, read_json_with_checksum};
use crate::policies::{Policy, PolicyError};

/// Completed trials that the pruner needs.
const PRUNER_STARTUP_TRIALS: usize = 4;

/// The objective that a search minimizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Action error on the validation demonstrations, which is comparable between methods.
    ActionError,
    /// Fraction of evaluation episodes that fail.
    FailureRate,
}

/// Why a search ended.
#[derive(Debug, Error)]
pub enum TuneError {
    /// The search space is invalid.
    #[error(transparent)]
    SearchSpace(#[from] SpaceError),
    /// A trial failed for another reason than divergence.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy could not be loaded or evaluated.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}; check its permissions and the free disk space")]
    Io {
        /// The failed action, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The folder holds another search.
    #[error("{path} belongs to a search with other settings ({message}); give another folder, or remove it")]
    Settings {
        /// The search's folder.
        path: PathBuf,
        /// What differs.
        message: String,
    },
    /// A trial's file does not have the format of this version, or was changed.
    #[error("{path} is damaged or of another version ({message}); remove it to run the trial again")]
    Trial {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The search was stopped.
    #[error("stopped; run the same command again to resume")]
    Stopped,
}

/// A trial and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// The sampled values.
    pub values: BTreeMap<String, Value>,
    /// The same as `key=value` overrides.
    pub settings: Vec<String>,
    /// The objective, lower is better; `None` where training diverged.
    pub cost: Option<f32>,
    /// Whether it was pruned: stopped early, since earlier trials were better at the same step.
    pub pruned: bool,
    /// After each validation: the step and the best action error so far.
    pub curve: Vec<(u64, f32)>,
}

/// Evaluates a trained policy; returns the fraction of episodes that fail.
pub type EpisodeEvaluator<'a> = dyn FnMut(Policy) -> Result<f64, PolicyError> + 'a;

/// A hyperparameter search and its folder.
pub struct Search {
    dir: PathBuf,
    space: SearchSpace,
    config: TrainConfig,
    objective: Objective,
    stop: Arc<AtomicBool>,
}

/// The settings of all trials in a folder.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    space: SearchSpace,
    config: String,
    objective: Objective,
    data: String,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TuneError {
    let path = path.to_path_buf();
    move |source| TuneError::Io { action, path, source }
}

/// Prunes a trial that is worse than half of the earlier ones at the same step (the median stopping rule of Golovin et al.
/// 2017, Google Vizier, section 3.2).
struct MedianPruner<'a> {
    others: Vec<&'a Trial>,
    curve: Vec<(u64, f32)>,
    stop: Arc<AtomicBool>,
    pruned: bool,
    progress: &'a mut dyn Progress,
}

impl Progress for MedianPruner<'_> {
    fn started(&mut self, info: &crate::learn::RunInfo) {
        self.progress.started(info);
    }

    fn stepped(&mut self, report: &StepReport) {
        self.progress.stepped(report);
    }

    fn validated(&mut self, report: &ValidationReport, policy: &Policy) {
        self.progress.validated(report, policy);
        let Some(error) = report.validation.action_error else { return };
        let best = self.curve.last().map_or(error, |(_, best)| best.min(error));
        self.curve.push((report.step, best));
        let at =
            |trial: &&&Trial| trial.curve.iter().rev().find(|(step, _)| *step <= report.step).map(|(_, best)| *best);
        let mut others: Vec<f32> = self.others.iter().filter_map(|trial| at(&trial)).collect();
        others.sort_by(f32::total_cmp);
        if others.len() >= PRUNER_STARTUP_TRIALS && best > others[others.len() / 2] {
            self.pruned = true;
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn finished(&mut self, summary: &TrainSummary) {
        self.progress.finished(summary);
    }
}

impl Search {
    /// A search in `dir`, which is created or resumed.
    ///
    /// # Errors
    /// The folder cannot be written or holds another search, or a setting of the search space is unknown or out of bounds.
    pub fn new(
        dir: &Path,
        space: SearchSpace,
        config: TrainConfig,
        objective: Objective,
        data: &TrainingData,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, TuneError> {
        // Both ends of every range must be valid settings.
        for normalized in [0.0, 1.0] {
            let end = |(key, range): (&String, &super::Range)| {
                let value = match range {
                    super::Range::Choices { choices } => {
                        Value::Choice((normalized * (choices.len() - 1) as f64) as usize)
                    }
                    super::Range::Numbers { .. } => Value::Normalized(normalized),
                };
                (key.clone(), value)
            };
            config.clone().changed(None, &space.assignments(&space.0.iter().map(end).collect()))?;
        }
        fs::create_dir_all(dir.join("trials")).map_err(io("make the folder", dir))?;
        let data = format!("{:016x}", data.hash());
        let settings = Settings { space: space.clone(), config: config.to_toml()?, objective, data };
        let path = dir.join("search.json");
        if path.exists() {
            let text = fs::read(&path).map_err(io("read", &path))?;
            let found = serde_json::from_slice::<Settings>(&text);
            let message = match &found {
                Err(error) => error.to_string(),
                Ok(found) if found.data != settings.data => "another dataset".into(),
                Ok(found) if found.space != settings.space => "another space".into(),
                Ok(found) if *found != settings => "other training settings".into(),
                Ok(_) => String::new(),
            };
            if !message.is_empty() {
                return Err(TuneError::Settings { path: dir.into(), message });
            }
        } else {
            let text = serde_json::to_vec_pretty(&settings).unwrap_or_default();
            fs::write(&path, text).map_err(io("write", &path))?;
        }
        Ok(Self { dir: dir.into(), space, config, objective, stop })
    }

    /// The folder of a trial's run.
    pub fn run_dir(&self, number: usize) -> PathBuf {
        self.dir.join("trials").join(format!("{number:03}"))
    }

    fn trial_file(&self, number: usize) -> PathBuf {
        self.dir.join("trials").join(format!("{number:03}.json"))
    }

    /// Run trials until there are `count`. Returns all trials in the folder in order, which may be more. `evaluate` is called
    /// for the objective [`Objective::FailureRate`], and `on_trial` after each new trial.
    ///
    /// # Errors
    /// [`TuneError::Stopped`] when the search was stopped; completed trials are kept.
    pub fn run(
        &self,
        count: usize,
        data: &TrainingData,
        evaluate: &mut EpisodeEvaluator<'_>,
        on_trial: &mut dyn FnMut(&Trial),
        progress: &mut dyn Progress,
    ) -> Result<Vec<Trial>, TuneError> {
        let mut trials: Vec<Trial> = Vec::new();
        for number in 0.. {
            let path = self.trial_file(number);
            if number >= count && !path.exists() {
                break;
            }
            if path.exists() {
                let text = fs::read_to_string(&path).map_err(io("read", &path))?;
                let trial = read_json_with_checksum(&text).map_err(|message| TuneError::Trial { path, message })?;
                trials.push(trial);
                continue;
            }
            let trial = self.trial(number, &trials, data, evaluate, progress)?;
            let text = json_with_checksum(&trial).unwrap_or_default();
            let file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io("write into", &self.dir))?;
            fs::write(file.path(), text).map_err(io("write", &path))?;
            file.persist(&path).map_err(|e| e.error).map_err(io("write", &path))?;
            on_trial(&trial);
            trials.push(trial);
        }
        Ok(trials)
    }

    fn trial(
        &self,
        number: usize,
        earlier: &[Trial],
        data: &TrainingData,
        evaluate: &mut EpisodeEvaluator<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Trial, TuneError> {
        let observed: Vec<(BTreeMap<String, Value>, f64)> =
            earlier.iter().map(|t| (t.values.clone(), t.cost.map_or(f64::MAX, f64::from))).collect();
        let mut rng = Pcg64::new(u128::from(self.config.training.seed), number as u128);
        let values = suggest(&self.space, &observed, &mut rng);
        let settings = self.space.assignments(&values);
        let config = self.config.clone().changed(None, &settings)?;
        let dir = self.run_dir(number);
        // The training loop's own stop flag: set by the pruner, or when the search's flag is set.
        let stop = Arc::new(AtomicBool::new(false));
        let forward = StopForwarder { source: self.stop.clone(), target: stop.clone() };
        let others = earlier.iter().filter(|trial| !trial.curve.is_empty() && !trial.pruned).collect();
        let mut pruner = MedianPruner { others, curve: Vec::new(), stop: stop.clone(), pruned: false, progress };
        if dir.exists() {
            // An interrupted trial is restarted, since its learning curve was not stored.
            fs::remove_dir_all(&dir).map_err(io("remove", &dir))?;
        }
        let options = RunOptions { stop, ..RunOptions::new(dir) };
        let outcome = forward.during(|| train_on_dataset(&config, data, &options, &mut pruner));
        let (curve, pruned) = (pruner.curve, pruner.pruned);
        let mut trial = Trial { number, values, settings, cost: None, pruned, curve };
        let summary = match outcome {
            Ok(summary) => summary,
            Err(TrainError::Diverged { .. }) => return Ok(trial),
            Err(error) => return Err(error.into()),
        };
        if summary.outcome == Outcome::Interrupted && !pruned {
            return Err(TuneError::Stopped);
        }
        trial.cost = match self.objective {
            // A pruned trial is worse than half of the others; it is not evaluated.
            Objective::FailureRate if pruned => Some(1.0),
            Objective::FailureRate => Some(evaluate(Policy::load(&summary.policy_dir)?)? as f32),
            Objective::ActionError => trial.curve.last().map(|(_, best)| *best),
        };
        if self.stop.load(Ordering::Relaxed) {
            return Err(TuneError::Stopped);
        }
        Ok(trial)
    }
}

/// Forwards one stop flag to another while a closure runs.
struct StopForwarder {
    source: Arc<AtomicBool>,
    target: Arc<AtomicBool>,
}

impl StopForwarder {
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if self.source.load(Ordering::Relaxed) {
                        self.target.store(true, Ordering::Relaxed);
                    }
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            });
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }
}
