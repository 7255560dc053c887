//! A policy's configuration: everything of a policy but its weights.

use serde::{Deserialize, Serialize};

use super::adapter_config::AdapterConfig;
use super::hash::hex;
use super::{HeadConfig, NetworkConfig, PolicyError};
use crate::spaces::{Field, Layout, LayoutDifference, Normalizer};

/// Value of `format` in `config.json`.
const FORMAT: &str = "apprentice-policy";
/// Version of the policy folder's format.
const VERSION: u32 = 3;
/// The observation field of task conditioning: the one-hot encoding of the task.
pub const TASK_FIELD: &str = "task";
/// Largest size of an observation or action. Above it a broken file is likelier than intent.
const MAX_LAYOUT_SIZE: usize = 65_536;

/// Provenance of a policy: the dataset and the training run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Path of the dataset.
    pub dataset: String,
    /// Hash of the training data, in hexadecimal.
    pub dataset_hash: String,
    /// Scene of the demonstrations.
    pub scene: String,
    /// The learner's name.
    pub learner: String,
    /// The run's seed.
    pub seed: u64,
    /// Version of this crate.
    pub version: String,
    /// Training steps.
    pub steps: u64,
    /// Validation loss; `None` for a run without validation.
    pub validation_loss: Option<f32>,
}

/// `config.json`: everything of a policy but its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyConfig {
    /// Always `apprentice-policy`.
    pub format: String,
    /// Version of the format.
    pub format_version: u32,
    /// Name of the agent that the policy controls.
    pub agent: String,
    /// Duration of a tick, seconds.
    pub control_dt: f32,
    /// Settings of the encoders and the trunk.
    pub network: NetworkConfig,
    /// Settings of the head.
    pub head: HeadConfig,
    /// Layout of the observation.
    pub observation: Layout,
    /// `observation.hash()` in hexadecimal, as JSON's numbers do not hold 64 bits.
    pub observation_hash: String,
    /// Layout of the action.
    pub action: Layout,
    /// `action.hash()` in hexadecimal.
    pub action_hash: String,
    /// Task conditioning: names of the tasks, in the order of the observation's one-hot field `task`; empty for a policy
    /// of one task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// Mean and standard deviation of the observations.
    pub observation_normalizer: Normalizer,
    /// Mean and standard deviation of the actions.
    pub action_normalizer: Normalizer,
    /// The base policy and shape of a LoRA adapter, when the policy is stored as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterConfig>,
    /// Dataset and training run.
    pub provenance: Provenance,
}

impl PolicyConfig {
    /// The configuration of an untrained policy: identity normalizers, empty provenance.
    pub fn new(
        agent: impl Into<String>,
        control_dt: f32,
        observation: Layout,
        action: Layout,
        network: NetworkConfig,
        head: HeadConfig,
    ) -> Self {
        Self {
            format: FORMAT.into(),
            format_version: VERSION,
            agent: agent.into(),
            control_dt,
            network,
            head,
            observation_hash: hex(observation.hash()),
            action_hash: hex(action.hash()),
            tasks: Vec::new(),
            observation_normalizer: Normalizer::identity(observation.size()),
            action_normalizer: Normalizer::identity(action.size()),
            observation,
            action,
            adapter: None,
            provenance: Provenance { version: env!("CARGO_PKG_VERSION").into(), ..Provenance::default() },
        }
    }

    /// Check every invariant that the fields must keep.
    ///
    /// # Errors
    /// Another format or version; a layout with an empty, repeated or unbounded field; a hash that is not the layout's; a
    /// normalizer of another size, with a number that is not finite, or with a standard deviation not above zero; a
    /// `control_dt` not above zero; a setting of the network or head out of range. The message names the key.
    pub fn check(&self) -> Result<(), String> {
        if self.format != FORMAT || self.format_version != VERSION {
            return Err(format!(
                "the format is {:?} version {}; this program reads {FORMAT:?} version {VERSION}",
                self.format, self.format_version
            ));
        }
        if !(self.control_dt.is_finite() && self.control_dt > 0.0) {
            return Err(format!("control_dt is {} s; it must be above zero", self.control_dt));
        }
        for (key, layout, hash, normalizer) in [
            ("observation", &self.observation, &self.observation_hash, &self.observation_normalizer),
            ("action", &self.action, &self.action_hash, &self.action_normalizer),
        ] {
            let size = check_layout(layout).map_err(|message| format!("{key}: {message}"))?;
            if *hash != hex(layout.hash()) {
                return Err(format!(
                    "{key}_hash is {hash}, but the layout's hash is {}: the file was edited",
                    hex(layout.hash())
                ));
            }
            if normalizer.mean.len() != size || normalizer.std.len() != size {
                return Err(format!(
                    "{key}_normalizer has {} means and {} standard deviations for {size} numbers",
                    normalizer.mean.len(),
                    normalizer.std.len()
                ));
            }
            let usable = |std: &f32| std.is_finite() && *std > 0.0;
            if !normalizer.mean.iter().all(|m| m.is_finite()) || !normalizer.std.iter().all(usable) {
                return Err(format!(
                    "{key}_normalizer has a mean that is not finite or a standard deviation that is not above 0"
                ));
            }
            normalizer.check_range().map_err(|message| format!("{key}_normalizer {message}"))?;
        }
        let size = self.observation.range(TASK_FIELD).map_or(0, |range| range.len());
        if size != self.tasks.len() {
            return Err(format!("the field {TASK_FIELD} has {size} numbers for {} tasks", self.tasks.len()));
        }
        self.network.check().and_then(|()| self.head.check()).map_err(|e| e.to_string())
    }

    /// Numbers of an observation.
    pub fn obs_dim(&self) -> usize {
        self.observation_normalizer.size()
    }

    /// Numbers of one tick's action.
    pub fn act_dim(&self) -> usize {
        self.action_normalizer.size()
    }

    /// Whether an action depends on more than the current observation, so that each agent needs a
    /// [`PolicyState`](super::PolicyState) of its own: several observation steps, a recurrent state, an action chunk, or
    /// random numbers.
    pub fn is_stateful(&self) -> bool {
        let network = &self.network;
        network.n_obs_steps > 1 || network.is_recurrent() || self.head.chunk_size > 1 || self.head.is_stochastic()
    }

    /// Bounds of each action number, normalized.
    pub fn normalized_bounds(&self) -> Vec<(f32, f32)> {
        let bounds = self.action.fields.iter().flat_map(|f| std::iter::repeat_n((f.low, f.high), f.size));
        let normalizer = &self.action_normalizer;
        bounds
            .zip(normalizer.mean.iter().zip(&normalizer.std))
            .map(|((low, high), (mean, std))| ((low - mean) / std, (high - mean) / std))
            .collect()
    }

    /// For each number of the policy's observation its column in an agent's observation; `None` for the one-hot encoding of
    /// the task. The agent's observation may have more fields than the policy's. The fields are compared, the names of the
    /// layouts are not.
    ///
    /// # Errors
    /// [`PolicyError::Layout`] with the fields that the agent lacks or that differ.
    pub fn columns(&self, observation: &Layout, action: &Layout) -> Result<Vec<Option<usize>>, PolicyError> {
        let fail = |trained: &Layout, agent: &Layout, differences: Vec<LayoutDifference>| {
            let describe = |layout: &Layout| format!("{} ({})", layout.name, hex(layout.hash()));
            let differences = differences.iter().map(ToString::to_string).collect();
            PolicyError::Layout { trained: describe(trained), agent: describe(agent), differences }
        };
        let differences = action.differences(&self.action);
        if !differences.is_empty() {
            return Err(fail(&self.action, action, differences));
        }
        let sensed: Vec<_> = self.observation.fields.iter().filter(|f| f.name != TASK_FIELD).cloned().collect();
        let sensed = Layout { name: self.observation.name.clone(), fields: sensed };
        let columns = observation.columns_of(&sensed).map_err(|found| fail(&self.observation, observation, found))?;
        let mut columns = columns.into_iter().map(Some);
        let is_task = |field: &Field| std::iter::repeat_n(field.name == TASK_FIELD, field.size);
        let is_task = self.observation.fields.iter().flat_map(is_task);
        Ok(is_task.map(|is_task| if is_task { None } else { columns.next().flatten() }).collect())
    }
}

/// Check [`Layout::new`]'s conditions for a layout from a file, and return its size.
fn check_layout(layout: &Layout) -> Result<usize, String> {
    let mut size = 0usize;
    for (i, field) in layout.fields.iter().enumerate() {
        if field.size == 0 || !(field.low.is_finite() && field.high.is_finite() && field.low < field.high) {
            return Err(format!("field {} is empty or has invalid bounds", field.name));
        }
        if layout.fields[..i].iter().any(|other| other.name == field.name) {
            return Err(format!("field {} appears twice", field.name));
        }
        size = size.saturating_add(field.size);
    }
    if (1..=MAX_LAYOUT_SIZE).contains(&size) {
        Ok(size)
    } else {
        Err(format!("{size} numbers; 1 to {MAX_LAYOUT_SIZE} are possible"))
    }
}
