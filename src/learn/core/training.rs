//! The one training loop, which runs any [`Learner`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;

use super::init::PretrainedPolicy;
use super::run_dir::RunDir;
use crate::learn::{
    EventWriter, Extent, Learner, Metric, RunState, TrainConfig, TrainError, TrainingData, UpdateStep, Validation,
};
use crate::policies::{Policy, Provenance};

/// Where and how a run is trained, beside configuration and data.
#[derive(Clone)]
pub struct RunOptions {
    /// The run's folder.
    pub dir: PathBuf,
    /// Resume the run in `dir` instead of starting one.
    pub resume: bool,
    /// When set from another thread, training ends after the current step, with everything saved.
    pub stop: Arc<AtomicBool>,
    /// Device, without `.autodiff()`.
    pub device: Device,
    /// Scene of the demonstrations, for provenance.
    pub scene: String,
    /// Earlier demonstrations that must not be forgotten ([`super::continual::ContinualConfig`]).
    pub earlier: Option<Arc<TrainingData>>,
    /// The policy of `init.from`, where it has been loaded already.
    pub pretrained: Option<Arc<PretrainedPolicy>>,
}

impl RunOptions {
    /// A new run in `dir`, on the CPU, that nothing stops.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            resume: false,
            stop: Arc::default(),
            device: Device::flex(),
            scene: String::new(),
            earlier: None,
            pretrained: None,
        }
    }

    /// The policy that the run starts from: the one loaded already, or that of `init.from`.
    ///
    /// # Errors
    /// As [`PretrainedPolicy::load`].
    pub fn pretrained(&self, config: &TrainConfig) -> Result<Option<Arc<PretrainedPolicy>>, TrainError> {
        match &self.pretrained {
            Some(policy) => Ok(Some(policy.clone())),
            None => Ok(PretrainedPolicy::load(config)?.map(Arc::new)),
        }
    }
}

/// Known at the start of training.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// First step to take; above zero in a resumed run.
    pub first_step: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Training rows.
    pub training_rows: usize,
    /// Validation rows.
    pub validation_rows: usize,
    /// Number of weights.
    pub parameters: usize,
}

/// Reported every `training.log_freq` steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Steps taken.
    pub step: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Passes over the training rows.
    pub epoch: u64,
    /// Steps per second since the last report.
    pub steps_per_second: f32,
    /// The learner's metrics since the last report.
    pub metrics: Vec<Metric>,
}

/// Reported after every evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationReport {
    /// Steps taken.
    pub step: u64,
    /// The measurements.
    pub validation: Validation,
    /// Whether it is the best so far.
    pub best: bool,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were taken.
    Finished,
    /// No improvement for `training.patience` evaluations.
    StoppedEarly,
    /// The stop flag was set; the run can be resumed.
    Interrupted,
}

/// Result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSummary {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps taken in all, those before a resume included.
    pub steps: u64,
    /// The lowest validation loss.
    pub best_loss: Option<f32>,
    /// The step of that evaluation.
    pub best_step: u64,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Wall-clock seconds of this call.
    pub seconds: f32,
}

/// Callbacks of the training loop. They run on the training thread, so slow ones slow training down.
pub trait Progress {
    /// A line for the user, such as the result of a round.
    fn message(&mut self, _text: &str) {}
    /// Before the first step.
    fn started(&mut self, _info: &RunInfo) {}
    /// Every `training.log_freq` steps.
    fn stepped(&mut self, _report: &StepReport) {}
    /// After every evaluation, with the current policy, on the CPU. Clone it to drive with it.
    fn validated(&mut self, _report: &ValidationReport, _policy: &Policy) {}
    /// After the last step, when everything is saved.
    fn finished(&mut self, _summary: &TrainSummary) {}
}

/// Ignores everything.
impl Progress for () {}

/// Run a learner. `provenance.dataset_hash` is compared when a run is resumed: the data must not have changed.
///
/// # Errors
/// A folder that cannot be written or resumed, or training that diverges.
pub fn run(
    learner: &mut dyn Learner,
    config: &TrainConfig,
    provenance: Provenance,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    let started_at = Instant::now();
    let dir = if options.resume { RunDir::open(&options.dir, config)? } else { RunDir::create(&options.dir, config)? };
    let extent = learner.extent();
    if let Some(episodes) = &extent.validation_episodes {
        dir.write_split(episodes)?;
    }
    let state = dir.restore(learner, &provenance.dataset_hash)?;
    let events = EventWriter::create(&options.dir)?;
    progress.started(&RunInfo {
        first_step: state.step,
        total_steps: extent.updates,
        training_rows: extent.training_rows,
        validation_rows: extent.validation_rows,
        parameters: learner.policy()?.num_parameters(),
    });
    let logged = (Instant::now(), state.step);
    let mut training =
        TrainingLoop { learner, config, provenance, extent, dir, state, events, progress, newest_loss: None, logged };
    let outcome = training.take_steps(&options.stop)?;
    training.finish(outcome, started_at)
}

/// A run in progress.
struct TrainingLoop<'a> {
    learner: &'a mut dyn Learner,
    config: &'a TrainConfig,
    provenance: Provenance,
    extent: Extent,
    dir: RunDir,
    state: RunState,
    events: EventWriter,
    progress: &'a mut dyn Progress,
    /// Loss of the newest evaluation.
    newest_loss: Option<f32>,
    /// Time and step of the newest log entry.
    logged: (Instant, u64),
}

impl TrainingLoop<'_> {
    /// Take the steps that are left.
    fn take_steps(&mut self, stop: &AtomicBool) -> Result<Outcome, TrainError> {
        let settings = &self.config.training;
        let total = self.extent.updates;
        while self.state.step < total && !self.state.finished {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            self.learner.update(UpdateStep {
                index: self.state.step,
                learning_rate: self.config.optimizer.learning_rate_at(self.state.step, total),
                seed: settings.seed,
            })?;
            self.state.step += 1;
            let step = self.state.step;
            let due = |every: u64| every > 0 && step.is_multiple_of(every) || step == total;
            if due(settings.log_freq) {
                self.log()?;
            }
            if due(settings.eval_freq) {
                self.evaluate()?;
                if settings.patience > 0 && self.state.validations_since_best >= settings.patience {
                    self.state.finished = true;
                    return Ok(Outcome::StoppedEarly);
                }
            }
            if due(settings.save_freq) && step < total {
                let policy = self.labeled_policy()?;
                // A run that is resumed from this checkpoint does not write these entries again.
                self.events.flush()?;
                self.dir.checkpoint(self.learner, &policy, &self.state, settings.save_total_limit)?;
            }
        }
        Ok(Outcome::Finished)
    }

    /// The current policy with its provenance.
    fn labeled_policy(&self) -> Result<Policy, TrainError> {
        let mut policy = self.learner.policy()?;
        if !policy.is_finite() {
            return Err(TrainError::Diverged { step: self.state.step, what: "a weight" });
        }
        policy.config_mut().provenance =
            Provenance { steps: self.state.step, validation_loss: self.newest_loss, ..self.provenance.clone() };
        Ok(policy)
    }

    fn log(&mut self) -> Result<(), TrainError> {
        let step = self.state.step;
        let metrics = self.learner.metrics(step)?;
        self.events.write(step, &metrics)?;
        let seconds = self.logged.0.elapsed().as_secs_f32().max(1e-9);
        self.progress.stepped(&StepReport {
            step,
            total_steps: self.extent.updates,
            epoch: step / self.extent.updates_per_epoch.max(1),
            steps_per_second: (step - self.logged.1) as f32 / seconds,
            metrics,
        });
        self.logged = (Instant::now(), step);
        Ok(())
    }

    /// Evaluate, and save the policy to `best/` if it is the best so far.
    fn evaluate(&mut self) -> Result<(), TrainError> {
        let step = self.state.step;
        let Some(validation) = self.learner.validate(step)? else { return Ok(()) };
        self.newest_loss = Some(validation.loss);
        let selects = step as f64 >= f64::from(self.config.training.select_after) * self.extent.updates as f64;
        let best = selects && self.state.best_loss.is_none_or(|best| validation.loss < best);
        let policy = self.labeled_policy()?;
        if best {
            self.state.best_loss = self.newest_loss;
            self.state.best_step = step;
            self.state.validations_since_best = 0;
            policy.save(&self.dir.best())?;
        } else if selects {
            self.state.validations_since_best += 1;
        }
        self.events.write(step, &validation.metrics())?;
        self.events.flush()?;
        self.progress.validated(&ValidationReport { step, validation, best }, &policy);
        Ok(())
    }

    fn finish(mut self, outcome: Outcome, started_at: Instant) -> Result<TrainSummary, TrainError> {
        // The last updates may not have been checked yet.
        self.learner.metrics(self.state.step)?;
        self.state.finished |= outcome == Outcome::Finished;
        let policy = self.labeled_policy()?;
        self.dir.checkpoint(self.learner, &policy, &self.state, 0)?;
        if self.state.best_loss.is_none() && self.state.finished {
            // Without an evaluation after `select_after`, the newest policy is the best one known.
            policy.save(&self.dir.best())?;
        }
        self.events.flush()?;
        let summary = TrainSummary {
            outcome,
            steps: self.state.step,
            best_loss: self.state.best_loss,
            best_step: self.state.best_step,
            policy_dir: if self.dir.best().exists() { self.dir.best() } else { self.dir.last() },
            seconds: started_at.elapsed().as_secs_f32(),
        };
        self.progress.finished(&summary);
        Ok(summary)
    }
}
