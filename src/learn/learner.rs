//! What the training loop asks of a learning method. A new method is a new file with one of these traits.

use std::path::Path;

use super::{Batch, TrainError, Window};
use crate::policies::{Policy, PolicyError};

/// Where in training an update happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateStep {
    /// Counts from 0.
    pub index: u64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// The run's seed. Chance in an update is a function of seed and index alone, so that a resumed run repeats it.
    pub seed: u64,
}

/// One number about training, for the event file and the plots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// TensorBoard's tag, such as `train/loss`.
    pub tag: &'static str,
    /// The value.
    pub value: f32,
}

/// How well a learner does on rows that it did not learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// The learner's loss, mean over the rows; the best policy is that with the least. A policy's own
    /// episodes count by minus their mean return.
    pub loss: f32,
    /// Mean over rows and action numbers of `|action - demonstrated|`, in standard deviations of the demonstrated
    /// action. Comparable between learners and heads; `None` where nothing was demonstrated.
    pub action_error: Option<f32>,
    /// Mean return and share of successes of the policy's own episodes, where it acts in learning.
    pub episodes: Option<(f32, f32)>,
}

impl Validation {
    /// The numbers, for the event file.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut out = vec![Metric { tag: "validation/loss", value: self.loss }];
        out.extend(self.action_error.map(|value| Metric { tag: "validation/action_error", value }));
        for (tag, value) in self
            .episodes
            .into_iter()
            .flat_map(|(total, success)| [("validation/return", total), ("validation/success", success)])
        {
            out.push(Metric { tag, value });
        }
        out
    }
}

/// How much there is to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extent {
    /// Updates of a whole run.
    pub updates: u64,
    /// Updates in which everything there is to learn from is gone through once; at least 1.
    pub updates_per_epoch: u64,
    /// Rows that train; 0 where there is no such number.
    pub training_rows: usize,
    /// Rows that validate.
    pub validation_rows: usize,
    /// The episodes that validate, where there is a dataset.
    pub validation_episodes: Option<Vec<usize>>,
}

/// What the training loop runs: a method with its networks, its optimisers, and where it learns from.
pub trait Learner: Send {
    /// Name in provenance and logs.
    fn name(&self) -> &'static str;

    /// How much there is to do.
    fn extent(&self) -> Extent;

    /// Learn once. May leave work to its device; [`Learner::metrics`] waits for it.
    ///
    /// # Errors
    /// The device fails, or what is learned from cannot be used.
    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError>;

    /// Means over the updates since the last call, `train/loss` among them; empty when there was none.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when one of them is not finite.
    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError>;

    /// Measure on what is not learned from; `None` where there is nothing of the kind.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when the loss is not finite.
    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError>;

    /// A copy of the policy as it is now, on the CPU.
    ///
    /// # Errors
    /// The device fails.
    fn policy(&self) -> Result<Policy, PolicyError>;

    /// Write what the policy's folder lacks to go on learning, such as the optimiser's state, into that folder.
    ///
    /// # Errors
    /// A file cannot be written.
    fn save(&self, dir: &Path) -> Result<(), TrainError>;

    /// Become exactly the learner whose policy and [`Learner::save`] wrote `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged, or belongs to another network.
    fn load(&mut self, dir: &Path) -> Result<(), TrainError>;
}

/// A method that learns from batches of demonstrations; [`super::Supervised`] makes a [`Learner`] of it.
pub trait BatchLearner: Send {
    /// Name in provenance and logs.
    fn name(&self) -> &'static str;

    /// Which ticks its batches hold.
    fn window(&self) -> Window;

    /// Guard from now on what was learned from earlier demonstrations, given in batches of one row each, by drawing each
    /// weight back by as much as they depend on it, times `strength` ([`super::ContinualMethod::Ewc`]).
    ///
    /// # Errors
    /// The method cannot.
    fn protect(&mut self, _batches: &mut dyn Iterator<Item = Batch>, _strength: f32) -> Result<(), TrainError> {
        Err(TrainError::Config {
            origin: "continual.method".into(),
            message: format!("train {} has no elastic weight consolidation; use rehearsal", self.name()),
        })
    }

    /// Learn from one batch. May leave work to its device; [`BatchLearner::metrics`] waits for it.
    ///
    /// # Errors
    /// The device fails.
    fn update(&mut self, batch: Batch, step: UpdateStep) -> Result<(), TrainError>;

    /// Means over the updates since the last call, `train/loss` among them; empty when there was none.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when one of them is not finite.
    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError>;

    /// Measure on batches that are not learned from.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when the loss is not finite.
    fn validate(&mut self, batches: &mut dyn Iterator<Item = Batch>, step: u64) -> Result<Validation, TrainError>;

    /// A copy of the policy as it is now, on the CPU.
    ///
    /// # Errors
    /// The device fails.
    fn policy(&self) -> Result<Policy, PolicyError>;

    /// Write what the policy's folder lacks to go on learning, such as the optimiser's state, into that folder.
    ///
    /// # Errors
    /// A file cannot be written.
    fn save(&self, dir: &Path) -> Result<(), TrainError>;

    /// Become exactly the learner whose policy and [`BatchLearner::save`] wrote `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged, or belongs to another network.
    fn load(&mut self, dir: &Path) -> Result<(), TrainError>;
}
