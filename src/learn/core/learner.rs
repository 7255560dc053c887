//! The interface between the training loop and a learner.

use std::path::Path;

use super::error::TrainError;
use super::minibatch::Batch;
use crate::policies::{Policy, PolicyError};

/// Position of an update in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateStep {
    /// Counts from 0.
    pub index: u64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// The run's seed. Random numbers in an update are a function of seed and index alone, so that a resumed run repeats them.
    pub seed: u64,
}

/// One scalar for the TensorBoard file and the plots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// TensorBoard tag, such as `train/loss`.
    pub tag: &'static str,
    /// The value.
    pub value: f32,
}

/// Result of evaluation episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvalResult {
    /// Mean return by the task's reward.
    pub mean_reward: f32,
    /// Fraction of the episodes that succeeded.
    pub success_rate: f32,
}

/// Result of an evaluation: on held-out rows of a dataset, or in episodes of the policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// The learner's loss, a mean over the rows; the best policy has the lowest. For episodes it is minus their mean return.
    pub loss: f32,
    /// Mean over rows and action dimensions of `|action - demonstrated action|`, in standard deviations of the demonstrated
    /// action. Comparable between learners and heads; `None` without demonstrated actions.
    pub action_error: Option<f32>,
    /// Evaluation episodes, of a learner that acts.
    pub episodes: Option<EvalResult>,
}

impl Validation {
    /// The scalars for the TensorBoard file.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut out = vec![Metric { tag: "eval/loss", value: self.loss }];
        out.extend(self.action_error.map(|value| Metric { tag: "eval/action_error", value }));
        if let Some(EvalResult { mean_reward, success_rate }) = self.episodes {
            out.push(Metric { tag: "eval/mean_reward", value: mean_reward });
            out.push(Metric { tag: "eval/success_rate", value: success_rate });
        }
        out
    }
}

/// Length of a run, and the size of its data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extent {
    /// Updates of a whole run.
    pub updates: u64,
    /// Updates of one epoch; at least 1.
    pub updates_per_epoch: u64,
    /// Training rows; 0 without a dataset.
    pub training_rows: usize,
    /// Validation rows.
    pub validation_rows: usize,
    /// Numbers of the validation episodes, of a learner with a dataset.
    pub validation_episodes: Option<Vec<usize>>,
}

/// What the training loop runs: networks, optimizers, and the source of data.
pub trait Learner: Send {
    /// Name in provenance and logs.
    fn name(&self) -> &'static str;

    /// Length of the run.
    fn extent(&self) -> Extent;

    /// Take one update. May leave work on its device; [`Learner::metrics`] waits for it.
    ///
    /// # Errors
    /// The device fails, or the data cannot be used.
    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError>;

    /// Means over the updates since the last call, `train/loss` among them; empty when there was none.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when one of them is not finite.
    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError>;

    /// Evaluate on data that is not trained on; `None` where there is none.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when the loss is not finite.
    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError>;

    /// A copy of the current policy, on the CPU.
    ///
    /// # Errors
    /// The device fails.
    fn policy(&self) -> Result<Policy, PolicyError>;

    /// Write the state that the policy's folder lacks, such as the optimizer's, into that folder.
    ///
    /// # Errors
    /// A file cannot be written.
    fn save(&self, dir: &Path) -> Result<(), TrainError>;

    /// Restore exactly the state whose policy and [`Learner::save`] wrote `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged, or belongs to another network.
    fn load(&mut self, dir: &Path) -> Result<(), TrainError>;

    /// Add the penalty of elastic weight consolidation, of weight `lambda`, to all later updates. `batches` are earlier
    /// demonstrations, one row each.
    ///
    /// # Errors
    /// The learner does not support it.
    fn consolidate(&mut self, _batches: &mut dyn Iterator<Item = Batch>, _lambda: f32) -> Result<(), TrainError> {
        Err(TrainError::Config {
            origin: "continual.method".into(),
            message: format!("train {} does not support elastic weight consolidation; use rehearsal", self.name()),
        })
    }
}
