//! Trials one after the other, each an ordinary training run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::parzen::suggest;
use super::space::{Space, SpaceError, Value};
use crate::learn::{
    Outcome, Progress, RunOptions, StepReport, TrainConfig, TrainError, TrainSummary, TrainingData, ValidationReport,
    train,
};
use crate::policies::{Policy, PolicyError};

/// Trials that must have ended before one is stopped early.
const OTHERS: usize = 4;

/// What a trial is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// The error of the action on demonstrations that were kept back, which can be compared between methods.
    ActionError,
    /// The share of episodes that fail.
    Failures,
}

/// Why a search ended.
#[derive(Debug, Error)]
pub enum TuneError {
    /// The space is not one.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A trial failed, not by diverging.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A file.
    #[error("cannot {action} {path}: {source}; check its permissions and the free disk space")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
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
    /// It was told to stop.
    #[error("stopped; the same command goes on where it was")]
    Stopped,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counts from 0.
    pub number: usize,
    /// The searched settings.
    pub values: BTreeMap<String, Value>,
    /// The same as `key=value`.
    pub settings: Vec<String>,
    /// What it is judged by, the less the better; `None` where training diverged.
    pub cost: Option<f32>,
    /// Whether it was stopped early, since others were better at the same step.
    pub stopped: bool,
    /// Best validation so far after each validation: step and action error.
    pub curve: Vec<(u64, f32)>,
}

/// What judges a trained policy by episodes; the share that fail.
pub type Judged<'a> = dyn FnMut(Policy) -> Result<f64, PolicyError> + 'a;

/// A search in a folder.
pub struct Search {
    dir: PathBuf,
    space: Space,
    config: TrainConfig,
    judge: Judge,
    stop: Arc<AtomicBool>,
}

/// What the folder's trials were made with.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    space: Space,
    config: String,
    judge: Judge,
    data: String,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TuneError {
    let path = path.to_path_buf();
    move |source| TuneError::Io { action, path, source }
}

/// Stops a trial that does worse than half of the others did at the same step (the median rule of Golovin et al. 2017,
/// Google Vizier, section 3.2).
struct Watching<'a> {
    others: Vec<&'a Trial>,
    curve: Vec<(u64, f32)>,
    stop: Arc<AtomicBool>,
    cut: bool,
    progress: &'a mut dyn Progress,
}

impl Progress for Watching<'_> {
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
        if others.len() >= OTHERS && best > others[others.len() / 2] {
            self.cut = true;
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn finished(&mut self, summary: &TrainSummary) {
        self.progress.finished(summary);
    }
}

impl Search {
    /// A search in `dir`, begun or gone on with.
    ///
    /// # Errors
    /// The folder cannot be written or holds another search; or a setting of the space is unknown.
    pub fn new(
        dir: &Path,
        space: Space,
        config: TrainConfig,
        judge: Judge,
        data: &TrainingData,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, TuneError> {
        // Both ends of the space must be possible settings.
        for share in [0.0, 1.0] {
            let end = |(key, range): (&String, &super::Range)| {
                let value = match range {
                    super::Range::Choices { choices } => Value::Choice((share * (choices.len() - 1) as f64) as usize),
                    super::Range::Numbers { .. } => Value::Share(share),
                };
                (key.clone(), value)
            };
            config.clone().changed(None, &space.assignments(&space.0.iter().map(end).collect()))?;
        }
        fs::create_dir_all(dir.join("trials")).map_err(io("make the folder", dir))?;
        let data = format!("{:016x}", data.hash());
        let settings = Settings { space: space.clone(), config: config.to_toml()?, judge, data };
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
        Ok(Self { dir: dir.into(), space, config, judge, stop })
    }

    /// The folder of a trial's run.
    pub fn run_dir(&self, number: usize) -> PathBuf {
        self.dir.join("trials").join(format!("{number:03}"))
    }

    fn trial_file(&self, number: usize) -> PathBuf {
        self.dir.join("trials").join(format!("{number:03}.json"))
    }

    /// Make trials until there are `count`; all there are, in order, which may be more. `judged` plays episodes where the
    /// search is judged by them, and `heard` is told of each trial.
    ///
    /// # Errors
    /// [`TuneError::Stopped`] when told to stop; what was done is kept.
    pub fn run(
        &self,
        count: usize,
        data: &TrainingData,
        judged: &mut Judged<'_>,
        heard: &mut dyn FnMut(&Trial),
        progress: &mut dyn Progress,
    ) -> Result<Vec<Trial>, TuneError> {
        let mut trials: Vec<Trial> = Vec::new();
        for number in 0.. {
            let path = self.trial_file(number);
            if number >= count && !path.exists() {
                break;
            }
            if let Ok(text) = fs::read(&path)
                && let Ok(trial) = serde_json::from_slice::<Trial>(&text)
            {
                trials.push(trial);
                continue;
            }
            let trial = self.trial(number, &trials, data, judged, progress)?;
            let text = serde_json::to_vec_pretty(&trial).unwrap_or_default();
            let file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io("write into", &self.dir))?;
            fs::write(file.path(), text).map_err(io("write", &path))?;
            file.persist(&path).map_err(|e| e.error).map_err(io("write", &path))?;
            heard(&trial);
            trials.push(trial);
        }
        Ok(trials)
    }

    fn trial(
        &self,
        number: usize,
        before: &[Trial],
        data: &TrainingData,
        judged: &mut Judged<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Trial, TuneError> {
        let known: Vec<(BTreeMap<String, Value>, f64)> =
            before.iter().map(|t| (t.values.clone(), t.cost.map_or(f64::MAX, f64::from))).collect();
        let mut chance = Pcg64::new(u128::from(self.config.training.seed), number as u128);
        let values = suggest(&self.space, &known, &mut chance);
        let settings = self.space.assignments(&values);
        let config = self.config.clone().changed(None, &settings)?;
        let dir = self.run_dir(number);
        // Stopped early by us or by whoever asked: one flag for the loop, looked at apart.
        let stop = Arc::new(AtomicBool::new(false));
        let watch = Watch { asked: self.stop.clone(), stop: stop.clone() };
        let others = before.iter().filter(|trial| !trial.curve.is_empty() && !trial.stopped).collect();
        let mut watching = Watching { others, curve: Vec::new(), stop: stop.clone(), cut: false, progress };
        if dir.exists() {
            // Begun before and not ended: what it knew of its own curve is gone, so it begins anew.
            fs::remove_dir_all(&dir).map_err(io("remove", &dir))?;
        }
        let options = RunOptions { stop, ..RunOptions::new(dir) };
        let outcome = watch.during(|| train(&config, data, &options, &mut watching));
        let (curve, stopped) = (watching.curve, watching.cut);
        let mut trial = Trial { number, values, settings, cost: None, stopped, curve };
        let summary = match outcome {
            Ok(summary) => summary,
            Err(TrainError::Diverged { .. }) => return Ok(trial),
            Err(error) => return Err(error.into()),
        };
        if summary.outcome == Outcome::Interrupted && !stopped {
            return Err(TuneError::Stopped);
        }
        trial.cost = match self.judge {
            // Those that were cut off are known to be worse than half of the others; they are not played.
            Judge::Failures if stopped => Some(1.0),
            Judge::Failures => Some(judged(Policy::load(&summary.policy_dir)?)? as f32),
            Judge::ActionError => trial.curve.last().map(|(_, best)| *best),
        };
        if self.stop.load(Ordering::Relaxed) {
            return Err(TuneError::Stopped);
        }
        Ok(trial)
    }
}

/// Hands on the wish to stop while something runs.
struct Watch {
    asked: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if self.asked.load(Ordering::Relaxed) {
                        self.stop.store(true, Ordering::Relaxed);
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
