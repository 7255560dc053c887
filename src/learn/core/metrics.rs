//! Metrics, averaged over the updates since they were last read. The sums stay on the device until then.

use burn::tensor::Tensor;

use crate::learn::{Metric, TrainError};

/// Accumulates the sums of named values.
#[derive(Default)]
pub struct MeanMetrics {
    count: u64,
    sums: Vec<(&'static str, Tensor<1>)>,
    learning_rate: f64,
}

impl MeanMetrics {
    /// Adds the values `[1]` of an update. Every update has the same tags.
    pub fn add(&mut self, values: Vec<(&'static str, Tensor<1>)>, learning_rate: f64) {
        self.count += 1;
        self.learning_rate = learning_rate;
        self.sums = if self.sums.is_empty() {
            values
        } else {
            std::mem::take(&mut self.sums)
                .into_iter()
                .zip(values)
                .map(|((tag, sum), (_, new))| (tag, sum + new))
                .collect()
        };
    }

    /// The means and the learning rate, and resets; empty when nothing was added.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when a mean is not finite.
    pub fn take(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let Self { count, sums, learning_rate } = std::mem::take(self);
        let mut metrics = Vec::with_capacity(sums.len() + 1);
        for (tag, sum) in sums {
            metrics.push(Metric { tag, value: finite(number(sum) / count as f32, step, tag)? });
        }
        if !metrics.is_empty() {
            metrics.push(Metric { tag: "train/learning_rate", value: learning_rate as f32 });
        }
        Ok(metrics)
    }
}

/// Returns `value` if it is finite.
///
/// # Errors
/// [`TrainError::Diverged`] otherwise.
pub fn finite(value: f32, step: u64, what: &'static str) -> Result<f32, TrainError> {
    if value.is_finite() { Ok(value) } else { Err(TrainError::Diverged { step, what }) }
}

/// The value of a one-element tensor; NaN when the device fails.
pub fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().iter::<f32>().next().unwrap_or(f32::NAN)
}
