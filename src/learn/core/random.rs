//! Random numbers as a function of (seed, purpose, counter): a resumed run needs no stored generator state to continue
//! exactly as it would have.

use rand::Rng;
use rand_pcg::Pcg64;

/// What random numbers are used for. Each purpose has its own stream.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Initial weights.
    Weights = 1,
    /// The validation split.
    Split = 2,
    /// Order of the rows in an epoch.
    Shuffle = 3,
    /// Observation noise, dropout and a head's own samples in a training step.
    Step = 4,
    /// Where sequences start in a training step.
    Sequences = 5,
    /// A head's own samples in a validation.
    Validation = 6,
    /// Exploration in reinforcement learning.
    Explore = 7,
    /// Minibatches of a reward network.
    Reward = 8,
    /// The opponent in an episode of self-play.
    Opponent = 9,
}

/// The generator of a `purpose` for its `counter`-th use.
pub fn generator(seed: u64, purpose: Purpose, counter: u64) -> Pcg64 {
    let mut generator = Pcg64::new((u128::from(seed) << 64) | u128::from(counter), purpose as u128);
    // The first outputs of neighboring seeds share their high bits.
    for _ in 0..4 {
        generator.next_u64();
    }
    generator
}

/// Uniform in `0..1`, with 24 bits.
pub fn uniform(generator: &mut Pcg64) -> f32 {
    (generator.next_u64() >> 40) as f32 / (1u32 << 24) as f32
}

/// Uniform in `0..bound`, with a negligible bias for bounds below 2^32 (Lemire 2019, arXiv:1805.10941, without the
/// rejection).
pub fn below(generator: &mut Pcg64, bound: usize) -> usize {
    ((u128::from(generator.next_u64()) * bound as u128) >> 64) as usize
}

/// Fisher-Yates shuffle.
pub fn shuffle<T>(items: &mut [T], generator: &mut Pcg64) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(generator, i + 1));
    }
}

/// Adds noise of mean 0 and standard deviation `std` to every value. Each sample is the sum of four 16-bit uniform
/// numbers (Irwin-Hall), close to normal and ten times cheaper.
pub fn add_noise(values: &mut [f32], std: f32, generator: &mut Pcg64) {
    // Variance of the sum: 4 (65536^2 - 1) / 12.
    let scale = std / (65_536.0f32 / 3.0f32.sqrt());
    for value in values {
        let bits = generator.next_u64();
        let sum = (0..4).map(|i| (bits >> (16 * i)) & 0xffff).sum::<u64>();
        *value += (sum as f32 - 131_070.0) * scale;
    }
}
