//! Normalization of each element to zero mean and unit standard deviation.

use serde::{Deserialize, Serialize};

/// An element with a smaller standard deviation counts as constant and is only centered: the division would amplify its
/// rounding errors to full scale.
const MIN_STD: f32 = 1e-4;

/// Per-element mean and standard deviation: `normalize(x) = (x - mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalizer {
    /// Mean of each element.
    pub mean: Vec<f32>,
    /// Standard deviation of each element; 1 for a constant one.
    pub std: Vec<f32>,
}

impl Normalizer {
    /// The identity on `size` elements.
    pub fn identity(size: usize) -> Self {
        Self { mean: vec![0.0; size], std: vec![1.0; size] }
    }

    /// Mean and standard deviation of `rows`, `[rows, size]`. Two passes, with sums in f64.
    ///
    /// # Panics
    /// When a row is shorter than `size`.
    pub fn fit<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone, size: usize) -> Self {
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0.0f64; size];
        for row in rows.clone() {
            for (m, x) in mean.iter_mut().zip(&row[..size]) {
                *m += f64::from(*x) / count;
            }
        }
        let mut variance = vec![0.0f64; size];
        for row in rows {
            for ((v, m), x) in variance.iter_mut().zip(&mean).zip(&row[..size]) {
                *v += (f64::from(*x) - m).powi(2) / count;
            }
        }
        Self {
            mean: mean.iter().map(|m| *m as f32).collect(),
            std: variance
                .iter()
                .map(|v| {
                    let std = v.sqrt() as f32;
                    if std < MIN_STD { 1.0 } else { std }
                })
                .collect(),
        }
    }

    /// Number of elements of a row.
    pub fn size(&self) -> usize {
        self.mean.len()
    }

    /// Normalize rows in place.
    pub fn normalize(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.size()) {
            for ((x, m), s) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = (*x - m) / s;
            }
        }
    }

    /// Undo [`Normalizer::normalize`] in place.
    pub fn denormalize(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.size()) {
            for ((x, m), s) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = *x * s + m;
            }
        }
    }
}
