//! The one training loop, which runs any [`Learner`].

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;

use super::init::Base;
use super::run_dir::RunDir;
use super::shaping::shaped;
use super::{
    BatchLearner, BehaviourCloning, ContinualMethod, DataConfig, EventWriter, Gan, Learner, LearnerKind, Metric,
    Prepared, RunState, Supervised, TrainConfig, TrainError, TrainingData, UpdateStep, Validation,
};
use crate::policies::artifact::hex;
use crate::policies::{Policy, PolicyConfig, Provenance};

/// What a run needs beside configuration and data.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The run's folder.
    pub dir: PathBuf,
    /// Go on with the run in `dir` instead of beginning one.
    pub resume: bool,
    /// Set from outside, it ends training after the current step, with everything saved.
    pub stop: Arc<AtomicBool>,
    /// Where to train, without `.autodiff()`.
    pub device: Device,
    /// Scene of the demonstrations, for provenance.
    pub scene: String,
    /// Earlier demonstrations that are not to be forgotten ([`super::ContinualConfig`]).
    pub earlier: Option<Arc<TrainingData>>,
}

impl RunOptions {
    /// A new run in `dir` on the CPU that nobody stops.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            resume: false,
            stop: Arc::default(),
            device: Device::flex(),
            scene: String::new(),
            earlier: None,
        }
    }
}

/// What is known when training begins.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// First step to be taken; above zero for a resumed run.
    pub first_step: u64,
    /// Steps in all.
    pub total_steps: u64,
    /// Rows that train.
    pub training_rows: usize,
    /// Rows that validate.
    pub validation_rows: usize,
    /// Weights in the network.
    pub parameters: usize,
}

/// Told every `training.log_every` steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Steps taken.
    pub step: u64,
    /// Steps in all.
    pub total_steps: u64,
    /// Times that the training rows were gone through.
    pub epoch: u64,
    /// Steps per second since the last report.
    pub steps_per_second: f32,
    /// The learner's metrics since the last report.
    pub metrics: Vec<Metric>,
}

/// Told after every validation.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationReport {
    /// Steps taken.
    pub step: u64,
    /// What was measured.
    pub validation: Validation,
    /// Whether it is the best so far.
    pub best: bool,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were taken.
    Finished,
    /// No better validation for `training.patience` validations.
    StoppedEarly,
    /// The stop flag was set; the run can be resumed.
    Interrupted,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSummary {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps taken in all, those before a resume among them.
    pub steps: u64,
    /// The best validation loss.
    pub best_loss: Option<f32>,
    /// The step after which it was measured.
    pub best_step: u64,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Wall-clock seconds of this call.
    pub seconds: f32,
}

/// Is told how training goes. Called on the training thread: what takes long slows training down.
pub trait Progress {
    /// Before the first step.
    fn started(&mut self, _info: &RunInfo) {}
    /// Every `training.log_every` steps.
    fn stepped(&mut self, _report: &StepReport) {}
    /// After every validation, with the policy as it is now, on the CPU. Clone it to drive with it.
    fn validated(&mut self, _report: &ValidationReport, _policy: &Policy) {}
    /// After the last step, when everything is saved.
    fn finished(&mut self, _summary: &TrainSummary) {}
}

/// Tells nobody.
impl Progress for () {}

/// The learner that `config` asks for, fresh.
///
/// # Errors
/// Settings out of range.
pub fn learner(
    config: &TrainConfig,
    data: &TrainingData,
    prepared: &Prepared<'_>,
    device: &Device,
) -> Result<Box<dyn BatchLearner>, TrainError> {
    let mut policy = PolicyConfig::new(
        data.agent.clone(),
        data.control_dt,
        data.observation.clone(),
        data.action.clone(),
        config.network.clone(),
        config.head.clone(),
    );
    policy.tasks = data.tasks.clone();
    policy.observation_normalizer = prepared.observation_normalizer.clone();
    policy.action_normalizer = prepared.action_normalizer.clone();
    match config.training.learner {
        LearnerKind::Gan | LearnerKind::FeatureMatching => Ok(Box::new(Gan::new(config, policy, device)?)),
        LearnerKind::BehaviourCloning
        | LearnerKind::BehaviorPrediction
        | LearnerKind::Vae
        | LearnerKind::Diffusion
        | LearnerKind::OneShot
        | LearnerKind::Act => Ok(Box::new(BehaviourCloning::new(config, policy, device)?)),
        kind => Err(TrainError::Config {
            origin: "training.learner".into(),
            message: format!("{} learns by acting, not from demonstrations", kind.name()),
        }),
    }
}

/// Train the learner that `config` asks for on `data`.
///
/// # Errors
/// Unusable configuration or data, a folder that cannot be written or resumed, or training that diverges.
pub fn train(
    config: &TrainConfig,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let mut data = Cow::Borrowed(data);
    let mut guarded = None;
    // What is only rehearsed is no task that the policy is told of: it has to do without in any other method, too.
    let tell_task = config.data.tell_task && options.earlier.is_none();
    let settings = DataConfig { tell_task, ..config.data.clone() };
    if let Some(earlier) = &options.earlier {
        match config.continual.method {
            ContinualMethod::Rehearsal => {
                data = Cow::Owned(data.into_owned().rehearsing(earlier, config.continual.share)?);
            }
            ContinualMethod::Ewc => guarded = Some(shaped(&settings, earlier)?.into_owned()),
            ContinualMethod::None => {}
        }
    }
    let data = shaped(&settings, &data)?;
    let data = &*data;
    let mut prepared = Prepared::new(data, config.data.validation_fraction, config.training.seed)?;
    if let Some(base) = Base::load(config)? {
        prepared.inherit(&base);
    }
    let mut learner = learner(config, data, &prepared, &options.device)?;
    if let Some(guarded) = &guarded {
        let mut known = Prepared::new(guarded, 0.0, config.training.seed)?;
        known.observation_normalizer = prepared.observation_normalizer.clone();
        known.action_normalizer = prepared.action_normalizer.clone();
        let window = learner.window();
        let stride = (known.split.train.len() / config.continual.samples).max(1);
        let starts: Vec<u32> = known.split.train.iter().copied().step_by(stride).collect();
        let mut batches = starts.chunks(1).map(|start| known.batch(start, window));
        learner.protect(&mut batches, config.continual.strength)?;
    }
    let provenance = Provenance {
        dataset: data.source.clone(),
        dataset_hash: hex(data.hash()),
        scene: options.scene.clone(),
        learner: learner.name().into(),
        seed: config.training.seed,
        version: env!("CARGO_PKG_VERSION").into(),
        steps: 0,
        validation_loss: None,
    };
    run(&mut Supervised::new(learner, config, &prepared)?, config, provenance, options, progress)
}

/// Run a learner. `provenance.dataset_hash` tells whether a resumed run still has what it learned from.
///
/// # Errors
/// As [`train`].
pub fn run(
    learner: &mut dyn Learner,
    config: &TrainConfig,
    provenance: Provenance,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    let begun = Instant::now();
    let settings = &config.training;
    let dir = if options.resume { RunDir::open(&options.dir, config)? } else { RunDir::create(&options.dir, config)? };
    let extent = learner.extent();
    if let Some(episodes) = &extent.validation_episodes {
        dir.write_split(episodes)?;
    }
    let mut state = dir.restore(learner, &provenance.dataset_hash)?;
    let mut events = EventWriter::create(&options.dir)?;
    let total = extent.updates;
    progress.started(&RunInfo {
        first_step: state.step,
        total_steps: total,
        training_rows: extent.training_rows,
        validation_rows: extent.validation_rows,
        parameters: learner.policy()?.parameters(),
    });
    let labelled = |learner: &dyn Learner, state: &RunState, loss: Option<f32>| -> Result<Policy, TrainError> {
        let mut policy = learner.policy()?;
        if !policy.is_finite() {
            return Err(TrainError::Diverged { step: state.step, what: "a weight" });
        }
        policy.config_mut().provenance = Provenance { steps: state.step, validation_loss: loss, ..provenance.clone() };
        Ok(policy)
    };

    let mut outcome = Outcome::Finished;
    let mut newest_loss = None;
    let mut logged = (Instant::now(), state.step);
    while state.step < total && !state.finished {
        if options.stop.load(Ordering::Relaxed) {
            outcome = Outcome::Interrupted;
            break;
        }
        let step = UpdateStep {
            index: state.step,
            learning_rate: config.optimizer.learning_rate_at(state.step, total),
            seed: settings.seed,
        };
        learner.update(step)?;
        state.step += 1;
        let due = |every: u64| every > 0 && state.step.is_multiple_of(every) || state.step == total;

        if due(settings.log_every) {
            let metrics = learner.metrics(state.step)?;
            events.write(state.step, &metrics)?;
            let seconds = logged.0.elapsed().as_secs_f32().max(1e-9);
            progress.stepped(&StepReport {
                step: state.step,
                total_steps: total,
                epoch: state.step / extent.updates_per_epoch.max(1),
                steps_per_second: (state.step - logged.1) as f32 / seconds,
                metrics,
            });
            logged = (Instant::now(), state.step);
        }
        if due(settings.validate_every)
            && let Some(validation) = learner.validate(state.step)?
        {
            newest_loss = Some(validation.loss);
            let counts = state.step as f64 >= f64::from(settings.select_from) * total as f64;
            let best = counts && state.best_loss.is_none_or(|best| validation.loss < best);
            let policy = labelled(learner, &state, newest_loss)?;
            if best {
                state.best_loss = newest_loss;
                state.best_step = state.step;
                state.validations_since_best = 0;
                policy.save(&dir.best())?;
            } else if counts {
                state.validations_since_best += 1;
            }
            events.write(state.step, &validation.metrics())?;
            events.flush()?;
            progress.validated(&ValidationReport { step: state.step, validation, best }, &policy);
            if settings.patience > 0 && state.validations_since_best >= settings.patience {
                outcome = Outcome::StoppedEarly;
                state.finished = true;
            }
        }
        if due(settings.checkpoint_every) && state.step < total && !state.finished {
            let policy = labelled(learner, &state, newest_loss)?;
            // What a run that goes on from here does not tell again.
            events.flush()?;
            dir.checkpoint(learner, &policy, &state, settings.keep_checkpoints)?;
        }
    }
    // The last updates may not have been looked at yet.
    learner.metrics(state.step)?;
    state.finished |= outcome == Outcome::Finished;
    let policy = labelled(learner, &state, newest_loss)?;
    dir.checkpoint(learner, &policy, &state, 0)?;
    if state.best_loss.is_none() && state.finished {
        // Without a validation that counts, the newest policy is the best one known.
        policy.save(&dir.best())?;
    }
    events.flush()?;
    let summary = TrainSummary {
        outcome,
        steps: state.step,
        best_loss: state.best_loss,
        best_step: state.best_step,
        policy_dir: if dir.best().exists() { dir.best() } else { dir.last() },
        seconds: begun.elapsed().as_secs_f32(),
    };
    progress.finished(&summary);
    Ok(summary)
}
