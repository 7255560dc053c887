//! A trained network with everything needed for inference.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use super::adapter_config::ADAPTER_FILE;
use super::artifact;
use super::checksums::{check_checksums, write_checksums};
use super::demonstration_encoder::sample_frames;
use super::lora::LoraAdapter;
use super::observation_mapping::ObservationMapping;
use super::policy_config::PolicyConfig;
use super::stored_tensors::{StoredTensors, WEIGHTS_FILE, write_tensors};
use super::{Attack, AttackKind, BatchRng, Network, PolicyError, PolicyState, RecurrentInput, StateDict};
use crate::agents::Spaces;
use crate::spaces::Layout;

/// Normalized observations are clipped to this many standard deviations, in training and at inference: a number that was
/// almost constant in the demonstrations would otherwise dominate all others when it first changes. The value is the
/// default of Stable-Baselines3's `VecNormalize` (`clip_obs`).
pub const OBSERVATION_CLIP: f32 = 10.0;

/// Bounds of the rows in a sub-batch on the CPU. Larger batches are split into sub-batches that run on different cores:
/// all layers of a sub-batch stay in a core's cache, and 64 agents are two sub-batches. Above 64 rows Burn would
/// parallelize each matrix product, which is slower.
const MIN_SUB_BATCH: usize = 32;
const MAX_SUB_BATCH: usize = 64;

/// A network with its layouts and normalizers: from observations to actions, both in physical units.
#[derive(Clone, Debug)]
pub struct Policy {
    config: PolicyConfig,
    network: Network,
    device: Device,
    /// The adapter, when the policy is stored as an adapter of a base policy.
    adapter: Option<LoraAdapter>,
    /// Mapping of the agents' observations to the policy's; `None` for the identity.
    mapping: Option<ObservationMapping>,
    attack: Option<Attack>,
    /// Frames of the conditioning demonstration, normalized; otherwise empty.
    demonstration: Vec<f32>,
}

/// Parts of a policy that inference needs.
#[derive(Clone, Copy)]
struct Inference<'a> {
    config: &'a PolicyConfig,
    network: &'a Network,
    device: &'a Device,
    demonstration: &'a [f32],
}

impl Policy {
    /// A policy with a `network` whose parameters are on `device`, best one without automatic differentiation.
    pub fn new(config: PolicyConfig, network: Network, device: Device) -> Self {
        Self { config, network, device, adapter: None, mapping: None, attack: None, demonstration: Vec::new() }
    }

    /// Load a policy folder onto the CPU, where inference for one observation takes microseconds.
    ///
    /// # Errors
    /// As [`Policy::load_on`].
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        Self::load_on(dir, &Device::flex())
    }

    /// Load a policy folder onto a device.
    ///
    /// # Errors
    /// A file that is missing or damaged, a configuration that breaks an invariant, tensors that are missing,
    /// superfluous, of the wrong shape or not finite. A damaged folder never causes a panic.
    pub fn load_on(dir: &Path, device: &Device) -> Result<Self, PolicyError> {
        let dir = artifact::existing_or_previous(dir);
        let config = artifact::read_config(&dir)?;
        let weights = dir.join(WEIGHTS_FILE);
        let mut tensors = match &config.adapter {
            None => StoredTensors::read(&weights)?,
            Some(adapter) => adapter.read_base()?,
        };
        let network = Network::new(&config, &mut tensors, device)?;
        tensors.finish()?;
        // The errors above name what is wrong in a file; a change that still fits is found here.
        check_checksums(&dir)?;
        let Some(stored) = &config.adapter else { return Ok(Self::new(config, network, device.clone())) };
        let mut tensors = StoredTensors::read(&dir.join(ADAPTER_FILE))?;
        let adapter = LoraAdapter::new(&network, stored.rank, stored.alpha, &mut tensors, device)?;
        tensors.finish()?;
        let network = adapter.merged(network);
        Ok(Self::new(config, network, device.clone()).with_adapter(adapter))
    }

    /// The same policy, to be stored as `adapter` alone. The adapter must be merged into the network already, and the
    /// configuration must name the base policy.
    pub fn with_adapter(self, adapter: LoraAdapter) -> Self {
        Self { adapter: Some(adapter), ..self }
    }

    /// The same policy, to be stored as a whole network.
    pub fn merged(mut self) -> Self {
        self.adapter = None;
        self.config.adapter = None;
        self
    }

    /// The same policy for agents with these `spaces`, whose observation may have more fields than the policy was trained
    /// with. A policy of several tasks is conditioned on `task`, a scene's name; other policies ignore it.
    ///
    /// # Errors
    /// [`PolicyError::Agent`] for another agent, [`PolicyError::Layout`] with the fields that the agents lack or that
    /// differ, [`PolicyError::Task`], or [`PolicyError::MissingDemonstration`].
    pub fn for_agent(mut self, spaces: &Spaces, task: &str) -> Result<Self, PolicyError> {
        if self.config.network.n_demonstration_frames > 0 && self.demonstration.is_empty() {
            return Err(PolicyError::MissingDemonstration);
        }
        let mapping = ObservationMapping::new(&self.config, &spaces.observation, &spaces.action, task);
        self.mapping = mapping.map_err(|error| match error {
            PolicyError::Layout { .. } if self.config.agent != *spaces.agent => {
                PolicyError::Agent { trained: self.config.agent.clone(), agent: spaces.agent.to_string() }
            }
            error => error,
        })?;
        Ok(self)
    }

    /// The same policy, conditioned on a demonstration, `[ticks, observation size]` in the units of the policy's layout.
    ///
    /// # Errors
    /// [`PolicyError::InvalidDemonstration`] when the policy has no demonstration conditioning, or `observations` is empty
    /// or not a whole number of ticks.
    pub fn with_demonstration(mut self, observations: &[f32]) -> Result<Self, PolicyError> {
        let (frames, obs_dim) = (self.config.network.n_demonstration_frames, self.config.obs_dim());
        let fail = |message: &str| Err(PolicyError::InvalidDemonstration { message: message.into() });
        if frames == 0 {
            return fail("it was trained without demonstration conditioning; use a policy of `train one-shot`");
        }
        if observations.is_empty() || !observations.len().is_multiple_of(obs_dim) {
            return fail("the demonstration is empty or not a whole number of ticks");
        }
        self.demonstration = sample_frames(&normalized(&self.config, &[], observations), obs_dim, frames);
        Ok(self)
    }

    /// The same policy under an adversarial attack of size `epsilon`, in standard deviations of each observed number.
    ///
    /// # Errors
    /// [`PolicyError::Attack`]
    pub fn with_attack(mut self, kind: AttackKind, epsilon: f32) -> Result<Self, PolicyError> {
        self.attack = Some(Attack::new(kind, epsilon, &self.config, &mut StateDict::of(&self.network))?);
        Ok(self)
    }

    /// Write the policy folder atomically.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), PolicyError> {
        artifact::replace_dir(dir, |dir| {
            self.write_into(dir)?;
            write_checksums(dir)
        })
    }

    /// Write the policy's two files into an existing folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_into(&self, dir: &Path) -> Result<(), PolicyError> {
        artifact::write_config(dir, &self.config)?;
        match &self.adapter {
            None => write_tensors(&dir.join(WEIGHTS_FILE), &self.network),
            Some(adapter) => write_tensors(&dir.join(ADAPTER_FILE), adapter),
        }
    }

    /// Everything but the weights.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// The configuration, to set the provenance.
    pub fn config_mut(&mut self) -> &mut PolicyConfig {
        &mut self.config
    }

    /// A copy of the network's parameters, with an adapter merged.
    pub fn state_dict(&self) -> StateDict {
        StateDict::of(&self.network)
    }

    /// Whether all weights are finite numbers.
    pub fn is_finite(&self) -> bool {
        self.state_dict().is_finite()
    }

    /// Number of weights in the network.
    pub fn num_parameters(&self) -> usize {
        self.network.num_params()
    }

    /// Check that the agent's layouts are those that the policy was trained for.
    ///
    /// # Errors
    /// [`PolicyError::Layout`] with the fields that differ.
    pub fn check_layouts(&self, observation: &Layout, action: &Layout) -> Result<(), PolicyError> {
        self.config.columns(observation, action).map(|_| ())
    }

    /// Infer the actions of `n` agents in one batch.
    ///
    /// `observations` is `[n, observation size]` of the layout given to [`Policy::for_agent`], or else of the policy's
    /// layout; `actions` is `[n, action size]`. Both are row-major and in the units of their layouts. `states` are the
    /// states of the `n` agents, as this policy left them at the agents' last tick, or new ones; they may be empty for a
    /// policy that is not stateful ([`PolicyConfig::is_stateful`]). The actions are within the bounds of the action
    /// layout, whatever the observations are.
    ///
    /// # Panics
    /// When the lengths are not those of `n` agents.
    pub fn act(&mut self, observations: &[f32], states: &mut [PolicyState], actions: &mut [f32]) {
        let mapped = self.mapping.as_ref().map(|mapping| mapping.apply(observations));
        let observations = mapped.as_deref().unwrap_or(observations);
        let (obs_dim, act_dim) = (self.config.obs_dim(), self.config.act_dim());
        let count = rows(&self.config, observations.len(), actions.len());
        let stateful = self.config.is_stateful();
        assert!(
            states.len() == count || states.is_empty() && !stateful,
            "{} states for {count} agents of a stateful policy",
            states.len()
        );
        let attacked = self.attack.as_ref().map(|attack| {
            let mut inputs = normalized(&self.config, &[], observations);
            attack.perturb(&mut inputs, obs_dim);
            self.config.observation_normalizer.denormalize(&mut inputs);
            inputs
        });
        let observations = attacked.as_deref().unwrap_or(observations);
        let Self { config, network, device, demonstration, .. } = &*self;
        let inference = Inference { config, network, device, demonstration };
        let sub_batch = (count / 2).clamp(MIN_SUB_BATCH, MAX_SUB_BATCH);
        if *device != Device::flex() || count <= sub_batch {
            inference.act(observations, states, actions);
            return;
        }
        // The clones share the network's parameters.
        let mut states = states.chunks_mut(sub_batch);
        let sub_batches: Vec<_> = observations
            .chunks(sub_batch * obs_dim)
            .zip(actions.chunks_mut(sub_batch * act_dim))
            .map(|(observations, actions)| (network.clone(), observations, states.next(), actions))
            .collect();
        sub_batches.into_par_iter().with_max_len(1).for_each(|(network, observations, states, actions)| {
            let inference = Inference { config, network: &network, device, demonstration };
            inference.act(observations, states.unwrap_or_default(), actions);
        });
    }

    /// Mean and standard deviation of each action number of a stateless policy with a Gaussian head, `[n, action size]`
    /// each, in physical units. For other heads the standard deviations are zero.
    ///
    /// # Panics
    /// When the three lengths are not `n` rows of their sizes, or the policy is stateful.
    pub fn distribution(&mut self, observations: &[f32], means: &mut [f32], stds: &mut [f32]) {
        assert_eq!(means.len(), stds.len(), "as many means as standard deviations");
        assert!(!self.config.is_stateful(), "a stateless policy");
        rows(&self.config, observations.len(), means.len());
        if observations.is_empty() {
            return;
        }
        let inputs = normalized(&self.config, &self.demonstration, observations);
        let columns = self.config.observation.size() + self.demonstration.len();
        let inputs = tensor(inputs, columns, &self.device);
        let features = self.network.features(inputs.unsqueeze_dim(1), &[]);
        let (mean, log_std) = self.network.head().distribution(features, &mut BatchRng::PerRow(Vec::new()));
        copy(mean, means);
        denormalize_actions(&self.config, means);
        match log_std {
            None => stds.fill(0.0),
            Some(log_std) => {
                copy(log_std.exp(), stds);
                let scales = &self.config.action_normalizer.std;
                for row in stds.chunks_exact_mut(scales.len()) {
                    row.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
                }
            }
        }
    }
}

impl Inference<'_> {
    /// Numbers of one normalized observation, with the conditioning demonstration.
    fn input_size(&self) -> usize {
        self.config.obs_dim() + self.demonstration.len()
    }

    /// Infer the actions of some agents.
    fn act(&self, observations: &[f32], states: &mut [PolicyState], actions: &mut [f32]) {
        if observations.is_empty() {
            return;
        }
        let inputs = normalized(self.config, self.demonstration, observations);
        if self.config.is_stateful() {
            self.act_stateful(&inputs, states, actions);
        } else {
            let inputs = tensor(inputs, self.input_size(), self.device);
            let features = self.network.features(inputs.unsqueeze_dim(1), &[]);
            copy(self.network.head().predict(features, &mut BatchRng::PerRow(Vec::new())), actions);
        }
        denormalize_actions(self.config, actions);
    }

    /// Infer normalized actions from normalized `inputs`, with the agents' states.
    fn act_stateful(&self, inputs: &[f32], states: &mut [PolicyState], actions: &mut [f32]) {
        let Self { config, network, device, .. } = *self;
        let (input_size, act_dim) = (self.input_size(), config.act_dim());
        // Rows of the agents that need a new chunk.
        let due: Vec<usize> = (0..states.len()).filter(|i| states[*i].needs_chunk(config)).collect();
        let features = if config.network.is_recurrent() {
            // The recurrent state advances at every tick, also while a chunk is executed.
            let size = network.trunk().state_size();
            let mut recurrent = Vec::with_capacity(states.len() * size);
            for state in &mut *states {
                state.recurrent.resize(size, 0.0);
                recurrent.extend_from_slice(&state.recurrent);
            }
            let inputs = tensor(inputs.to_vec(), input_size, device).unsqueeze_dim(1);
            let initial = RecurrentInput { state: tensor(recurrent, size, device), continuation_mask: None };
            network.forward_recurrent(inputs, initial).map(|(features, next)| {
                let mut recurrent = vec![0.0; states.len() * size];
                copy(next, &mut recurrent);
                for (state, next) in states.iter_mut().zip(recurrent.chunks_exact(size)) {
                    state.recurrent.copy_from_slice(next);
                }
                if due.len() == states.len() { features } else { select_rows(features, &due) }
            })
        } else {
            let n_obs_steps = config.network.n_obs_steps;
            for (state, input) in states.iter_mut().zip(inputs.chunks_exact(input_size)) {
                state.push_observation(input, n_obs_steps);
            }
            (!due.is_empty()).then(|| self.window_features(&due, states))
        };
        if let (Some(features), false) = (features, due.is_empty()) {
            let mut generators = Vec::with_capacity(due.len());
            for (i, state) in states.iter_mut().enumerate() {
                if due.binary_search(&i).is_ok() {
                    generators.push(&mut state.generator);
                }
            }
            let predicted = network.head().predict(features, &mut BatchRng::PerRow(generators));
            let chunk_columns = config.head.chunk_size * act_dim;
            let mut chunks = vec![0.0; due.len() * chunk_columns];
            copy(predicted, &mut chunks);
            for (i, chunk) in due.iter().zip(chunks.chunks_exact(chunk_columns)) {
                states[*i].push_chunk(chunk.to_vec(), config);
            }
        }
        for (state, action) in states.iter_mut().zip(actions.chunks_exact_mut(act_dim)) {
            state.next_action(action, config);
        }
    }

    /// Features `[due, features_dim]` of the observation windows of the agents at the rows `due`.
    fn window_features(&self, due: &[usize], states: &[PolicyState]) -> Tensor<2> {
        let Self { config, network, device, .. } = *self;
        let input_size = self.input_size();
        let ticks = |i: &usize| states[*i].observations.len() / input_size;
        let n_stack = config.network.n_stack();
        let mut inputs = Vec::new();
        if config.network.sequence_length() == 1 {
            for i in due {
                // The window is padded with the episode's first observation.
                let window = &states[*i].observations;
                (ticks(i)..n_stack).for_each(|_| inputs.extend_from_slice(&window[..input_size]));
                inputs.extend_from_slice(window);
            }
            return network.features(tensor(inputs, n_stack * input_size, device).unsqueeze_dim(1), &[]);
        }
        // Attention is causal, so that the padding after the current tick has no influence.
        let longest = due.iter().map(ticks).max().unwrap_or(1);
        for i in due {
            inputs.extend_from_slice(&states[*i].observations);
            inputs.resize(inputs.len() + (longest - ticks(i)) * input_size, 0.0);
        }
        let inputs = Tensor::<3>::from_data(TensorData::new(inputs, [due.len(), longest, input_size]), device);
        let current: Vec<usize> = due.iter().enumerate().map(|(n, i)| n * longest + ticks(i) - 1).collect();
        select_rows(network.features(inputs, &[]), &current)
    }
}

/// The given rows of a tensor.
fn select_rows(tensor: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let device = tensor.device();
    tensor.select(0, Tensor::<1, Int>::from_data(TensorData::new(rows.clone(), [rows.len()]), &device))
}

/// Number of agents in a batch of `observations` and `actions` numbers.
///
/// # Panics
/// When observations and actions are not the same count of whole rows.
fn rows(config: &PolicyConfig, observations: usize, actions: usize) -> usize {
    let (obs_dim, act_dim) = (config.obs_dim(), config.act_dim());
    let rows = observations / obs_dim;
    assert!(
        observations == rows * obs_dim && actions == rows * act_dim,
        "{observations} observation numbers and {actions} action numbers are not the same count of rows of {obs_dim} and \
         {act_dim}",
    );
    rows
}

/// Observations in physical units, normalized and clipped, each followed by `demonstration`.
fn normalized(config: &PolicyConfig, demonstration: &[f32], observations: &[f32]) -> Vec<f32> {
    let normalizer = &config.observation_normalizer;
    let rows = observations.len() / normalizer.size();
    let mut values = Vec::with_capacity(observations.len() + rows * demonstration.len());
    for row in observations.chunks_exact(normalizer.size()) {
        // The same numbers as `Normalizer::normalize`, in one pass with the clipping.
        let scaled = row.iter().zip(&normalizer.mean).zip(&normalizer.std).map(|((x, mean), std)| (x - mean) / std);
        values.extend(scaled.map(|x| x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP)));
        values.extend_from_slice(demonstration);
    }
    values
}

/// Rows of `columns` numbers on a device.
fn tensor(values: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Convert normalized actions to physical units and clamp them to the action layout's bounds.
fn denormalize_actions(config: &PolicyConfig, actions: &mut [f32]) {
    config.action_normalizer.denormalize(actions);
    for row in actions.chunks_exact_mut(config.action_normalizer.size()) {
        config.action.clamp(row);
    }
}

/// Copy a tensor's elements into a slice. Elements that cannot be read from the device become NaN, which the clamping
/// turns into a neutral action.
fn copy(tensor: Tensor<2>, out: &mut [f32]) {
    let data = tensor.into_data();
    match data.as_slice::<f32>() {
        Ok(values) => out.copy_from_slice(values),
        Err(_) => out.fill(f32::NAN),
    }
}
