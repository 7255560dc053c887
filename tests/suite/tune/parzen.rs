//! The estimator that suggests trials, on a cost with a known minimum.

use std::collections::BTreeMap;

use apprentice::tune::{SearchSpace, Value, suggest};
use rand_pcg::Pcg64;

/// A quadratic with its minimum at x = 0.7, and a better second choice.
fn cost(values: &BTreeMap<String, Value>) -> f64 {
    let (Value::Normalized(x), Value::Choice(i)) = (values["x"], values["kind"]) else { return f64::NAN };
    (x - 0.7).powi(2) + if i == 1 { 0.0 } else { 0.1 }
}

#[test]
fn it_minimizes_a_quadratic_faster_than_random_search() {
    let text = "x = { low = 0.0, high = 1.0 }\nkind = { choices = [\"a\", \"b\", \"c\"] }";
    let space = SearchSpace::from_toml(text).expect("a space");
    let mut wins = 0;
    for seed in 0..20u64 {
        let mut rng = Pcg64::new(u128::from(seed), 1);
        let mut trials = Vec::new();
        for _ in 0..30 {
            let values = suggest(&space, &trials, &mut rng);
            let cost = cost(&values);
            trials.push((values, cost));
        }
        let late = trials[20..].iter().map(|(_, cost)| cost).sum::<f64>() / 10.0;
        let random = (0..1000).map(|_| cost(&space.sample(&mut rng))).sum::<f64>() / 1000.0;
        wins += usize::from(late < 0.5 * random);
    }
    assert!(wins >= 17, "the last 10 of 30 trials cost less than half of random search for {wins} of 20 seeds");
}
