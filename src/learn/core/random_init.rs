//! Random initialization of a network's parameters.

use rand_pcg::Pcg64;

use crate::learn::core::random::uniform;
use crate::policies::{ParameterInit, ParameterSource, PolicyError};

/// Initial parameters drawn from a generator.
pub struct RandomInit(pub Pcg64);

impl ParameterSource for RandomInit {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let count = shape.iter().product();
        Ok(match initial {
            ParameterInit::Constant(value) => vec![value; count],
            ParameterInit::Uniform(bound) => (0..count).map(|_| bound * (2.0 * uniform(&mut self.0) - 1.0)).collect(),
        })
    }
}
