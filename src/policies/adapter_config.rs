//! How a LoRA adapter is stored: its configuration and the weights of its base policy.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use super::hash::file_hash;
use super::stored_tensors::{StoredTensors, WEIGHTS_FILE};

/// The adapter's weights in a policy folder, in place of [`WEIGHTS_FILE`].
pub const ADAPTER_FILE: &str = "adapter.safetensors";

/// The base policy of an adapter, and the adapter's rank and scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterConfig {
    /// Folder of the base policy, whose weights the adapter is added to.
    pub base: PathBuf,
    /// Hash of the base policy's weights file, in hexadecimal.
    pub base_hash: String,
    /// Rank of the product of the two matrices (`r` in the paper, section 4.1).
    pub rank: usize,
    /// The product is multiplied by `alpha / rank` (`α` in the paper, section 4.1).
    pub alpha: f32,
}

impl AdapterConfig {
    /// The weights of the base policy.
    ///
    /// # Errors
    /// Its weights file is missing, cannot be read, or has another hash than [`AdapterConfig::base_hash`].
    pub fn read_base(&self) -> Result<StoredTensors, PolicyError> {
        let path = self.base.join(WEIGHTS_FILE);
        if !path.exists() {
            let message = "the adapter's base policy is missing; put its folder back".into();
            return Err(PolicyError::Weights { path, message });
        }
        if file_hash(&path)? != self.base_hash {
            let message = "the adapter's base policy has changed since the adapter was trained".into();
            return Err(PolicyError::Weights { path, message });
        }
        StoredTensors::read(&path)
    }
}
