//! Running mean and variance.

use serde::{Deserialize, Serialize};

use crate::spaces::{DataStatistics, Layout, Normalizer};

/// Smaller standard deviations of returns count as those of a constant.
const MIN_STD: f64 = 1e-4;

/// Running count, mean, sum of squared deviations (Chan, Golub & LeVeque 1979) and extreme values of each column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMeanStd {
    count: f64,
    mean: Vec<f64>,
    sum_sq_dev: Vec<f64>,
    min: Vec<f32>,
    max: Vec<f32>,
}

impl RunningMeanStd {
    /// Statistics of rows of `size` numbers, without any row yet.
    pub fn new(size: usize) -> Self {
        Self {
            count: 0.0,
            mean: vec![0.0; size],
            sum_sq_dev: vec![0.0; size],
            min: vec![f32::INFINITY; size],
            max: vec![f32::NEG_INFINITY; size],
        }
    }

    /// Number of rows so far.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Add rows, `[rows, size]`, row-major.
    pub fn update(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.mean.len().max(1)) {
            self.count += 1.0;
            for ((x, mean), sum_sq_dev) in row.iter().zip(&mut self.mean).zip(&mut self.sum_sq_dev) {
                let deviation = f64::from(*x) - *mean;
                *mean += deviation / self.count;
                *sum_sq_dev += deviation * (f64::from(*x) - *mean);
            }
            row.iter().zip(&mut self.min).for_each(|(x, min)| *min = min.min(*x));
            row.iter().zip(&mut self.max).for_each(|(x, max)| *max = max.max(*x));
        }
    }

    /// Standard deviation of each column; 1 for a constant column.
    pub fn std(&self) -> impl Iterator<Item = f32> + '_ {
        self.raw_std().map(|std| if std < MIN_STD { 1.0 } else { std as f32 })
    }

    fn raw_std(&self) -> impl Iterator<Item = f64> + '_ {
        self.sum_sq_dev.iter().map(|sum_sq_dev| (sum_sq_dev / self.count.max(1.0)).sqrt())
    }

    /// The normalizer of columns that are the elements of `layout`; the identity without any row.
    ///
    /// # Panics
    /// When the layout has another size.
    pub fn normalizer(&self, layout: &Layout) -> Normalizer {
        if self.count == 0.0 {
            return Normalizer::identity(layout.size());
        }
        let statistics = DataStatistics {
            mean: self.mean.iter().map(|m| *m as f32).collect(),
            std: self.raw_std().map(|std| std as f32).collect(),
            min: self.min.clone(),
            max: self.max.clone(),
        };
        statistics.normalizer(layout)
    }
}

/// Mean and standard deviation over all values.
pub(super) fn mean_and_std(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance.sqrt() as f32)
}

/// Explained variance of the returns: `1 - var(returns - values) / var(returns)`; 0 if the returns are constant.
pub(super) fn explained_variance(values: &[f32], returns: &[f32]) -> f32 {
    let errors: Vec<f32> = returns.iter().zip(values).map(|(r, v)| r - v).collect();
    let (returns_std, error_std) = (mean_and_std(returns).1, mean_and_std(&errors).1);
    if returns_std > 0.0 { 1.0 - (error_std / returns_std).powi(2) } else { 0.0 }
}
