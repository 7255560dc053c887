//! The network of a stored reward.

use std::path::Path;

use burn::tensor::Device;

use super::reward_net::RewardNet;
use super::reward_spec::{RewardSpec, WEIGHTS_FILE};
use super::transitions::Batch;
use crate::learn::TrainError;
use crate::policies::artifact::StoredTensors;
use crate::policies::load_parameters;

/// A reward network behind a trait object.
pub(super) trait RewardFn: Send {
    /// The reward of each transition.
    fn predict(&self, batch: &Batch) -> Vec<f32>;
}

impl<N: RewardNet> RewardFn for N {
    fn predict(&self, batch: &Batch) -> Vec<f32> {
        self.reward_test(batch).into_data().iter::<f32>().collect()
    }
}

/// The reward network of `spec` with the weights in the folder `dir`.
///
/// # Errors
/// The file is missing or damaged, or belongs to another network.
pub(super) fn load_network<N: RewardNet>(
    spec: &RewardSpec,
    dir: &Path,
) -> Result<Option<Box<dyn RewardFn>>, TrainError> {
    let device = Device::flex();
    let mut stored = StoredTensors::read(&dir.join(WEIGHTS_FILE))?;
    let network = load_parameters(N::new(spec, &device), &mut stored, &device)?;
    stored.finish()?;
    Ok(Some(Box::new(network)))
}
