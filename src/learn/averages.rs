//! A moving average of a network's parameters, which generative policies drive better by than by the newest ones.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::policies::{Initial, ParameterSource, PolicyError};

/// Exponential moving average of every parameter, by name; flattened, on the network's device.
#[derive(Debug)]
pub struct Averages {
    decay: f32,
    updates: u64,
    values: BTreeMap<String, Tensor<1>>,
}

impl Averages {
    /// The average of a network alone.
    pub fn new<M: Module>(decay: f32, network: &M) -> Self {
        let mut averages = Self { decay, updates: 0, values: BTreeMap::new() };
        averages.update(network);
        averages
    }

    /// Take the newest parameters in. The first few count for more, so that the start is soon forgotten (as
    /// TensorFlow's `ExponentialMovingAverage`).
    pub fn update<M: Module>(&mut self, network: &M) {
        let early = (1.0 + self.updates as f32) / (10.0 + self.updates as f32);
        let decay = if self.values.is_empty() { 0.0 } else { self.decay.min(early) };
        self.updates += 1;
        network.visit(&mut Taking { decay, values: &mut self.values, path: Vec::new() });
    }

    /// Go on after as many updates; the average itself is that of the network given to [`Averages::new`].
    pub fn resume(&mut self, updates: u64) {
        self.updates = updates;
    }
}

struct Taking<'a> {
    decay: f32,
    values: &'a mut BTreeMap<String, Tensor<1>>,
    path: Vec<String>,
}

impl ModuleVisitor for Taking<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let new = param.val().inner().flatten::<1>(0, D - 1);
        let name = self.path.join(".");
        let average = match self.values.remove(&name) {
            None => new,
            Some(old) => old.mul_scalar(self.decay) + new.mul_scalar(1.0 - self.decay),
        };
        self.values.insert(name, average);
    }
}

/// A source whose parameters are the averages.
pub struct Averaged<'a>(pub &'a Averages);

impl ParameterSource for Averaged<'_> {
    fn parameter(&mut self, name: &str, _: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        let values = self.0.values.get(name).ok_or_else(missing)?;
        Ok(values.clone().into_data().iter::<f32>().collect())
    }
}
