//! Observations far outside of the data that a policy was trained on.

use serde::Serialize;

use super::PolicyConfig;
use super::PolicyError;
use crate::spaces::Layout;

/// An element is far outside when it exceeds the range of the training data by more than this fraction of that range.
const MARGIN: f32 = 0.5;

/// The values of an agent's observation that a policy was trained on, with a margin.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingRange {
    fields: Vec<FieldRange>,
}

/// The elements of one field.
#[derive(Clone, Debug, PartialEq)]
struct FieldRange {
    name: String,
    /// Column in the agent's observation, lower and upper limit.
    elements: Vec<(usize, f32, f32)>,
}

impl TrainingRange {
    /// The range of the policy that `config` describes, for agents with these layouts; `None` where the policy does not
    /// know it, as one that was trained by an earlier version.
    ///
    /// # Errors
    /// As [`PolicyConfig::columns`].
    pub fn new(config: &PolicyConfig, observation: &Layout, action: &Layout) -> Result<Option<Self>, PolicyError> {
        let columns = config.columns(observation, action)?;
        let normalizer = &config.observation_normalizer;
        if normalizer.min.is_empty() {
            return Ok(None);
        }
        let mut at = 0;
        let mut fields = Vec::new();
        for field in &config.observation.fields {
            let elements = (at..at + field.size).filter_map(|at| {
                let (min, max) = (normalizer.min[at], normalizer.max[at]);
                let margin = (MARGIN * (max - min)).max(field.min_std());
                Some((columns[at]?, min - margin, max + margin))
            });
            fields.push(FieldRange { name: field.name.clone(), elements: elements.collect() });
            at += field.size;
        }
        Ok(Some(Self { fields }))
    }

    /// For each field of the policy's observation, its name and whether an element of it is far outside.
    fn check<'a>(&'a self, observation: &'a [f32]) -> impl Iterator<Item = (&'a str, bool)> {
        self.fields.iter().map(|field| {
            let is_outside = |at: usize, low, high| observation.get(at).is_some_and(|x| !(low..=high).contains(x));
            let outside = field.elements.iter().any(|(at, low, high)| is_outside(*at, *low, *high));
            (field.name.as_str(), outside)
        })
    }

    /// Names of the fields of an agent's `observation` that are far outside.
    pub fn outside<'a>(&'a self, observation: &'a [f32]) -> impl Iterator<Item = &'a str> {
        self.check(observation).filter(|(_, outside)| *outside).map(|(name, _)| name)
    }
}

/// Counts the ticks whose observations are far outside.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideCounter {
    range: TrainingRange,
    ticks: u64,
    /// Ticks in which any field was outside.
    outside: u64,
    /// The same for each field.
    by_field: Vec<u64>,
}

/// A field that was far outside of the training data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutsideField {
    /// Its name.
    pub field: String,
    /// Fraction of the ticks in which it was.
    pub fraction: f64,
}

/// How often observations were far outside of the training data.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutsideReport {
    /// Fraction of the ticks in which any field was.
    pub fraction: f64,
    /// The fields that ever were, the most frequent first.
    pub fields: Vec<OutsideField>,
}

impl OutsideCounter {
    /// A counter without ticks.
    pub fn new(range: TrainingRange) -> Self {
        Self { by_field: vec![0; range.fields.len()], range, ticks: 0, outside: 0 }
    }

    /// Counts one tick of an agent.
    pub fn add(&mut self, observation: &[f32]) {
        self.ticks += 1;
        let mut any = false;
        for ((_, outside), count) in self.range.check(observation).zip(&mut self.by_field) {
            *count += u64::from(outside);
            any |= outside;
        }
        self.outside += u64::from(any);
    }

    /// The fractions so far.
    pub fn report(&self) -> OutsideReport {
        let ticks = self.ticks.max(1) as f64;
        let counted = self.range.fields.iter().zip(&self.by_field).filter(|(_, count)| **count > 0);
        let mut fields: Vec<OutsideField> = counted
            .map(|(field, count)| OutsideField { field: field.name.clone(), fraction: *count as f64 / ticks })
            .collect();
        fields.sort_by(|a, b| b.fraction.total_cmp(&a.fraction));
        OutsideReport { fraction: self.outside as f64 / ticks, fields }
    }
}
