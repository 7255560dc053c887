//! A benchmark's measurement and its statistics.

use serde::Serialize;

/// A measured value and its reference value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// `group/what`, such as `humanoid/arenas_64`.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The value it is compared to, which is measured in the same run or a budget; `None` without one.
    pub reference: Option<f64>,
    /// `value / reference`.
    pub ratio: Option<f64>,
    /// A description of the reference.
    pub reference_name: &'static str,
}

impl Measurement {
    /// A measurement without reference.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, reference: None, ratio: None, reference_name: "" }
    }

    /// The same measurement with a reference.
    #[must_use]
    pub fn compared_to(self, reference: f64, reference_name: &'static str) -> Self {
        let ratio = (reference.abs() > f64::EPSILON).then(|| self.value / reference);
        Self { reference: Some(reference), ratio, reference_name, ..self }
    }
}

/// The median of the values; NaN without any.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The `quantile` (0 to 1) of the values with linear interpolation; NaN without any.
pub fn percentile(values: &[f64], quantile: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = quantile.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}
