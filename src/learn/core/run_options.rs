//! Where and how a run is trained.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;

use super::data::TrainingData;
use super::error::TrainError;
use super::init::{InitConfig, PretrainedPolicy};

/// Where and how a run is trained, beside configuration and data.
#[derive(Clone)]
pub struct RunOptions {
    /// The run's folder.
    pub dir: PathBuf,
    /// Resume the run in `dir` instead of starting one.
    pub resume: bool,
    /// When set from another thread, training ends after the current step, with everything saved.
    pub stop: Arc<AtomicBool>,
    /// Device, without `.autodiff()`.
    pub device: Device,
    /// Scene of the demonstrations, for provenance.
    pub scene: String,
    /// Earlier demonstrations that must not be forgotten ([`super::continual::ContinualConfig`]).
    pub earlier: Option<Arc<TrainingData>>,
    /// The policy of `init.from`, where it has been loaded already.
    pub pretrained: Option<Arc<PretrainedPolicy>>,
}

impl RunOptions {
    /// A new run in `dir`, on the CPU, that nothing stops.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            resume: false,
            stop: Arc::default(),
            device: Device::flex(),
            scene: String::new(),
            earlier: None,
            pretrained: None,
        }
    }

    /// The policy that the run starts from: the one loaded already, or that of `init.from`.
    ///
    /// # Errors
    /// As [`PretrainedPolicy::load`].
    pub fn pretrained(&self, init: &InitConfig) -> Result<Option<Arc<PretrainedPolicy>>, TrainError> {
        match &self.pretrained {
            Some(policy) => Ok(Some(policy.clone())),
            None => Ok(PretrainedPolicy::load(init)?.map(Arc::new)),
        }
    }
}
