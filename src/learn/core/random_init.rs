//! Random initialization of a network's parameters.

use rand_pcg::Pcg64;

use super::memory::{available_memory, gigabytes};
use crate::learn::core::random::uniform;
use crate::policies::{ParameterInit, ParameterSource, PolicyError};

/// Memory that training takes for each parameter: weight, gradient, both moments of Adam, the best weights and a copy while
/// they are saved, bytes.
const BYTES_PER_PARAMETER: u64 = 28;

/// Initial parameters drawn from a generator. A network that cannot be trained in the free memory is refused before its
/// parameters are drawn.
pub struct RandomInit {
    rng: Pcg64,
    parameters: u64,
    available: Option<u64>,
}

impl RandomInit {
    /// Parameters drawn from `rng`.
    pub fn new(rng: Pcg64) -> Self {
        Self { rng, parameters: 0, available: available_memory() }
    }
}

impl ParameterSource for RandomInit {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let size = shape.iter().fold(1u64, |size, length| size.saturating_mul(*length as u64));
        self.parameters = self.parameters.saturating_add(size);
        let needed = self.parameters.saturating_mul(BYTES_PER_PARAMETER);
        if let Some(available) = self.available.filter(|available| needed > *available) {
            let message = format!(
                "it has {} parameters or more, whose training needs about {} of memory, and {} are free; lower \
                 network.hidden_sizes, network.hidden_size or network.num_layers",
                self.parameters,
                gigabytes(needed),
                gigabytes(available)
            );
            return Err(PolicyError::Network { message });
        }
        Ok(match initial {
            ParameterInit::Constant(value) => vec![value; size as usize],
            ParameterInit::Uniform(bound) => (0..size).map(|_| bound * (2.0 * uniform(&mut self.rng) - 1.0)).collect(),
        })
    }
}
