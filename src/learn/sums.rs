//! Means over the updates since the metrics were last asked for; on the device until then.

use burn::tensor::Tensor;

use super::{Metric, TrainError};

/// Sums of named numbers.
#[derive(Default)]
pub struct Sums {
    count: u64,
    sums: Vec<(&'static str, Tensor<1>)>,
    learning_rate: f64,
}

impl Sums {
    /// Add an update's numbers `[1]`, the same ones each time.
    pub fn add(&mut self, numbers: Vec<(&'static str, Tensor<1>)>, learning_rate: f64) {
        self.count += 1;
        self.learning_rate = learning_rate;
        self.sums = if self.sums.is_empty() {
            numbers
        } else {
            std::mem::take(&mut self.sums)
                .into_iter()
                .zip(numbers)
                .map(|((tag, sum), (_, new))| (tag, sum + new))
                .collect()
        };
    }

    /// The means, and the learning rate; empty when nothing was added. Begins anew.
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

/// `value`, where it is finite.
///
/// # Errors
/// [`TrainError::Diverged`] where it is not.
pub fn finite(value: f32, step: u64, what: &'static str) -> Result<f32, TrainError> {
    if value.is_finite() { Ok(value) } else { Err(TrainError::Diverged { step, what }) }
}

/// A one-element tensor's number; NaN when the device cannot give it.
pub fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().iter::<f32>().next().unwrap_or(f32::NAN)
}
