//! Tree-structured Parzen estimators (Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, section 4).

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::RngExt;
use rand_pcg::Pcg64;

use super::space::{Range, SearchSpace, Value};

/// Random trials before the first estimate.
const STARTUP_TRIALS: usize = 8;
/// Fraction of the trials that count as good (γ).
const GAMMA: f64 = 0.25;
/// Candidates drawn from the good trials' density for each setting.
const CANDIDATES: usize = 24;

/// The values of the next trial, given the values and costs of the earlier ones (lower is better).
pub fn suggest(
    space: &SearchSpace,
    trials: &[(BTreeMap<String, Value>, f64)],
    rng: &mut Pcg64,
) -> BTreeMap<String, Value> {
    let random = space.sample(rng);
    if trials.len() < STARTUP_TRIALS {
        return random;
    }
    let mut sorted: Vec<&(BTreeMap<String, Value>, f64)> = trials.iter().collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = ((GAMMA * sorted.len() as f64).ceil() as usize).clamp(2, sorted.len() - 1);
    let (good, bad) = sorted.split_at(count);
    let values_of = |part: &[&(BTreeMap<String, Value>, f64)], key: &str| -> Vec<Value> {
        part.iter().filter_map(|(values, _)| values.get(key).copied()).collect()
    };
    let best = |(key, range): (&String, &Range)| {
        let (good, bad) = (Density::new(range, &values_of(good, key)), Density::new(range, &values_of(bad, key)));
        let mut chosen = (f64::NEG_INFINITY, random[key]);
        for _ in 0..CANDIDATES {
            let candidate = good.sample(rng);
            let ratio = good.log_density(candidate) - bad.log_density(candidate);
            if ratio > chosen.0 {
                chosen = (ratio, candidate);
            }
        }
        (key.clone(), chosen.1)
    };
    space.0.iter().map(best).collect()
}

/// A density over one setting's values.
enum Density {
    /// A probability for each choice.
    Choices(Vec<f64>),
    /// A mixture of Gaussians on 0 to 1, as (mean, standard deviation); the last one is the prior.
    Gaussians(Vec<(f64, f64)>),
}

impl Density {
    fn new(range: &Range, values: &[Value]) -> Self {
        match range {
            Range::Choices { choices } => {
                // A pseudo-count of one, so that no choice has probability 0.
                let mut counts = vec![1.0; choices.len()];
                for value in values {
                    if let Value::Choice(i) = value
                        && let Some(count) = counts.get_mut(*i)
                    {
                        *count += 1.0;
                    }
                }
                let sum: f64 = counts.iter().sum();
                Self::Choices(counts.into_iter().map(|count| count / sum).collect())
            }
            Range::Numbers { .. } => {
                let mut means: Vec<f64> =
                    values.iter().filter_map(|v| if let Value::Normalized(x) = v { Some(*x) } else { None }).collect();
                means.sort_by(f64::total_cmp);
                // The deviation is the distance to the farther neighbor, at least 1 / (1 + number of values).
                let min_std = 1.0 / (1.0 + means.len() as f64).min(100.0);
                let std = |i: usize| {
                    let before = if i == 0 { means[i] } else { means[i] - means[i - 1] };
                    let after = if i + 1 == means.len() { 1.0 - means[i] } else { means[i + 1] - means[i] };
                    before.max(after).clamp(min_std, 1.0)
                };
                let mut parts: Vec<(f64, f64)> = (0..means.len()).map(|i| (means[i], std(i))).collect();
                parts.push((0.5, 1.0));
                Self::Gaussians(parts)
            }
        }
    }

    fn sample(&self, rng: &mut Pcg64) -> Value {
        match self {
            Self::Choices(probabilities) => {
                let mut remaining = rng.random::<f64>();
                let chosen = probabilities.iter().position(|probability| {
                    remaining -= probability;
                    remaining < 0.0
                });
                Value::Choice(chosen.unwrap_or(probabilities.len() - 1))
            }
            Self::Gaussians(parts) => {
                let (mean, std) = parts[rng.random_range(0..parts.len())];
                // Truncated to 0 to 1 by rejection. The mean is inside, so that most samples are accepted.
                let mut x = mean;
                for _ in 0..100 {
                    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
                    x = mean + std * (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
                    if (0.0..=1.0).contains(&x) {
                        break;
                    }
                }
                Value::normalized(x.clamp(0.0, 1.0))
            }
        }
    }

    fn log_density(&self, value: Value) -> f64 {
        match (self, value) {
            (Self::Choices(probabilities), Value::Choice(i)) => {
                probabilities.get(i).map_or(f64::NEG_INFINITY, |p| p.ln())
            }
            (Self::Gaussians(parts), Value::Normalized(x)) => {
                let density = |(mean, std): &(f64, f64)| (-0.5 * ((x - mean) / std).powi(2)).exp() / std;
                (parts.iter().map(density).sum::<f64>() / parts.len() as f64).ln()
            }
            _ => f64::NEG_INFINITY,
        }
    }
}
