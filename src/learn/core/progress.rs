//! The reports of the training loop.

use std::path::PathBuf;

use super::learner::{Metric, Validation};
use crate::policies::Policy;

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
    /// Validation loss of the policy to use; `None` where it was not evaluated.
    pub best_loss: Option<f32>,
    /// The steps that the policy to use was trained for.
    pub best_step: u64,
    /// The lowest validation loss of any evaluation, also of those before `training.select_after`, and its step.
    pub lowest_loss: Option<(f32, u64)>,
    /// Failed demonstrations that were left out (`data.include_failed`).
    pub failed_left_out: usize,
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
    /// After every evaluation, with the current policy, on the CPU, before it is saved. Clone it to drive with it.
    fn validated(&mut self, _report: &ValidationReport, _policy: &Policy) {}
    /// After the last step, with its policy, before it is saved.
    fn trained(&mut self, _policy: &Policy) {}
    /// After the last step, when everything is saved.
    fn finished(&mut self, _summary: &TrainSummary) {}
}

/// Ignores everything.
impl Progress for () {}
