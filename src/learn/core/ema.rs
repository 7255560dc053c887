//! Exponential moving average (EMA) of a network's parameters: generative policies perform better with it than with the
//! newest parameters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::policies::{ParameterInit, ParameterSource, PolicyError};

/// Exponential moving average of every parameter, by name; flattened, on the network's device.
#[derive(Debug)]
pub struct Ema {
    decay: f32,
    updates: u64,
    values: BTreeMap<String, Tensor<1>>,
}

impl Ema {
    /// An average that starts at the parameters of `network`.
    pub fn new<M: Module>(decay: f32, network: &M) -> Self {
        let mut ema = Self { decay, updates: 0, values: BTreeMap::new() };
        ema.update(network);
        ema
    }

    /// Adds the newest parameters. The decay is lower for the first updates, so that the average soon forgets the
    /// initial parameters (as TensorFlow's `ExponentialMovingAverage`).
    pub fn update<M: Module>(&mut self, network: &M) {
        let warmup = (1.0 + self.updates as f32) / (10.0 + self.updates as f32);
        let decay = if self.values.is_empty() { 0.0 } else { self.decay.min(warmup) };
        self.updates += 1;
        network.visit(&mut EmaVisitor { decay, values: &mut self.values, path: Vec::new() });
    }

    /// Sets the number of updates when a run resumes; the average itself is the network given to [`Ema::new`].
    pub fn resume(&mut self, updates: u64) {
        self.updates = updates;
    }
}

struct EmaVisitor<'a> {
    decay: f32,
    values: &'a mut BTreeMap<String, Tensor<1>>,
    path: Vec<String>,
}

impl ModuleVisitor for EmaVisitor<'_> {
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

/// Parameters taken from an [`Ema`].
pub struct EmaParameters<'a>(pub &'a Ema);

impl ParameterSource for EmaParameters<'_> {
    fn parameter(&mut self, name: &str, _: &[usize], _: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        let values = self.0.values.get(name).ok_or_else(missing)?;
        Ok(values.clone().into_data().iter::<f32>().collect())
    }
}
