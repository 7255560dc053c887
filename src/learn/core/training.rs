//! The one training loop, which runs any [`Learner`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::config::TrainConfig;
use super::error::TrainError;
use super::learner::{Extent, Learner, UpdateStep};
use super::progress::{Outcome, Progress, RunInfo, StepReport, TrainSummary, ValidationReport};
use super::run_dir::{RunDir, RunState};
use super::run_options::RunOptions;
use super::tensorboard::EventWriter;
use crate::policies::{Policy, Provenance};

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
    let mut training = TrainingLoop { learner, config, provenance, extent, dir, state, events, progress, logged };
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

    /// Validation loss of the current policy; `None` where it was not evaluated at this step.
    fn current_loss(&self) -> Option<f32> {
        self.state.newest_loss.filter(|(_, step)| *step == self.state.step).map(|(loss, _)| loss)
    }

    /// The current policy with its provenance.
    fn labeled_policy(&self) -> Result<Policy, TrainError> {
        let mut policy = self.learner.policy()?;
        if !policy.is_finite() {
            return Err(TrainError::Diverged { step: self.state.step, what: "a weight" });
        }
        policy.config_mut().provenance =
            Provenance { steps: self.state.step, validation_loss: self.current_loss(), ..self.provenance.clone() };
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
        self.state.newest_loss = Some((validation.loss, step));
        if self.state.lowest_loss.is_none_or(|(lowest, _)| validation.loss < lowest) {
            self.state.lowest_loss = self.state.newest_loss;
        }
        let selects = step as f64 >= f64::from(self.config.training.select_after) * self.extent.updates as f64;
        let best = selects && self.state.best_loss.is_none_or(|best| validation.loss < best);
        let policy = self.labeled_policy()?;
        // Before it is saved: a write that fails does not lose it.
        self.progress.validated(&ValidationReport { step, validation, best }, &policy);
        if best {
            self.state.best_loss = Some(validation.loss);
            self.state.best_step = step;
            self.state.validations_since_best = 0;
            policy.save(&self.dir.best())?;
        } else if selects {
            self.state.validations_since_best += 1;
        }
        self.events.write(step, &validation.metrics())?;
        self.events.flush()?;
        Ok(())
    }

    fn finish(mut self, outcome: Outcome, started_at: Instant) -> Result<TrainSummary, TrainError> {
        // The last updates may not have been checked yet.
        self.learner.metrics(self.state.step)?;
        self.state.finished |= outcome == Outcome::Finished;
        let policy = self.labeled_policy()?;
        self.progress.trained(&policy);
        self.dir.checkpoint(self.learner, &policy, &self.state, 0)?;
        if self.state.best_loss.is_none() && self.state.finished {
            // Without an evaluation after `select_after`, the newest policy is the best one known.
            policy.save(&self.dir.best())?;
        }
        self.events.flush()?;
        // Before the first evaluation after `select_after`, the policy to use is the newest one.
        let selected = self.state.best_loss.map(|loss| (Some(loss), self.state.best_step));
        let (best_loss, best_step) = selected.unwrap_or_else(|| (self.current_loss(), self.state.step));
        let summary = TrainSummary {
            outcome,
            steps: self.state.step,
            best_loss,
            best_step,
            lowest_loss: self.state.lowest_loss,
            failed_left_out: 0,
            policy_dir: if self.dir.best().exists() { self.dir.best() } else { self.dir.last() },
            seconds: started_at.elapsed().as_secs_f32(),
        };
        self.progress.finished(&summary);
        Ok(summary)
    }
}
