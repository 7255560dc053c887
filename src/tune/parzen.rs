//! Tree-structured Parzen estimators (Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, section 4).

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::RngExt;
use rand_pcg::Pcg64;

use super::space::{Range, Space, Value};

/// Trials by chance before anything is estimated.
const STARTUP: usize = 8;
/// Share of the trials that count as good (γ).
const GOOD: f64 = 0.25;
/// Candidates drawn from the good trials' density for each setting.
const CANDIDATES: usize = 24;

/// The next trial's values, given what earlier ones came to; the less the better.
pub fn suggest(
    space: &Space,
    trials: &[(BTreeMap<String, Value>, f64)],
    chance: &mut Pcg64,
) -> BTreeMap<String, Value> {
    let random = space.draw(chance);
    if trials.len() < STARTUP {
        return random;
    }
    let mut sorted: Vec<&(BTreeMap<String, Value>, f64)> = trials.iter().collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let count = ((GOOD * sorted.len() as f64).ceil() as usize).clamp(2, sorted.len() - 1);
    let (good, bad) = sorted.split_at(count);
    let of = |part: &[&(BTreeMap<String, Value>, f64)], key: &str| -> Vec<Value> {
        part.iter().filter_map(|(values, _)| values.get(key).copied()).collect()
    };
    let best = |(key, range): (&String, &Range)| {
        let (good, bad) = (Density::new(range, &of(good, key)), Density::new(range, &of(bad, key)));
        let mut chosen = (f64::NEG_INFINITY, random[key]);
        for _ in 0..CANDIDATES {
            let candidate = good.draw(chance);
            let ratio = good.log(candidate) - bad.log(candidate);
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
    /// Gaussians of these means and deviations over 0 to 1, the last one the prior.
    Shares(Vec<(f64, f64)>),
}

impl Density {
    fn new(range: &Range, values: &[Value]) -> Self {
        match range {
            Range::Choices { choices } => {
                // One count each beforehand, so that nothing becomes impossible.
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
                    values.iter().filter_map(|v| if let Value::Share(x) = v { Some(*x) } else { None }).collect();
                means.sort_by(f64::total_cmp);
                // As wide as the way to the farther neighbour, but not too narrow for so few.
                let least = 1.0 / (1.0 + means.len() as f64).min(100.0);
                let width = |i: usize| {
                    let before = if i == 0 { means[i] } else { means[i] - means[i - 1] };
                    let after = if i + 1 == means.len() { 1.0 - means[i] } else { means[i + 1] - means[i] };
                    before.max(after).clamp(least, 1.0)
                };
                let mut parts: Vec<(f64, f64)> = (0..means.len()).map(|i| (means[i], width(i))).collect();
                parts.push((0.5, 1.0));
                Self::Shares(parts)
            }
        }
    }

    fn draw(&self, chance: &mut Pcg64) -> Value {
        match self {
            Self::Choices(shares) => {
                let mut left = chance.random::<f64>();
                let chosen = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                Value::Choice(chosen.unwrap_or(shares.len() - 1))
            }
            Self::Shares(parts) => {
                let (mean, width) = parts[chance.random_range(0..parts.len())];
                // Cut off at the ends by drawing again; the mean is within, so that most draws are.
                let mut x = mean;
                for _ in 0..100 {
                    let (u, v) = (1.0 - chance.random::<f64>(), chance.random::<f64>());
                    x = mean + width * (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
                    if (0.0..=1.0).contains(&x) {
                        break;
                    }
                }
                Value::share(x.clamp(0.0, 1.0))
            }
        }
    }

    fn log(&self, value: Value) -> f64 {
        match (self, value) {
            (Self::Choices(shares), Value::Choice(i)) => shares.get(i).map_or(f64::NEG_INFINITY, |share| share.ln()),
            (Self::Shares(parts), Value::Share(x)) => {
                let density = |(mean, width): &(f64, f64)| (-0.5 * ((x - mean) / width).powi(2)).exp() / width;
                (parts.iter().map(density).sum::<f64>() / parts.len() as f64).ln()
            }
            _ => f64::NEG_INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bowl with its least at 0.7 for the number and a better second choice.
    fn cost(values: &BTreeMap<String, Value>) -> f64 {
        let (Value::Share(x), Value::Choice(i)) = (values["x"], values["kind"]) else { return f64::NAN };
        (x - 0.7).powi(2) + if i == 1 { 0.0 } else { 0.1 }
    }

    #[test]
    fn it_finds_the_least_of_a_bowl_sooner_than_chance() {
        let text = "x = { low = 0.0, high = 1.0 }\nkind = { choices = [\"a\", \"b\", \"c\"] }";
        let space = Space::from_toml(text).expect("a space");
        let mut wins = 0;
        for seed in 0..20u64 {
            let mut chance = Pcg64::new(u128::from(seed), 1);
            let mut trials = Vec::new();
            for _ in 0..30 {
                let values = suggest(&space, &trials, &mut chance);
                let cost = cost(&values);
                trials.push((values, cost));
            }
            let late = trials[20..].iter().map(|(_, cost)| cost).sum::<f64>() / 10.0;
            let random = (0..1000).map(|_| cost(&space.draw(&mut chance))).sum::<f64>() / 1000.0;
            wins += usize::from(late < 0.5 * random);
        }
        assert!(wins >= 17, "the last ten trials of 30 are less than half as costly as chance for {wins} seeds of 20");
    }
}
