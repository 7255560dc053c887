//! Minibatches of demonstrations, in the order of a run.

use std::ops::Range;

use super::error::TrainError;
use super::learner::Extent;
use super::minibatch::{Batch, PreparedData, Window};
use super::random::{self, Purpose, shuffle};
use super::settings::TrainingConfig;

/// Rows of a validation batch: many, since no activations are kept for a backward pass.
const VALIDATION_ROWS: usize = 2048;

/// Training and validation minibatches of one run.
pub struct DataLoader<'a> {
    data: &'a PreparedData<'a>,
    window: Window,
    sampler: BatchSampler,
    /// First rows of the validation sequences.
    validation_starts: Vec<u32>,
    /// Columns of interchangeable objects (`data.permutable`).
    permutable: Vec<Range<usize>>,
    extent: Extent,
    seed: u64,
}

impl<'a> DataLoader<'a> {
    /// Minibatches of `data` in windows of `window`. `permutable`: the fields of `data.permutable`.
    ///
    /// # Errors
    /// Unknown permutable fields.
    pub fn new(
        settings: &TrainingConfig,
        window: Window,
        permutable: &[String],
        data: &'a PreparedData<'a>,
    ) -> Result<Self, TrainError> {
        let permutable = data.permutable_ranges(permutable)?;
        let sequences = settings.batch_size.div_ceil(window.sequence_length);
        let sampler = BatchSampler::new(data.split.train.clone(), sequences, settings.seed);
        let updates =
            if settings.epochs > 0 { settings.epochs.saturating_mul(sampler.batches()) } else { settings.steps };
        let extent = Extent {
            updates,
            updates_per_epoch: sampler.batches(),
            training_rows: data.split.train.len(),
            validation_rows: data.split.validation.len(),
            validation_episodes: Some(data.validation_episodes()),
        };
        let validation_starts = data.validation_starts(window);
        Ok(Self { data, window, sampler, validation_starts, permutable, extent, seed: settings.seed })
    }

    /// Length of the run, and the size of the data.
    pub fn extent(&self) -> Extent {
        self.extent.clone()
    }

    /// The minibatch of a training step: a function of the run's seed and the step.
    pub fn batch(&mut self, step: u64) -> Batch {
        let rows = self.sampler.rows(step);
        let mut rng = random::generator(self.seed, Purpose::Sequences, step);
        if self.window.sequence_length > 1 {
            return self.data.batch(&self.data.sequence_starts(rows, self.window, &mut rng), self.window);
        }
        let mut batch = self.data.batch(rows, self.window);
        self.data.append_demonstrations(&mut batch, rows, &self.permutable, &mut rng);
        batch
    }

    /// The validation minibatches; empty without validation rows.
    pub fn validation_batches(&self) -> impl Iterator<Item = Batch> + '_ {
        let rows = VALIDATION_ROWS.div_ceil(self.window.sequence_length);
        self.validation_starts.chunks(rows).enumerate().map(|(index, starts)| {
            let mut batch = self.data.validation_batch(starts, self.window);
            let mut rng = random::generator(self.seed, Purpose::Validation, index as u64);
            self.data.append_demonstrations(&mut batch, starts, &[], &mut rng);
            batch
        })
    }

    /// Whether there are validation rows.
    pub fn validates(&self) -> bool {
        !self.validation_starts.is_empty()
    }
}

/// The rows of each step: a new random order in each epoch, cut into batches. The rows that do not fill the last batch are
/// left out of that epoch.
#[derive(Clone, Debug)]
pub struct BatchSampler {
    sorted: Vec<u32>,
    shuffled: Vec<u32>,
    epoch: Option<u64>,
    batch: usize,
    seed: u64,
}

impl BatchSampler {
    /// Orders of `rows` in batches of `batch_size`, or of all rows where there are fewer.
    pub fn new(rows: Vec<u32>, batch_size: usize, seed: u64) -> Self {
        let batch = batch_size.min(rows.len());
        Self { shuffled: rows.clone(), sorted: rows, epoch: None, batch, seed }
    }

    /// Batches of an epoch.
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
