//! Mean and variance of numbers that come in bit by bit.

use serde::{Deserialize, Serialize};

use crate::spaces::Normalizer;

/// Deviations below this are taken for a constant number.
const SMALLEST_STD: f64 = 1e-4;

/// Count, mean and sum of squared deviations of each number (Chan, Golub & LeVeque 1979).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Of rows of `size` numbers, none so far.
    pub fn new(size: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; size], squares: vec![0.0; size] }
    }

    /// Rows so far.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Add rows, `[rows, size]`, row-major.
    pub fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.mean.len().max(1)) {
            self.count += 1.0;
            for ((x, mean), square) in row.iter().zip(&mut self.mean).zip(&mut self.squares) {
                let before = f64::from(*x) - *mean;
                *mean += before / self.count;
                *square += before * (f64::from(*x) - *mean);
            }
        }
    }

    /// Standard deviation of each number; 1 where it was constant.
    pub fn deviations(&self) -> impl Iterator<Item = f32> + '_ {
        self.squares.iter().map(|square| {
            let std = (square / self.count.max(1.0)).sqrt();
            if std < SMALLEST_STD { 1.0 } else { std as f32 }
        })
    }

    /// Shifts and scales by what was seen so far.
    pub fn normalizer(&self) -> Normalizer {
        Normalizer { mean: self.mean.iter().map(|m| *m as f32).collect(), std: self.deviations().collect() }
    }
}

/// Of all numbers together.
pub(super) fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance.sqrt() as f32)
}

/// Which part of the returns' variance the values tell.
pub(super) fn explained_variance(values: &[f32], returns: &[f32]) -> f32 {
    let errors: Vec<f32> = returns.iter().zip(values).map(|(r, v)| r - v).collect();
    let (all, left) = (mean_and_deviation(returns).1, mean_and_deviation(&errors).1);
    if all > 0.0 { 1.0 - (left / all).powi(2) } else { 0.0 }
}
