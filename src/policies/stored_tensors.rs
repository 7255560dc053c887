//! Parameters in a safetensors file.
//!
//! Weights of linear layers have Burn's shape, `[inputs, outputs]`; PyTorch's are transposed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore};
use burn::tensor::DType;

use super::{ParameterInit, ParameterSource, PolicyError};

/// Name of the weights file in a policy folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// Write a module's parameters as safetensors. Equal parameters give equal bytes.
///
/// # Errors
/// The parameters cannot be read from their device, or the file cannot be written.
pub fn write_tensors<M: ModuleSnapshot>(path: &Path, module: &M) -> Result<(), PolicyError> {
    let fail = |e: &dyn std::fmt::Display| PolicyError::Weights { path: path.to_path_buf(), message: e.to_string() };
    // The metadata is a hash map, so its order would differ between two files.
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata();
    store.collect_from(module).map_err(|e| fail(&e))?;
    let bytes = store.get_bytes().map_err(|e| fail(&e))?;
    fs::write(path, bytes).map_err(PolicyError::io("write", path))
}

/// The tensors of a safetensors file by name: shape and row-major elements.
pub struct StoredTensors {
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl StoredTensors {
    /// Read a safetensors file whose tensors are all finite 32-bit floats.
    ///
    /// # Errors
    /// The file is missing, truncated or not safetensors, or a tensor has another type or a number that is not finite.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let fail = |message: String| PolicyError::Weights { path: path.to_path_buf(), message };
        let bytes = fs::read(path).map_err(PolicyError::io("read", path))?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let stored = store.get_all_tensors().map_err(|e| fail(format!("the file is damaged or truncated ({e})")))?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in stored {
            if tensor.dtype != DType::F32 {
                return Err(fail(format!("tensor {name} has the type {:?} instead of F32", tensor.dtype)));
            }
            let shape: Vec<usize> = tensor.shape.iter().copied().collect();
            let bytes = tensor.to_bytes().map_err(|e| fail(format!("tensor {name} cannot be read ({e})")))?;
            let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                return Err(fail(format!("tensor {name} has the value {} at element {at}", values[at])));
            }
            tensors.insert(name.clone(), (shape, values));
        }
        Ok(Self { path: path.to_path_buf(), tensors })
    }

    /// Check that all tensors were requested.
    ///
    /// # Errors
    /// [`PolicyError::Weights`] with the name of the first tensor that was not.
    pub fn finish(self) -> Result<(), PolicyError> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => Err(PolicyError::Weights {
                path: self.path,
                message: format!("it has the tensor {name}, which the configured network does not have"),
            }),
        }
    }
}

impl ParameterSource for StoredTensors {
    fn parameter(&mut self, name: &str, shape: &[usize], _: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let fail = |message: String| Err(PolicyError::Weights { path: self.path.clone(), message });
        match self.tensors.remove(name) {
            None => fail(format!("it lacks the tensor {name} of shape {shape:?}")),
            Some((found, _)) if found != shape => {
                fail(format!("tensor {name} has the shape {found:?} instead of {shape:?}"))
            }
            Some((_, values)) => Ok(values),
        }
    }
}
