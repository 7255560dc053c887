//! Which settings are searched, and between what.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a setting may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Range {
    /// One of a list.
    Choices {
        /// Values as TOML has them.
        choices: Vec<toml::Value>,
    },
    /// A number between two, both included.
    Numbers {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Whether factors count rather than differences.
        #[serde(default)]
        log: bool,
        /// Whether it is a whole number.
        #[serde(default)]
        integer: bool,
    },
}

/// A setting's value in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// The number of a choice.
    Choice(usize),
    /// Where a number stands between the least (0) and the greatest (1), by its logarithm where factors count.
    Share(f64),
}

impl Value {
    /// Where a number stands, to six digits, which JSON gives back as they are.
    pub fn share(x: f64) -> Self {
        Self::Share((x * 1e6).round() / 1e6)
    }
}

/// Why something is no space.
#[derive(Debug, Error)]
#[error("the search space is not valid: {0}")]
pub struct SpaceError(pub String);

/// The settings that are searched, by dotted key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space(pub BTreeMap<String, Range>);

impl Space {
    /// From TOML, one key a line: `"optimizer.learning_rate" = { low = 1e-5, high = 1e-2, log = true }` or
    /// `"network.hidden" = { choices = [[128, 128], [256, 256]] }`.
    ///
    /// # Errors
    /// A syntax error, no settings, an empty list, or numbers that are not in order.
    pub fn from_toml(text: &str) -> Result<Self, SpaceError> {
        let space: Self = toml::from_str(text).map_err(|e| SpaceError(e.to_string()))?;
        if space.0.is_empty() {
            return Err(SpaceError("it names no setting".into()));
        }
        for (key, range) in &space.0 {
            match range {
                Range::Choices { choices } if choices.is_empty() => {
                    return Err(SpaceError(format!("{key} has no choices")));
                }
                Range::Numbers { low, high, log, .. } => {
                    let least = if *log { f64::MIN_POSITIVE } else { f64::NEG_INFINITY };
                    if !(low.is_finite() && high.is_finite() && low < high && *low >= least) {
                        let wants = if *log { "0 < low < high" } else { "low < high" };
                        return Err(SpaceError(format!("{key} goes from {low} to {high}; it needs {wants}")));
                    }
                }
                Range::Choices { .. } => {}
            }
        }
        Ok(space)
    }

    /// The space for behaviour cloning and its relatives where none is given.
    pub fn usual() -> Self {
        let text = "\
            \"optimizer.learning_rate\" = { low = 3e-5, high = 3e-3, log = true }\n\
            \"optimizer.weight_decay\" = { low = 1e-5, high = 1e-1, log = true }\n\
            \"data.observation_noise\" = { low = 0.0, high = 0.2 }\n\
            \"training.batch_size\" = { choices = [128, 256, 512] }\n\
            \"network.dropout\" = { low = 0.0, high = 0.3 }\n";
        // The text is right here above; a test reads it.
        Self::from_toml(text).unwrap_or(Self(BTreeMap::new()))
    }

    /// Values by chance.
    pub fn draw(&self, chance: &mut Pcg64) -> BTreeMap<String, Value> {
        let value = |range: &Range, chance: &mut Pcg64| match range {
            Range::Choices { choices } => Value::Choice(chance.random_range(0..choices.len())),
            Range::Numbers { .. } => Value::share(chance.random::<f64>()),
        };
        self.0.iter().map(|(key, range)| (key.clone(), value(range, chance))).collect()
    }

    /// `key=value` for the training configuration.
    pub fn assignments(&self, values: &BTreeMap<String, Value>) -> Vec<String> {
        let one = |(key, range): (&String, &Range)| {
            let text = match (range, values.get(key)?) {
                (Range::Choices { choices }, Value::Choice(i)) => choices.get(*i)?.to_string(),
                (Range::Numbers { low, high, log, integer }, Value::Share(share)) => {
                    let number = if *log { low * (high / low).powf(*share) } else { low + (high - low) * share }
                        .clamp(*low, *high);
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
        self.0.iter().filter_map(one).collect()
    }
}

/// To three digits, which is more than a trial can tell.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}
