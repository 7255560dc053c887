//! What a benchmark measures.

use serde::Serialize;

/// One figure, and what it is held against.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// `group/what`, such as `humanoid/arenas_64`.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is held against: measured in the same run, or a budget. `None` where there is nothing.
    pub limit: Option<f64>,
    /// `value / limit`.
    pub ratio: Option<f64>,
    /// What the limit is, in words.
    pub against: &'static str,
}

impl Measurement {
    /// A figure that stands by itself.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, limit: None, ratio: None, against: "" }
    }

    /// The same figure, held against a limit.
    #[must_use]
    pub fn held_against(self, limit: f64, against: &'static str) -> Self {
        let ratio = (limit.abs() > f64::EPSILON).then(|| self.value / limit);
        Self { limit: Some(limit), ratio, against, ..self }
    }
}

/// The middle one of the values, the mean of the two middle ones of an even count; NaN without any.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which a `share` (0 to 1) of the values lies, between its neighbours in proportion; NaN without any.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}
