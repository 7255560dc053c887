//! Where a network's parameters get their values: from a generator for a new network, from a file for a stored one.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::PolicyError;

/// How a parameter starts before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Uniform in `-bound..bound`.
    Uniform(f32),
    /// Every element the same.
    Constant(f32),
}

/// Gives a parameter's elements (row-major) by name and shape.
pub trait ParameterSource {
    /// The `shape`'s elements for the parameter `name`.
    ///
    /// # Errors
    /// When the source lacks the parameter or has it in another shape.
    fn parameter(&mut self, name: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError>;
}

/// `module` on `device` with every parameter from `source`, asked for by its path in the module, such as
/// `trunk.Mlp.layers.0.weight`.
///
/// Weights of linear layers and convolutions, and the biases beside them, start as
/// `U(-1/sqrt(inputs), 1/sqrt(inputs))`, as PyTorch's; what else there is (gains of normalisations, raw deviations)
/// keeps the constant that the module gives it.
///
/// # Errors
/// The first that `source` answers.
pub fn filled<M: Module>(module: M, source: &mut dyn ParameterSource, device: &Device) -> Result<M, PolicyError> {
    let mut filling = Filling { source, device, path: Vec::new(), inputs: 1, failed: None };
    let module = module.map(&mut filling);
    filling.failed.map_or(Ok(module), Err)
}

struct Filling<'a> {
    source: &'a mut dyn ParameterSource,
    device: &'a Device,
    path: Vec<String>,
    /// Inputs of the layer whose weight came last.
    inputs: usize,
    failed: Option<PolicyError>,
}

impl ModuleMapper for Filling<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let shape: Vec<usize> = param.lazy_shape().iter().copied().collect();
        let initial = match self.path.last().map(String::as_str) {
            // A linear layer's weight is [inputs, outputs]; a convolution's [outputs, inputs, kernel...].
            Some("weight") => {
                self.inputs = if D == 2 { shape[0] } else { shape[1..].iter().product() };
                Initial::Uniform(1.0 / (self.inputs as f32).sqrt())
            }
            Some("bias") => Initial::Uniform(1.0 / (self.inputs as f32).sqrt()),
            _ => Initial::Constant(param.val().into_data().iter::<f32>().next().unwrap_or(0.0)),
        };
        match self.source.parameter(&self.path.join("."), &shape, initial) {
            Ok(values) => Param::from_data(TensorData::new(values, shape), self.device),
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}

/// Values of another network's parameters, by name.
#[derive(Default)]
pub struct Copied {
    path: Vec<String>,
    values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Copied {
    /// The parameters of `module`.
    pub fn of<M: Module>(module: &M) -> Self {
        let mut copy = Self::default();
        module.visit(&mut copy);
        copy
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Whether all elements are finite numbers.
    pub fn is_finite(&self) -> bool {
        self.values.values().all(|(_, values)| values.iter().all(|x| x.is_finite()))
    }

    /// Shape and elements of a parameter that is there.
    pub fn take(&mut self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        self.values.remove(name)
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
        let value = param.val();
        let shape = value.dims().to_vec();
        self.values.insert(self.path.join("."), (shape, value.into_data().iter::<f32>().collect()));
    }
}

impl ParameterSource for Copied {
    fn parameter(&mut self, name: &str, _: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        self.take(name).map(|(_, values)| values).ok_or_else(missing)
    }
}
