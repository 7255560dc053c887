//! A trained network with everything needed to run it.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::artifact::{self, PolicyConfig, StoredTensors, WEIGHTS_FILE};
use super::{Network, PolicyError};
use crate::spaces::Layout;

/// Normalised observations are cut off at this many standard deviations, in training and in use: a number that hardly
/// moved in the demonstrations would otherwise drown all others the first time that it does. The value is the usual
/// one (Stable-Baselines3 `VecNormalize`).
pub const OBSERVATION_CLIP: f32 = 10.0;

/// Least and most rows of a piece that the CPU decides at once. Larger batches are cut into pieces and spread over the
/// cores: all layers of a piece stay in a core's cache, and 64 agents are decided in two pieces. Above 64 rows Burn
/// would spread each product over the cores by itself, which costs more.
const PIECE: (usize, usize) = (32, 64);

/// A network, its layouts and its normalisers: observations in, actions out, both in physical units.
#[derive(Clone, Debug)]
pub struct Policy {
    config: PolicyConfig,
    network: Network,
    device: Device,
}

impl Policy {
    /// A policy of a `network` whose parameters are on `device`, which is best one without automatic differentiation.
    pub fn new(config: PolicyConfig, network: Network, device: Device) -> Self {
        Self { config, network, device }
    }

    /// Read a policy's folder onto the CPU, where a batch of one is decided within microseconds.
    ///
    /// # Errors
    /// As [`Policy::load_on`].
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        Self::load_on(dir, &Device::flex())
    }

    /// Read a policy's folder onto a device.
    ///
    /// # Errors
    /// A file that is missing or damaged, a configuration that breaks an invariant, tensors that are missing,
    /// superfluous, of the wrong shape or not finite. Nothing in a damaged folder causes a panic.
    pub fn load_on(dir: &Path, device: &Device) -> Result<Self, PolicyError> {
        let dir = artifact::present(dir);
        let config = artifact::read_config(&dir)?;
        let mut tensors = StoredTensors::read(&dir.join(WEIGHTS_FILE))?;
        let sizes = (config.observation.size(), config.action.size());
        let network = Network::new(&config.network, &config.head, sizes, &mut tensors, device)?;
        tensors.finish()?;
        Ok(Self::new(config, network, device.clone()))
    }

    /// Write the policy's folder, whole or not at all.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), PolicyError> {
        artifact::replace_dir(dir, |dir| self.write_into(dir))
    }

    /// Write the policy's two files into an existing folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_into(&self, dir: &Path) -> Result<(), PolicyError> {
        artifact::write_config(dir, &self.config)?;
        artifact::write_tensors(&dir.join(WEIGHTS_FILE), &self.network)
    }

    /// Everything but the weights.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// The same, to fill in where the policy comes from.
    pub fn config_mut(&mut self) -> &mut PolicyConfig {
        &mut self.config
    }

    /// How many weights the network has.
    pub fn parameters(&self) -> usize {
        self.network.num_params()
    }

    /// Whether the agent's layouts are those that the policy was trained for.
    ///
    /// # Errors
    /// [`PolicyError::Layout`] with the fields that differ.
    pub fn check_layouts(&self, observation: &Layout, action: &Layout) -> Result<(), PolicyError> {
        self.config.check_layouts(observation, action)
    }

    /// Decide `n` actions from `n` observations, in one batch and without chance.
    ///
    /// `observations` is `[n, observation size]` and `actions` `[n, action size]`, both row-major and in the units of
    /// their layouts. Actions come out within the action layout's bounds, whatever the observations hold.
    ///
    /// # Panics
    /// When the two lengths are not `n` rows of their sizes.
    pub fn act(&mut self, observations: &[f32], actions: &mut [f32]) {
        let (wide, narrow) = (self.config.observation_normalizer.size(), self.config.action_normalizer.size());
        let piece = (actions.len() / narrow / 2).clamp(PIECE.0, PIECE.1);
        if self.device != Device::flex() || actions.len() <= piece * narrow {
            decide(&self.config, &self.network, &self.device, observations, actions);
            return;
        }
        rows(&self.config, observations.len(), actions.len());
        // The network's parameters are shared, not copied.
        let pieces: Vec<_> = observations
            .chunks(piece * wide)
            .zip(actions.chunks_mut(piece * narrow))
            .map(|(observations, actions)| (self.network.clone(), observations, actions))
            .collect();
        let (config, device) = (&self.config, &self.device);
        pieces.into_par_iter().with_max_len(1).for_each(|(network, observations, actions)| {
            decide(config, &network, device, observations, actions);
        });
    }

    /// As [`Policy::act`], with the standard deviation of each action number, `[n, action size]`, in its unit; zero for
    /// a policy with the squared-error head.
    ///
    /// # Panics
    /// When the three lengths are not `n` rows of their sizes.
    pub fn distribution(&mut self, observations: &[f32], means: &mut [f32], deviations: &mut [f32]) {
        assert_eq!(means.len(), deviations.len(), "as many means as deviations");
        let Some(input) = input(&self.config, &self.device, observations, means.len()) else { return };
        let output = self.network.forward(input, &[]);
        let shape = output.mean.dims();
        physical(&self.config, output.mean, means);
        match output.log_std {
            None => deviations.fill(0.0),
            Some(log_std) => {
                copy(log_std.exp().expand(shape), deviations);
                let scales = &self.config.action_normalizer.std;
                for row in deviations.chunks_exact_mut(scales.len()) {
                    row.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
                }
            }
        }
    }
}

/// Decide a batch with a network of the policy that `config` describes.
fn decide(config: &PolicyConfig, network: &Network, device: &Device, observations: &[f32], actions: &mut [f32]) {
    if let Some(input) = input(config, device, observations, actions.len()) {
        physical(config, network.mean(input), actions);
    }
}

/// How many rows the numbers are.
///
/// # Panics
/// When observations and actions are not the same count of whole rows.
fn rows(config: &PolicyConfig, observations: usize, actions: usize) -> usize {
    let (wide, narrow) = (config.observation_normalizer.size(), config.action_normalizer.size());
    let rows = observations / wide;
    assert!(
        observations == rows * wide && actions == rows * narrow,
        "{observations} observation numbers and {actions} action numbers are not the same count of rows of {wide} and \
         {narrow}",
    );
    rows
}

/// The network's input `[n, observation size]` for `outputs` action numbers; `None` for no rows.
fn input(config: &PolicyConfig, device: &Device, observations: &[f32], outputs: usize) -> Option<Tensor<2>> {
    let rows = rows(config, observations.len(), outputs);
    if rows == 0 {
        return None;
    }
    let normalizer = &config.observation_normalizer;
    let mut values = Vec::with_capacity(observations.len());
    for row in observations.chunks_exact(normalizer.size()) {
        // The same numbers as `Normalizer::normalize`, in one pass with the clipping.
        let scaled = row.iter().zip(&normalizer.mean).zip(&normalizer.std).map(|((x, mean), std)| (x - mean) / std);
        values.extend(scaled.map(|x| x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP)));
    }
    let shape = [rows, normalizer.size()];
    Some(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Normalised actions to bounded ones in their units.
fn physical(config: &PolicyConfig, normalised: Tensor<2>, actions: &mut [f32]) {
    copy(normalised, actions);
    config.action_normalizer.denormalize(actions);
    for row in actions.chunks_exact_mut(config.action_normalizer.size()) {
        config.action.clamp(row);
    }
}

/// Copy a tensor's elements into a slice. What cannot be read from the device becomes NaN, which the action's bounds
/// turn into a neutral action.
fn copy(tensor: Tensor<2>, out: &mut [f32]) {
    let data = tensor.into_data();
    match data.as_slice::<f32>() {
        Ok(values) => out.copy_from_slice(values),
        Err(_) => out.fill(f32::NAN),
    }
}
