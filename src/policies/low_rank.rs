//! Low-rank adapters (Hu et al. 2021, LoRA, arXiv:2106.09685): a trained network stays as it is, and what is learned in
//! addition is a product of two narrow matrices beside each of its matrices.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::artifact::{StoredTensors, WEIGHTS_FILE, hex};
use super::{Initial, Network, ParameterSource, PolicyError};

/// An adapter's weights in a policy's folder, in the place of the whole network's.
pub const ADAPTER_FILE: &str = "adapter.safetensors";

/// Which network an adapter belongs to, and its shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterConfig {
    /// Folder of the policy that is adapted.
    pub base: PathBuf,
    /// Hash of its weights' file, in hexadecimal.
    pub base_hash: String,
    /// Width of the narrow matrices.
    pub rank: usize,
    /// What the product is multiplied by, times the rank.
    pub alpha: f32,
}

impl AdapterConfig {
    /// The weights of the base.
    ///
    /// # Errors
    /// Its file cannot be read, or is not the one that the adapter was made for.
    pub fn read_base(&self) -> Result<StoredTensors, PolicyError> {
        let path = self.base.join(WEIGHTS_FILE);
        if !path.exists() {
            let message = "it is the network that the adapter was trained for, and is not there; bring it back".into();
            return Err(PolicyError::Weights { path, message });
        }
        if hash_of(&path)? != self.base_hash {
            let message = "it is not the network that the adapter was trained for, which has changed since".into();
            return Err(PolicyError::Weights { path, message });
        }
        StoredTensors::read(&path)
    }
}

/// Hash of a file's bytes in hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn hash_of(path: &Path) -> Result<String, PolicyError> {
    Ok(hex(xxh3_64(&std::fs::read(path).map_err(PolicyError::io("read", path))?)))
}

/// The two narrow matrices beside one matrix `[inputs, outputs]`.
#[derive(Module, Debug)]
pub struct Factors {
    /// `[inputs, rank]`.
    down: Param<Tensor<2>>,
    /// `[rank, outputs]`.
    up: Param<Tensor<2>>,
}

/// Factors for all matrices of a network.
#[derive(Module, Debug)]
pub struct LowRank {
    factors: Vec<Factors>,
    #[module(skip)]
    layers: Vec<String>,
    #[module(skip)]
    scale: f32,
}

impl LowRank {
    /// Adapters of `rank` beside every linear layer's matrix of `network`, with their values from `source`: in a new one
    /// `down` is drawn as a layer's weight and `up` is zero, so that nothing is changed yet (section 4.1).
    ///
    /// # Errors
    /// What `source` answers.
    pub fn new(
        network: &Network,
        rank: usize,
        alpha: f32,
        source: &mut dyn ParameterSource,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut matrices = Matrices::default();
        network.visit(&mut matrices);
        let mut adapter = Self { factors: Vec::new(), layers: Vec::new(), scale: alpha / rank as f32 };
        for (i, (name, [inputs, outputs])) in matrices.found.into_iter().enumerate() {
            let mut part = |part: &str, shape: [usize; 2], initial| -> Result<Param<Tensor<2>>, PolicyError> {
                let values = source.parameter(&format!("factors.{i}.{part}"), &shape, initial)?;
                Ok(Param::from_data(TensorData::new(values, shape), device))
            };
            let down = part("down", [inputs, rank], Initial::Uniform(1.0 / (inputs as f32).sqrt()))?;
            let up = part("up", [rank, outputs], Initial::Constant(0.0))?;
            adapter.factors.push(Factors { down, up });
            adapter.layers.push(name);
        }
        Ok(adapter)
    }

    /// `base` with the products added to its matrices (equation 3): gradients pass to the factors alone.
    pub fn merged(&self, base: Network) -> Network {
        base.map(&mut Merging { adapter: self, path: Vec::new() })
    }
}

/// Finds the weights of linear layers.
#[derive(Default)]
struct Matrices {
    path: Vec<String>,
    found: Vec<(String, [usize; 2])>,
}

impl ModuleVisitor for Matrices {
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

struct Merging<'a> {
    adapter: &'a LowRank,
    path: Vec<String>,
}

impl ModuleMapper for Merging<'_> {
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
        let product = factors.down.val().matmul(factors.up.val()).mul_scalar(self.adapter.scale);
        let weight = param.val().detach();
        let shape = weight.dims();
        Param::initialized(param.id, weight + product.reshape(shape))
    }
}
