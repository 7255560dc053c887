//! Random number generators of an arena. The episode's seed is their only source.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

/// The random number generator of an arena. A named algorithm, so that a seed gives the same numbers in each version of
/// the crate.
pub type SimRng = Pcg64;

/// The generator of one stream of an episode. Each use (layout, operator, ...) has its own `stream`, so that one more draw
/// in one of them leaves the others as they are.
pub fn episode_rng(seed: u64, stream: u64) -> SimRng {
    SimRng::seed_from_u64(split_seed(seed, stream))
}

/// The `index`-th seed derived from `seed` (SplitMix64, Steele et al. 2014).
pub fn split_seed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
