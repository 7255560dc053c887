//! First values of a network's parameters.

use rand_pcg::Pcg64;

use super::random::uniform;
use crate::policies::{Initial, ParameterSource, PolicyError};

/// First values from a generator.
pub struct Fresh(pub Pcg64);

impl ParameterSource for Fresh {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError> {
        let count = shape.iter().product();
        Ok(match initial {
            Initial::Constant(value) => vec![value; count],
            Initial::Uniform(bound) => (0..count).map(|_| bound * (2.0 * uniform(&mut self.0) - 1.0)).collect(),
        })
    }
}
