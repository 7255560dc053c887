//! Values of a network's parameters: random for a new network, from a file for a stored one.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::PolicyError;

/// Initialization of a parameter before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterInit {
    /// Uniform in `-bound..bound`.
    Uniform(f32),
    /// All elements the same.
    Constant(f32),
}

/// Gives the elements of parameters, row-major, by name and shape.
pub trait ParameterSource {
    /// Elements of the parameter `name`, of this `shape`.
    ///
    /// # Errors
    /// When the source lacks the parameter or has it in another shape.
    fn parameter(&mut self, name: &str, shape: &[usize], init: ParameterInit) -> Result<Vec<f32>, PolicyError>;
}

/// `module` on `device` with every parameter from `source`. A parameter's name is its path in the module, such as
/// `trunk.Mlp.layers.0.weight`; the parameters are requested in the module's order.
///
/// The initialization of weights and biases of linear layers and convolutions is `U(-1/sqrt(inputs), 1/sqrt(inputs))`,
/// PyTorch's default. Other parameters (gains of normalization layers, log standard deviations) are initialized with the
/// constant that the module gives them.
///
/// # Errors
/// The first error of `source`.
pub fn load_parameters<M: Module>(
    module: M,
    source: &mut dyn ParameterSource,
    device: &Device,
) -> Result<M, PolicyError> {
    let mut loader = ParameterLoader { source, device, path: Vec::new(), inputs: 1, error: None };
    let module = module.map(&mut loader);
    loader.error.map_or(Ok(module), Err)
}

struct ParameterLoader<'a> {
    source: &'a mut dyn ParameterSource,
    device: &'a Device,
    path: Vec<String>,
    /// Inputs of the layer whose weight was visited last; its bias follows.
    inputs: usize,
    error: Option<PolicyError>,
}

impl ModuleMapper for ParameterLoader<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let shape: Vec<usize> = param.lazy_shape().iter().copied().collect();
        let init = match self.path.last().map(String::as_str) {
            // A linear layer's weight is [inputs, outputs]; a convolution's [outputs, inputs, kernel...].
            Some("weight") => {
                self.inputs = if D == 2 { shape[0] } else { shape[1..].iter().product() };
                ParameterInit::Uniform(1.0 / (self.inputs as f32).sqrt())
            }
            Some("bias") => ParameterInit::Uniform(1.0 / (self.inputs as f32).sqrt()),
            _ => ParameterInit::Constant(param.val().into_data().iter::<f32>().next().unwrap_or(0.0)),
        };
        match self.source.parameter(&self.path.join("."), &shape, init) {
            Ok(values) => Param::from_data(TensorData::new(values, shape), self.device),
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

/// A copy of a network's parameters by name: shape and row-major elements.
#[derive(Default)]
pub struct StateDict {
    path: Vec<String>,
    values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl StateDict {
    /// The parameters of `module`.
    pub fn of<M: Module>(module: &M) -> Self {
        let mut state_dict = Self::default();
        module.visit(&mut state_dict);
        state_dict
    }

    /// Names of the parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Whether all elements are finite numbers.
    pub fn is_finite(&self) -> bool {
        self.values.values().all(|(_, values)| values.iter().all(|x| x.is_finite()))
    }

    /// Remove a parameter and return its shape and elements.
    pub fn take(&mut self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        self.values.remove(name)
    }
}

impl ModuleVisitor for StateDict {
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

impl ParameterSource for StateDict {
    fn parameter(&mut self, name: &str, _: &[usize], _: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        self.take(name).map(|(_, values)| values).ok_or_else(missing)
    }
}
