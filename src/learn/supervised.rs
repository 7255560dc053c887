//! Learning from a dataset: what the training loop gives a method that learns from batches.

use std::ops::Range;
use std::path::Path;

use super::random::{self, Purpose, shuffle};
use super::{BatchLearner, Extent, Learner, Metric, Prepared, TrainConfig, TrainError, UpdateStep, Validation, Window};
use crate::policies::{Policy, PolicyError};

/// Rows in a validation batch: large, since nothing is kept for a backward pass.
const VALIDATION_ROWS: usize = 2048;

/// A method with the demonstrations that it learns from.
pub struct Supervised<'a> {
    method: Box<dyn BatchLearner>,
    prepared: &'a Prepared<'a>,
    window: Window,
    order: Order,
    /// First rows of what validates.
    validating: Vec<u32>,
    /// Columns of things that are alike.
    exchanged: Vec<Range<usize>>,
    extent: Extent,
    seed: u64,
}

impl<'a> Supervised<'a> {
    /// `method`, over `prepared`.
    ///
    /// # Errors
    /// A window that is longer than the episodes, or unknown interchangeable fields.
    pub fn new(
        method: Box<dyn BatchLearner>,
        config: &TrainConfig,
        prepared: &'a Prepared<'a>,
    ) -> Result<Self, TrainError> {
        let settings = &config.training;
        let window = method.window();
        prepared.check_window(window)?;
        let exchanged = prepared.exchanged(&config.data.interchangeable)?;
        let sequences = settings.batch_size.div_ceil(window.sequence);
        let order = Order::new(prepared.split.train.clone(), sequences, settings.seed);
        let updates =
            if settings.epochs > 0 { settings.epochs.saturating_mul(order.batches()) } else { settings.steps };
        let extent = Extent {
            updates,
            updates_per_epoch: order.batches(),
            training_rows: prepared.split.train.len(),
            validation_rows: prepared.split.validation.len(),
            validation_episodes: Some(prepared.validation_episodes()),
        };
        let validating = prepared.validation_starts(window);
        Ok(Self { method, prepared, window, order, validating, exchanged, extent, seed: settings.seed })
    }
}

impl Learner for Supervised<'_> {
    fn name(&self) -> &'static str {
        self.method.name()
    }

    fn extent(&self) -> Extent {
        self.extent.clone()
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        let rows = self.order.rows(step.index);
        let mut generator = random::generator(step.seed, Purpose::Sequences, step.index);
        let batch = if self.window.sequence == 1 {
            let mut batch = self.prepared.batch(rows, self.window);
            self.prepared.show(&mut batch, rows, &self.exchanged, &mut generator);
            batch
        } else {
            self.prepared.batch(&self.prepared.starts(rows, self.window, &mut generator), self.window)
        };
        self.method.update(batch, step)
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        self.method.metrics(step)
    }

    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError> {
        if self.validating.is_empty() {
            return Ok(None);
        }
        let rows = VALIDATION_ROWS.div_ceil(self.window.sequence);
        let mut batches = self.validating.chunks(rows).enumerate().map(|(index, starts)| {
            let mut batch = self.prepared.validation_batch(starts, self.window);
            let mut generator = random::generator(self.seed, Purpose::Validation, index as u64);
            self.prepared.show(&mut batch, starts, &[], &mut generator);
            batch
        });
        self.method.validate(&mut batches, step).map(Some)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.method.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.method.save(dir)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.method.load(dir)
    }
}

/// Which rows each step takes: a new order for each epoch, cut into batches. What does not fill a batch is left out of
/// that epoch.
#[derive(Clone, Debug)]
pub struct Order {
    sorted: Vec<u32>,
    shuffled: Vec<u32>,
    epoch: Option<u64>,
    batch: usize,
    seed: u64,
}

impl Order {
    /// The order of `rows` in batches of `batch_size`, or of all rows where they are fewer.
    pub fn new(rows: Vec<u32>, batch_size: usize, seed: u64) -> Self {
        let batch = batch_size.min(rows.len());
        Self { shuffled: rows.clone(), sorted: rows, epoch: None, batch, seed }
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> u64 {
        (self.sorted.len() / self.batch) as u64
    }

    /// The rows of a step.
    pub fn rows(&mut self, step: u64) -> &[u32] {
        let epoch = step / self.batches();
        if self.epoch != Some(epoch) {
            self.shuffled.copy_from_slice(&self.sorted);
            shuffle(&mut self.shuffled, &mut random::generator(self.seed, Purpose::Shuffle, epoch));
            self.epoch = Some(epoch);
        }
        let start = (step % self.batches()) as usize * self.batch;
        &self.shuffled[start..start + self.batch]
    }
}
