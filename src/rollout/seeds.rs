//! Episode seeds for recording and for evaluation, which are disjoint.

use crate::sim::split_seed;

/// Seeds for recording, derived from `seed`: even numbers.
pub fn recording_seeds(seed: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |i| split_seed(seed, i) & !1)
}

/// Seeds for evaluation, derived from `seed`: odd numbers, which are never recording seeds.
pub fn evaluation_seeds(seed: u64, count: usize) -> Vec<u64> {
    (0..count as u64).map(|i| split_seed(seed, i) | 1).collect()
}
