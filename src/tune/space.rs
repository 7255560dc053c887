//! The search space: the searched settings and their ranges.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The range of a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Range {
    /// A categorical setting.
    Choices {
        /// The values, as in TOML.
        choices: Vec<toml::Value>,
    },
    /// A number in a closed interval.
    Numbers {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
        /// Whether the number is searched on a logarithmic scale.
        #[serde(default)]
        log: bool,
        /// Whether the number is an integer.
        #[serde(default)]
        integer: bool,
    },
}

/// A setting's value in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// The index of a choice.
    Choice(usize),
    /// A number scaled from its interval to 0 to 1, logarithmically where `log` is set.
    Normalized(f64),
}

impl Value {
    /// A normalized number, rounded to six digits, so that it survives JSON unchanged.
    pub fn normalized(x: f64) -> Self {
        Self::Normalized((x * 1e6).round() / 1e6)
    }
}

/// Why a search space is invalid.
#[derive(Debug, Error)]
#[error("the search space is not valid: {0}")]
pub struct SpaceError(pub String);

/// The ranges of the searched settings, by dotted key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SearchSpace(pub BTreeMap<String, Range>);

impl SearchSpace {
    /// From TOML, one key a line: `"optimizer.learning_rate" = { low = 1e-5, high = 1e-2, log = true }` or
    /// `"network.hidden_sizes" = { choices = [[128, 128], [256, 256]] }`.
    ///
    /// # Errors
    /// A syntax error, no settings, an empty list, or numbers that are not in order.
    pub fn from_toml(text: &str) -> Result<Self, SpaceError> {
        let space: Self = toml::from_str(text).map_err(|e| SpaceError(e.to_string()))?;
        if space.0.is_empty() {
            return Err(SpaceError("it contains no setting".into()));
        }
        for (key, range) in &space.0 {
            match range {
                Range::Choices { choices } if choices.is_empty() => {
                    return Err(SpaceError(format!("{key} has no choices")));
                }
                Range::Numbers { low, high, log, .. } => {
                    let min = if *log { f64::MIN_POSITIVE } else { f64::NEG_INFINITY };
                    if !(low.is_finite() && high.is_finite() && low < high && *low >= min) {
                        let expected = if *log { "0 < low < high" } else { "low < high" };
                        return Err(SpaceError(format!("{key} ranges from {low} to {high}; {expected} is required")));
                    }
                }
                Range::Choices { .. } => {}
            }
        }
        Ok(space)
    }

    /// The default search space of the supervised learners.
    pub fn default_space() -> Self {
        let text = "\
            \"optimizer.learning_rate\" = { low = 3e-5, high = 3e-3, log = true }\n\
            \"optimizer.weight_decay\" = { low = 1e-5, high = 1e-1, log = true }\n\
            \"data.observation_noise_std\" = { low = 0.0, high = 0.2 }\n\
            \"training.batch_size\" = { choices = [128, 256, 512] }\n\
            \"network.dropout\" = { low = 0.0, high = 0.3 }\n";
        // A test checks that the text is valid.
        Self::from_toml(text).unwrap_or(Self(BTreeMap::new()))
    }

    /// Random values, uniform over each range.
    pub fn sample(&self, rng: &mut Pcg64) -> BTreeMap<String, Value> {
        let value = |range: &Range, rng: &mut Pcg64| match range {
            Range::Choices { choices } => Value::Choice(rng.random_range(0..choices.len())),
            Range::Numbers { .. } => Value::normalized(rng.random::<f64>()),
        };
        self.0.iter().map(|(key, range)| (key.clone(), value(range, rng))).collect()
    }

    /// The values as `key=value` overrides of the training configuration.
    pub fn assignments(&self, values: &BTreeMap<String, Value>) -> Vec<String> {
        let assignment = |(key, range): (&String, &Range)| {
            let text = match (range, values.get(key)?) {
                (Range::Choices { choices }, Value::Choice(i)) => choices.get(*i)?.to_string(),
                (Range::Numbers { low, high, log, integer }, Value::Normalized(x)) => {
                    let number =
                        if *log { low * (high / low).powf(*x) } else { low + (high - low) * x }.clamp(*low, *high);
                    if *integer {
                        format!("{}", number.round() as i64)
                    } else {
                        toml::Value::Float(rounded(number)).to_string()
                    }
                }
                _ => return None,
            };
            Some(format!("{key}={text}"))
        };
        self.0.iter().filter_map(assignment).collect()
    }
}

/// Rounded to three significant digits; trials cannot resolve more.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}
