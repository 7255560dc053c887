//! Normalization of each element to zero mean and unit standard deviation.

use serde::{Deserialize, Serialize};

use super::layout::{Field, Layout};

/// A field whose standard deviation is a smaller fraction of its declared range hardly varied. In demonstrations of the
/// built-in scenes the numbers that decide an action vary by 1 % or more of their range, and what varies less is the
/// jitter of suspension and contacts.
const MIN_RANGE_FRACTION: f32 = 0.01;

/// An action whose standard deviation is smaller counts as constant.
const MIN_ACTION_STD: f32 = 1e-4;

/// Standard deviation below which a number of this unit hardly varied, whatever its range; infinite for units that are
/// not listed. The declared range may be much larger than what occurs, such as ±30 m/s for a body that walks.
fn min_std_of_unit(unit: &str) -> f32 {
    match unit {
        "1" | "rad" => 0.02,
        "m" => 0.05,
        "m/s" | "rad/s" => 0.1,
        _ => f32::INFINITY,
    }
}

impl Field {
    /// Standard deviation below which an element of this field hardly varied: 1 % of its declared range, or less where the
    /// unit says what matters.
    pub fn min_std(&self) -> f32 {
        (MIN_RANGE_FRACTION * (self.high - self.low)).min(min_std_of_unit(&self.unit))
    }
}

/// The number that an element of `field` with the standard deviation `std` is divided by.
///
/// One that hardly varied is divided by its declared range, so that a value which the data does not contain has almost no
/// influence. A smaller divisor is not enough: Adam steps as far for an input of small values as for one of large values,
/// so that a network learns to use even the jitter of a suspension, and is misled by the first bank of the road. Between
/// [`Field::min_std`] and half of it the divisor rises linearly, so that running statistics change an input steadily.
fn scale(field: &Field, std: f32) -> f32 {
    let (min, range) = (field.min_std(), field.high - field.low);
    if std >= min {
        return std;
    }
    let lack = (2.0 * (1.0 - std / min)).min(1.0);
    min + lack * (range - min)
}

/// Per-element mean and standard deviation: `normalize(x) = (x - mean) / std`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Normalizer {
    /// Mean of each element.
    pub mean: Vec<f32>,
    /// Standard deviation of each element; for an observed one that hardly varied, up to the range of its field, and for an
    /// action that was constant, 1.
    pub std: Vec<f32>,
    /// Smallest value of each element in the data; empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub min: Vec<f32>,
    /// Greatest value of each element in the data; empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max: Vec<f32>,
}

impl Normalizer {
    /// The identity on `size` elements.
    pub fn identity(size: usize) -> Self {
        Self::of_moments(vec![0.0; size], vec![1.0; size])
    }

    /// A normalizer with this mean and standard deviation of each element, of data whose smallest and greatest values are
    /// not known.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn of_moments(mean: Vec<f32>, std: Vec<f32>) -> Self {
        assert_eq!(mean.len(), std.len(), "as many means as standard deviations");
        Self { mean, std, min: Vec::new(), max: Vec::new() }
    }

    /// The normalizer of `rows`, `[rows, layout.size()]`. Two passes, with sums in f64.
    ///
    /// # Panics
    /// When a row is shorter than the layout.
    pub fn fit<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone, layout: &Layout) -> Self {
        DataStatistics::of(rows, layout.size()).normalizer(layout)
    }

    /// The normalizer of actions, `[rows, size]`. A constant element is only centered. There is no floor by the declared
    /// range, as for observations: the error of a network's output is multiplied by the divisor.
    ///
    /// # Panics
    /// When a row is shorter than `size`.
    pub fn fit_actions<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone, size: usize) -> Self {
        let DataStatistics { mean, std, min, max } = DataStatistics::of(rows, size);
        let std = std.into_iter().map(|std| if std < MIN_ACTION_STD { 1.0 } else { std }).collect();
        Self { mean, std, min, max }
    }

    /// Number of elements of a row.
    pub fn size(&self) -> usize {
        self.mean.len()
    }

    /// Checks that the range is either unknown or known for every element.
    ///
    /// # Errors
    /// A message without subject about the first that is wrong.
    pub fn check_range(&self) -> Result<(), String> {
        let (size, min, max) = (self.size(), self.min.len(), self.max.len());
        if (min, max) != (0, 0) && (min, max) != (size, size) {
            return Err(format!("has {min} smallest and {max} greatest values for {size} numbers"));
        }
        let ordered = |(min, max): (&f32, &f32)| min.is_finite() && max.is_finite() && min <= max;
        if self.min.iter().zip(&self.max).all(ordered) {
            Ok(())
        } else {
            Err("has a smallest value that is not finite or above the greatest one".into())
        }
    }

    /// Whether element `at` was constant in the data.
    pub fn is_constant(&self, at: usize) -> bool {
        match (self.min.get(at), self.max.get(at)) {
            (Some(min), Some(max)) => min == max,
            // The policies of earlier versions, which know no range, have this value for a constant element.
            _ => self.std[at] == 1.0,
        }
    }

    /// Widens the range of element `at` by that of element `from` of `other`, where both are known.
    pub fn widen(&mut self, at: usize, other: &Self, from: usize) {
        if let (Some(min), Some(low)) = (self.min.get_mut(at), other.min.get(from)) {
            *min = min.min(*low);
        }
        if let (Some(max), Some(high)) = (self.max.get_mut(at), other.max.get(from)) {
            *max = max.max(*high);
        }
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

/// Mean, standard deviation and extreme values of each element of some data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataStatistics {
    /// Mean of each element.
    pub mean: Vec<f32>,
    /// Standard deviation of each element.
    pub std: Vec<f32>,
    /// Smallest value of each element.
    pub min: Vec<f32>,
    /// Greatest value of each element.
    pub max: Vec<f32>,
}

impl DataStatistics {
    /// The statistics of `rows`, `[rows, size]`. Two passes, with sums in f64.
    ///
    /// # Panics
    /// When a row is shorter than `size`.
    pub fn of<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone, size: usize) -> Self {
        if rows.len() == 0 {
            return Self { mean: vec![0.0; size], std: vec![0.0; size], min: vec![0.0; size], max: vec![0.0; size] };
        }
        let count = rows.len() as f64;
        let mut mean = vec![0.0f64; size];
        let (mut min, mut max) = (vec![f32::INFINITY; size], vec![f32::NEG_INFINITY; size]);
        for row in rows.clone() {
            for (at, x) in row[..size].iter().enumerate() {
                mean[at] += f64::from(*x) / count;
                min[at] = min[at].min(*x);
                max[at] = max[at].max(*x);
            }
        }
        let mut variance = vec![0.0f64; size];
        for row in rows {
            for ((v, m), x) in variance.iter_mut().zip(&mean).zip(&row[..size]) {
                *v += (f64::from(*x) - m).powi(2) / count;
            }
        }
        let std = variance.iter().map(|v| v.sqrt() as f32).collect();
        Self { mean: mean.iter().map(|m| *m as f32).collect(), std, min, max }
    }

    /// The normalizer of this data, whose fields are those of `layout`.
    ///
    /// # Panics
    /// When the layout has another size.
    pub fn normalizer(self, layout: &Layout) -> Normalizer {
        assert_eq!(self.std.len(), layout.size(), "statistics of the layout's elements");
        let fields = layout.fields.iter().flat_map(|field| std::iter::repeat_n(field, field.size));
        let std = fields.zip(&self.std).map(|(field, std)| scale(field, *std)).collect();
        Normalizer { mean: self.mean, std, min: self.min, max: self.max }
    }

    /// Names of the fields of `layout` of which no element varied noticeably.
    ///
    /// # Panics
    /// When the layout has another size.
    pub fn hardly_varied<'a>(&self, layout: &'a Layout) -> Vec<&'a str> {
        assert_eq!(self.std.len(), layout.size(), "statistics of the layout's elements");
        let mut stds = self.std.iter();
        let hardly =
            |field: &&Field| stds.by_ref().take(field.size).filter(|std| **std >= field.min_std()).count() == 0;
        layout.fields.iter().filter(hardly).map(|field| field.name.as_str()).collect()
    }
}
