//! Sources of a network's parameters: chance, or another network.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
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

/// Values of another network's parameters, by name.
#[derive(Default)]
pub struct Copied {
    path: Vec<String>,
    values: BTreeMap<String, Vec<f32>>,
}

impl Copied {
    /// The parameters of `module`.
    pub fn of<M: Module>(module: &M) -> Self {
        let mut copy = Self::default();
        module.visit(&mut copy);
        copy
    }
}

impl ModuleVisitor for Copied {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.insert(self.path.join("."), param.val().into_data().iter::<f32>().collect());
    }
}

impl ParameterSource for Copied {
    fn parameter(&mut self, name: &str, _: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        self.values.remove(name).ok_or_else(missing)
    }
}
