//! Adam and AdamW over a whole module, with clipping by the global gradient norm.
//!
//! Burn's `ModuleOptimizer` clips each tensor separately and restores its state onto the default device, which fails on
//! a machine without a GPU when wgpu is compiled in.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::learn::core::settings::{OptimizerConfig, OptimizerKind};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{ParameterInit, ParameterSource, PolicyError};

/// First and second moments of each parameter, flattened, in the module's order.
#[derive(Module, Debug)]
struct Moments {
    first: Vec<Param<Tensor<1>>>,
    second: Vec<Param<Tensor<1>>>,
}

/// Adam (Kingma & Ba 2014, arXiv:1412.6980, algorithm 1) or AdamW (Loshchilov & Hutter 2017, arXiv:1711.05101,
/// algorithm 2). Weight decay applies to matrices only, not to biases, gains and standard deviations.
#[derive(Debug)]
pub struct Adam {
    config: OptimizerConfig,
    /// Steps taken.
    steps: u64,
    /// (first, second) moment of each parameter; empty before the first step.
    moments: Vec<(Tensor<1>, Tensor<1>)>,
    /// Name prefixes of the frozen parameters.
    frozen: Vec<String>,
    ewc_penalties: EwcPenalties,
}

/// The quadratic penalty of elastic weight consolidation on one parameter, `weight / 2 * (value - anchor)^2`,
/// flattened.
#[derive(Clone, Debug)]
pub struct EwcPenalty {
    /// The parameter after the earlier training.
    pub anchor: Tensor<1>,
    /// Weight of each element: the Fisher information times lambda.
    pub weight: Tensor<1>,
}

/// The penalties of elastic weight consolidation, by parameter name.
pub type EwcPenalties = BTreeMap<String, EwcPenalty>;

impl Adam {
    /// An optimizer before its first step.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, steps: 0, moments: Vec::new(), frozen: Vec::new(), ewc_penalties: EwcPenalties::new() }
    }

    /// The same, with the parameters frozen whose names start with one of these prefixes.
    pub fn with_frozen(self, frozen: &[String]) -> Self {
        Self { frozen: frozen.to_vec(), ..self }
    }

    /// Adds the gradients of these penalties, after clipping, to every later step.
    pub(in crate::learn) fn set_ewc_penalties(&mut self, penalties: EwcPenalties) {
        self.ewc_penalties = penalties;
    }

    /// Takes one step. Returns the module and the gradient norm `[1]` before clipping, both still on the device.
    pub fn step<M: Module>(&mut self, module: M, mut grads: GradientsParams, lr: f64) -> (M, Tensor<1>) {
        let mut squares = SquaredNorm { grads: &grads, sum: None, frozen: &self.frozen, path: Vec::new() };
        module.visit(&mut squares);
        let device = module.devices().first().cloned().unwrap_or_else(Device::flex).inner();
        let norm = squares.sum.unwrap_or_else(|| Tensor::zeros([1], &device)).sqrt();
        // The 1e-6 is that of PyTorch's `clip_grad_norm_`.
        let coefficient = (self.config.max_grad_norm > 0.0)
            .then(|| norm.clone().add_scalar(1e-6).recip().mul_scalar(self.config.max_grad_norm).clamp_max(1.0));
        self.steps += 1;
        let moments = std::mem::take(&mut self.moments);
        let mut mapper = AdamMapper {
            config: &self.config,
            lr,
            correction_1: 1.0 - f64::from(self.config.beta1).powf(self.steps as f64),
            correction_2: 1.0 - f64::from(self.config.beta2).powf(self.steps as f64),
            grads: &mut grads,
            coefficient,
            before: moments.into_iter(),
            after: Vec::new(),
            frozen: &self.frozen,
            ewc_penalties: &self.ewc_penalties,
            path: Vec::new(),
        };
        let module = module.map(&mut mapper);
        self.moments = mapper.after;
        (module, norm)
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Writes the moments as safetensors. Before the first step there are no moments and no file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PolicyError> {
        if self.steps == 0 {
            return Ok(());
        }
        let collect = |pick: fn(&(Tensor<1>, Tensor<1>)) -> &Tensor<1>| {
            self.moments.iter().map(|m| Param::from_tensor(pick(m).clone())).collect()
        };
        write_tensors(path, &Moments { first: collect(|m| &m.0), second: collect(|m| &m.1) })
    }

    /// Restores the moments that [`Adam::save`] wrote after `steps` steps on `module`.
    ///
    /// # Errors
    /// The file is missing or damaged, or belongs to another module.
    pub fn load<M: Module>(&mut self, path: &Path, module: &M, steps: u64) -> Result<(), PolicyError> {
        let mut moments = Vec::new();
        if steps > 0 {
            let device = module.devices().first().cloned().unwrap_or_else(Device::flex).inner();
            let mut stored = StoredTensors::read(path)?;
            let mut sizes = Sizes(Vec::new());
            module.visit(&mut sizes);
            for (i, &size) in sizes.0.iter().enumerate() {
                let mut read = |name: &str| {
                    let values = stored.parameter(&format!("{name}.{i}"), &[size], ParameterInit::Constant(0.0))?;
                    Ok::<_, PolicyError>(Tensor::from_data(TensorData::new(values, [size]), &device))
                };
                moments.push((read("first")?, read("second")?));
            }
            stored.finish()?;
        }
        self.moments = moments;
        self.steps = steps;
        Ok(())
    }
}

/// Sums the squares of all gradients.
struct SquaredNorm<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
    frozen: &'a [String],
    path: Vec<String>,
}

/// Whether a parameter is frozen.
fn is_frozen(frozen: &[String], path: &[String]) -> bool {
    !frozen.is_empty() && {
        let name = path.join(".");
        frozen.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if is_frozen(self.frozen, &self.path) {
            return;
        }
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let square = grad.square().sum();
            self.sum = Some(match self.sum.take() {
                None => square,
                Some(sum) => sum + square,
            });
        }
    }
}

/// Element count of each parameter.
struct Sizes(Vec<usize>);

impl ModuleVisitor for Sizes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().shape().num_elements());
    }
}

struct AdamMapper<'a> {
    config: &'a OptimizerConfig,
    lr: f64,
    correction_1: f64,
    correction_2: f64,
    grads: &'a mut GradientsParams,
    coefficient: Option<Tensor<1>>,
    before: std::vec::IntoIter<(Tensor<1>, Tensor<1>)>,
    after: Vec<(Tensor<1>, Tensor<1>)>,
    frozen: &'a [String],
    ewc_penalties: &'a EwcPenalties,
    path: Vec<String>,
}

impl ModuleMapper for AdamMapper<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let value = tensor.inner();
        let shape = value.shape();
        let mut value: Tensor<1> = value.reshape([-1]);
        if is_frozen(self.frozen, &self.path) {
            self.before.next();
            self.after.push((value.zeros_like(), value.zeros_like()));
            return Param::from_mapped_value(id, Tensor::from_inner(value.reshape(shape)).require_grad(), mapper);
        }
        // A parameter without influence on the loss has no gradient.
        let mut grad: Tensor<1> = match self.grads.remove::<D>(id) {
            Some(grad) => grad.reshape([-1]),
            None => value.zeros_like(),
        };
        if let Some(coefficient) = &self.coefficient {
            grad = grad * coefficient.clone();
        }
        if !self.ewc_penalties.is_empty()
            && let Some(EwcPenalty { anchor, weight }) = self.ewc_penalties.get(&self.path.join("."))
        {
            grad = grad + weight.clone() * (value.clone() - anchor.clone());
        }
        let decay = if D > 1 { f64::from(self.config.weight_decay) } else { 0.0 };
        if decay > 0.0 {
            match self.config.kind {
                OptimizerKind::Adam => grad = grad + value.clone().mul_scalar(decay),
                OptimizerKind::AdamW => value = value.mul_scalar(1.0 - self.lr * decay),
            }
        }
        let (b1, b2) = (f64::from(self.config.beta1), f64::from(self.config.beta2));
        let square = grad.clone().square().mul_scalar(1.0 - b2);
        let grad = grad.mul_scalar(1.0 - b1);
        let (first, second) = match self.before.next() {
            None => (grad, square),
            Some((first, second)) => (first.mul_scalar(b1) + grad, second.mul_scalar(b2) + square),
        };
        let denominator = second.clone().sqrt().mul_scalar(1.0 / self.correction_2.sqrt());
        let step = first.clone() / denominator.add_scalar(f64::from(self.config.eps));
        let value = value - step.mul_scalar(self.lr / self.correction_1);
        self.after.push((first, second));
        Param::from_mapped_value(id, Tensor::from_inner(value.reshape(shape)).require_grad(), mapper)
    }
}
