//! A trained network with everything needed to run it.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use super::artifact::{self, PolicyConfig, StoredTensors, WEIGHTS_FILE};
use super::low_rank::{ADAPTER_FILE, LowRank};
use super::shown::moments;
use super::view::View;
use super::{Attack, AttackKind, Carried, Chance, Copied, Network, PolicyError, PolicyMemory};
use crate::agents::Spaces;
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
    /// What the network adds to its base, where the policy is stored so.
    adapter: Option<LowRank>,
    /// What it sees of the agents' observations, where that is not all.
    view: Option<View>,
    attack: Option<Attack>,
    /// Moments of the demonstration that it was shown, normalised.
    shown: Vec<f32>,
}

impl Policy {
    /// A policy of a `network` whose parameters are on `device`, which is best one without automatic differentiation.
    pub fn new(config: PolicyConfig, network: Network, device: Device) -> Self {
        Self { config, network, device, adapter: None, view: None, attack: None, shown: Vec::new() }
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
        let whole = dir.join(WEIGHTS_FILE);
        let mut tensors = match &config.adapter {
            None => StoredTensors::read(&whole)?,
            Some(adapter) => adapter.read_base()?,
        };
        let network = Network::new(&config, &mut tensors, device)?;
        tensors.finish()?;
        let Some(wanted) = &config.adapter else { return Ok(Self::new(config, network, device.clone())) };
        let mut tensors = StoredTensors::read(&dir.join(ADAPTER_FILE))?;
        let adapter = LowRank::new(&network, wanted.rank, wanted.alpha, &mut tensors, device)?;
        tensors.finish()?;
        let network = adapter.merged(network);
        Ok(Self::new(config, network, device.clone()).with_adapter(adapter))
    }

    /// The same policy, stored as what `adapter` adds to the base that the configuration names. The network must hold
    /// both already.
    pub fn with_adapter(self, adapter: LowRank) -> Self {
        Self { adapter: Some(adapter), ..self }
    }

    /// The same policy, stored as a whole network.
    pub fn merged(mut self) -> Self {
        self.adapter = None;
        self.config.adapter = None;
        self
    }

    /// The same policy for agents with these `spaces`, which may sense more than it was trained with, doing `task` (a
    /// scene's name), which counts for policies of several tasks alone.
    ///
    /// # Errors
    /// [`PolicyError::Layout`] with the fields that the agents lack or have otherwise, [`PolicyError::Task`], or
    /// [`PolicyError::Unshown`].
    pub fn fitted(mut self, spaces: &Spaces, task: &str) -> Result<Self, PolicyError> {
        if self.config.network.shown > 0 && self.shown.is_empty() {
            return Err(PolicyError::Unshown);
        }
        self.view = View::new(&self.config, &spaces.observation, &spaces.action, task)?;
        Ok(self)
    }

    /// The same policy, shown a demonstration, `[ticks, observation size]` in the units of its own layout.
    ///
    /// # Errors
    /// [`PolicyError::Shown`] when it does not take demonstrations, or this one is not whole ticks.
    pub fn shown(mut self, observations: &[f32]) -> Result<Self, PolicyError> {
        let (count, size) = (self.config.network.shown, self.config.observation_normalizer.size());
        let fail = |message: &str| Err(PolicyError::Shown { message: message.into() });
        if count == 0 {
            return fail("it was not trained to be shown one; policies of `train one-shot` are");
        }
        if observations.is_empty() || !observations.len().is_multiple_of(size) {
            return fail("the demonstration is not some whole ticks of its observation");
        }
        self.shown = moments(&normalized(&self.config, &[], observations), size, count);
        Ok(self)
    }

    /// The same policy under an attack of size `epsilon`, in standard deviations of each observed number.
    ///
    /// # Errors
    /// [`PolicyError::Attack`]
    pub fn attacked(mut self, kind: AttackKind, epsilon: f32) -> Result<Self, PolicyError> {
        self.attack = Some(Attack::new(kind, epsilon, &self.config, &mut Copied::of(&self.network))?);
        Ok(self)
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
        match &self.adapter {
            None => artifact::write_tensors(&dir.join(WEIGHTS_FILE), &self.network),
            Some(adapter) => artifact::write_tensors(&dir.join(ADAPTER_FILE), adapter),
        }
    }

    /// Everything but the weights.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// The same, to fill in where the policy comes from.
    pub fn config_mut(&mut self) -> &mut PolicyConfig {
        &mut self.config
    }

    /// The network's parameters, those of an adapter merged.
    pub fn copied(&self) -> Copied {
        Copied::of(&self.network)
    }

    /// Whether every weight is a finite number.
    pub fn is_finite(&self) -> bool {
        self.copied().is_finite()
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
        self.config.columns(observation, action).map(|_| ())
    }

    /// Decide `n` actions from `n` observations, in one batch.
    ///
    /// `observations` is `[n, observation size]` (of the agents' layout, where [`Policy::fitted`] was told of one) and `actions` `[n, action size]`, both row-major and in the units of
    /// their layouts; `memories` are the `n` agents' own, which must be those that this policy wrote at their last
    /// tick, or new ones. A policy that remembers nothing ([`PolicyConfig::remembers`]) takes no memories too. Actions
    /// come out within the action layout's bounds, whatever the observations hold.
    ///
    /// # Panics
    /// When the lengths are not those of `n` agents.
    pub fn act(&mut self, observations: &[f32], memories: &mut [PolicyMemory], actions: &mut [f32]) {
        let seen = self.view.as_ref().map(|view| view.of(observations));
        let observations = seen.as_deref().unwrap_or(observations);
        let (wide, narrow) = (self.config.observation_normalizer.size(), self.config.action_normalizer.size());
        let count = rows(&self.config, observations.len(), actions.len());
        let remembers = self.config.remembers();
        assert!(
            memories.len() == count || memories.is_empty() && !remembers,
            "{} memories for {count} agents of a policy that remembers",
            memories.len()
        );
        let attacked = self.attack.as_ref().map(|attack| {
            let mut inputs = normalized(&self.config, &[], observations);
            attack.perturb(&mut inputs, wide);
            self.config.observation_normalizer.denormalize(&mut inputs);
            inputs
        });
        let observations = attacked.as_deref().unwrap_or(observations);
        let (config, network, device) = (&self.config, &self.network, &self.device);
        let shown = &self.shown[..];
        let piece = (count / 2).clamp(PIECE.0, PIECE.1);
        if *device != Device::flex() || count <= piece {
            decide(config, network, device, shown, observations, memories, actions);
            return;
        }
        // The network's parameters are shared, not copied.
        let mut memories = memories.chunks_mut(piece);
        let pieces: Vec<_> = observations
            .chunks(piece * wide)
            .zip(actions.chunks_mut(piece * narrow))
            .map(|(observations, actions)| (network.clone(), observations, memories.next(), actions))
            .collect();
        pieces.into_par_iter().with_max_len(1).for_each(|(network, observations, memories, actions)| {
            decide(config, &network, device, shown, observations, memories.unwrap_or_default(), actions);
        });
    }

    /// The mean and the standard deviation of each action number of a policy with a Gaussian head and without memory,
    /// `[n, action size]` each, in its unit. For other heads the deviation is zero.
    ///
    /// # Panics
    /// When the three lengths are not `n` rows of their sizes, or the policy remembers.
    pub fn distribution(&mut self, observations: &[f32], means: &mut [f32], deviations: &mut [f32]) {
        assert_eq!(means.len(), deviations.len(), "as many means as deviations");
        assert!(!self.config.remembers(), "a policy without memory");
        rows(&self.config, observations.len(), means.len());
        if observations.is_empty() {
            return;
        }
        let inputs = normalized(&self.config, &self.shown, observations);
        let width = self.config.observation.size() + self.shown.len();
        let inputs = tensor(inputs, width, &self.device);
        let features = self.network.features(inputs.unsqueeze_dim(1), &[]);
        let (mean, log_std) = self.network.head().distribution(features, &mut Chance::Each(Vec::new()));
        copy(mean, means);
        physical(&self.config, means);
        match log_std {
            None => deviations.fill(0.0),
            Some(log_std) => {
                copy(log_std.exp(), deviations);
                let scales = &self.config.action_normalizer.std;
                for row in deviations.chunks_exact_mut(scales.len()) {
                    row.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
                }
            }
        }
    }
}

/// Decide for some agents, with a network of the policy that `config` describes.
fn decide(
    config: &PolicyConfig,
    network: &Network,
    device: &Device,
    shown: &[f32],
    observations: &[f32],
    memories: &mut [PolicyMemory],
    actions: &mut [f32],
) {
    if observations.is_empty() {
        return;
    }
    let inputs = normalized(config, shown, observations);
    let wide = config.observation_normalizer.size() + shown.len();
    if config.remembers() {
        remember_and_decide(config, network, device, (&inputs, wide), memories, actions);
    } else {
        let inputs = tensor(inputs, wide, device);
        let features = network.features(inputs.unsqueeze_dim(1), &[]);
        copy(network.head().decide(features, &mut Chance::Each(Vec::new())), actions);
    }
    physical(config, actions);
}

/// Decide normalised actions for agents that are remembered.
fn remember_and_decide(
    config: &PolicyConfig,
    network: &Network,
    device: &Device,
    (inputs, wide): (&[f32], usize),
    memories: &mut [PolicyMemory],
    actions: &mut [f32],
) {
    let narrow = config.action_normalizer.size();
    let due: Vec<usize> = (0..memories.len()).filter(|i| memories[*i].due(config)).collect();
    let features = if config.network.is_recurrent() {
        // The state goes on at every tick, whether something is decided or not.
        let size = network.trunk().state_size();
        let mut states = Vec::with_capacity(memories.len() * size);
        for memory in &mut *memories {
            memory.state.resize(size, 0.0);
            states.extend_from_slice(&memory.state);
        }
        let inputs = tensor(inputs.to_vec(), wide, device).unsqueeze_dim(1);
        let stepped = network.go_on(inputs, Carried { state: tensor(states, size, device), keeps: None });
        stepped.map(|(features, states)| {
            let mut after = vec![0.0; memories.len() * size];
            copy(states, &mut after);
            memories.iter_mut().zip(after.chunks_exact(size)).for_each(|(m, state)| m.state.copy_from_slice(state));
            if due.len() == memories.len() { features } else { rows_of(features, &due) }
        })
    } else {
        let history = config.network.history;
        memories.iter_mut().zip(inputs.chunks_exact(wide)).for_each(|(m, input)| m.observe(input, history));
        (!due.is_empty()).then(|| window_features(config, network, device, (&due, wide), memories))
    };
    if let (Some(features), false) = (features, due.is_empty()) {
        let mut generators = Vec::with_capacity(due.len());
        for (i, memory) in memories.iter_mut().enumerate() {
            if due.binary_search(&i).is_ok() {
                generators.push(&mut memory.generator);
            }
        }
        let chunks = network.head().decide(features, &mut Chance::Each(generators));
        let numbers = config.head.chunk * narrow;
        let mut decided = vec![0.0; due.len() * numbers];
        copy(chunks, &mut decided);
        for (i, chunk) in due.iter().zip(decided.chunks_exact(numbers)) {
            memories[*i].decided(chunk.to_vec(), config);
        }
    }
    memories.iter_mut().zip(actions.chunks_exact_mut(narrow)).for_each(|(m, action)| m.act(action, config));
}

/// Features `[due, width]` of the windows of the agents that are `due`.
fn window_features(
    config: &PolicyConfig,
    network: &Network,
    device: &Device,
    (due, wide): (&[usize], usize),
    memories: &[PolicyMemory],
) -> Tensor<2> {
    let ticks = |i: &usize| memories[*i].window.len() / wide;
    let stacked = config.network.stacked();
    let mut inputs = Vec::new();
    if config.network.sequence() == 1 {
        for i in due {
            // Before an episode's start stands its first observation.
            let window = &memories[*i].window;
            (ticks(i)..stacked).for_each(|_| inputs.extend_from_slice(&window[..wide]));
            inputs.extend_from_slice(window);
        }
        return network.features(tensor(inputs, stacked * wide, device).unsqueeze_dim(1), &[]);
    }
    // Every tick sees those before it alone, so that what stands after the newest does not matter.
    let longest = due.iter().map(ticks).max().unwrap_or(1);
    for i in due {
        inputs.extend_from_slice(&memories[*i].window);
        inputs.resize(inputs.len() + (longest - ticks(i)) * wide, 0.0);
    }
    let inputs = Tensor::<3>::from_data(TensorData::new(inputs, [due.len(), longest, wide]), device);
    let newest: Vec<usize> = due.iter().enumerate().map(|(n, i)| n * longest + ticks(i) - 1).collect();
    rows_of(network.features(inputs, &[]), &newest)
}

/// The given rows of a tensor.
fn rows_of(tensor: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let device = tensor.device();
    tensor.select(0, Tensor::<1, Int>::from_data(TensorData::new(rows.clone(), [rows.len()]), &device))
}

/// How many agents the numbers are of.
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

/// Observations in their units, normalised and clipped, each followed by what the policy was shown.
fn normalized(config: &PolicyConfig, shown: &[f32], observations: &[f32]) -> Vec<f32> {
    let normalizer = &config.observation_normalizer;
    let rows = observations.len() / normalizer.size();
    let mut values = Vec::with_capacity(observations.len() + rows * shown.len());
    for row in observations.chunks_exact(normalizer.size()) {
        // The same numbers as `Normalizer::normalize`, in one pass with the clipping.
        let scaled = row.iter().zip(&normalizer.mean).zip(&normalizer.std).map(|((x, mean), std)| (x - mean) / std);
        values.extend(scaled.map(|x| x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP)));
        values.extend_from_slice(shown);
    }
    values
}

/// Rows of `width` numbers on a device.
fn tensor(values: Vec<f32>, width: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Normalised actions to bounded ones in their units.
fn physical(config: &PolicyConfig, actions: &mut [f32]) {
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
