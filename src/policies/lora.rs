//! Low-rank adaptation (LoRA; Hu et al. 2021, arXiv:2106.09685): the pretrained weights are frozen, and a product of two
//! low-rank matrices is trained for each of them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Network, ParameterInit, ParameterSource, PolicyError};

/// The two low-rank matrices of one weight `[inputs, outputs]`. The paper's matrices are transposed.
#[derive(Module, Debug)]
pub struct LoraFactors {
    /// `[inputs, rank]`.
    lora_a: Param<Tensor<2>>,
    /// `[rank, outputs]`.
    lora_b: Param<Tensor<2>>,
}

/// Low-rank matrices for the weights of all linear layers of a network.
#[derive(Module, Debug)]
pub struct LoraAdapter {
    factors: Vec<LoraFactors>,
    /// Name of the weight of each of `factors`.
    #[module(skip)]
    layers: Vec<String>,
    #[module(skip)]
    scale: f32,
}

impl LoraAdapter {
    /// An adapter of `rank` for every linear layer of `network`, with its values from `source`. A new adapter has the
    /// initialization of section 4.1: `lora_a` as a linear layer's weight, `lora_b` zero, so that the product is zero.
    ///
    /// # Errors
    /// The first error of `source`.
    pub fn new(
        network: &Network,
        rank: usize,
        alpha: f32,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut weights = LinearWeights::default();
        network.visit(&mut weights);
        let mut adapter = Self { factors: Vec::new(), layers: Vec::new(), scale: alpha / rank as f32 };
        for (i, (name, [inputs, outputs])) in weights.found.into_iter().enumerate() {
            let mut factor = |factor: &str, shape: [usize; 2], init| -> Result<Param<Tensor<2>>, PolicyError> {
                let values = source.parameter(&format!("factors.{i}.{factor}"), &shape, init)?;
                Ok(Param::from_data(TensorData::new(values, shape), device))
            };
            let lora_a = factor("lora_a", [inputs, rank], ParameterInit::Uniform(1.0 / (inputs as f32).sqrt()))?;
            let lora_b = factor("lora_b", [rank, outputs], ParameterInit::Constant(0.0))?;
            adapter.factors.push(LoraFactors { lora_a, lora_b });
            adapter.layers.push(name);
        }
        Ok(adapter)
    }

    /// `base` with the adapter merged into its weights (equation 3). Only the adapter receives gradients.
    pub fn merged(&self, base: Network) -> Network {
        base.map(&mut AdapterMerger { adapter: self, path: Vec::new() })
    }
}

/// Collects names and shapes of the weights of linear layers.
#[derive(Default)]
struct LinearWeights {
    path: Vec<String>,
    found: Vec<(String, [usize; 2])>,
}

impl ModuleVisitor for LinearWeights {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 2 && self.path.last().is_some_and(|name| name == "weight") {
            let shape = param.val().dims();
            self.found.push((self.path.join("."), [shape[0], shape[D - 1]]));
        }
    }
}

struct AdapterMerger<'a> {
    adapter: &'a LoraAdapter,
    path: Vec<String>,
}

impl ModuleMapper for AdapterMerger<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(i) = self.adapter.layers.iter().position(|layer| *layer == name) else { return param };
        let factors = &self.adapter.factors[i];
        let product = factors.lora_a.val().matmul(factors.lora_b.val()).mul_scalar(self.adapter.scale);
        let weight = param.val().detach();
        let shape = weight.dims();
        Param::initialized(param.id, weight + product.reshape(shape))
    }
}
