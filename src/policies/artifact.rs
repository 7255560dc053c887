//! The policy folder on disk: `config.json` and `model.safetensors`, the file names of Hugging Face and LeRobot.
//!
//! Weights of linear layers have Burn's shape, `[inputs, outputs]`; PyTorch's are transposed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore};
use burn::tensor::DType;
use serde::{Deserialize, Serialize};

use super::{AdapterConfig, HeadConfig, NetworkConfig, ParameterInit, ParameterSource, PolicyError};
use crate::spaces::{Field, Layout, LayoutDifference, Normalizer};

/// Name of the configuration file in a policy folder.
pub const CONFIG_FILE: &str = "config.json";
/// Name of the weights file in a policy folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
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

/// A 64-bit hash as 16 hexadecimal digits.
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
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

/// The policy folder of `path`: `path` itself, or the `best` or else the `last` policy of a run folder.
///
/// # Errors
/// [`PolicyError::NotFound`] when none of them holds a `config.json`.
pub fn resolve_policy_dir(path: &Path) -> Result<PathBuf, PolicyError> {
    [path.to_path_buf(), path.join("best"), path.join("last")]
        .into_iter()
        .map(|dir| existing_or_previous(&dir))
        .find(|dir| dir.join(CONFIG_FILE).is_file())
        .ok_or_else(|| PolicyError::NotFound { path: path.to_path_buf() })
}

/// Read and check `<dir>/config.json`.
///
/// # Errors
/// The file is missing, is not JSON of this shape, or breaks an invariant of [`PolicyConfig::check`].
pub fn read_config(dir: &Path) -> Result<PolicyConfig, PolicyError> {
    let path = dir.join(CONFIG_FILE);
    let text = fs::read(&path).map_err(PolicyError::io("read", &path))?;
    let config: PolicyConfig = serde_json::from_slice(&text)
        .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
    config.check().map_err(|message| PolicyError::Config { path, message })?;
    Ok(config)
}

/// Write `config.json` into `dir`.
///
/// # Errors
/// The file cannot be written.
pub fn write_config(dir: &Path, config: &PolicyConfig) -> Result<(), PolicyError> {
    let path = dir.join(CONFIG_FILE);
    let text = serde_json::to_vec_pretty(config)
        .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
    fs::write(&path, text).map_err(PolicyError::io("write", &path))
}

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

/// Replace a folder atomically: `fill` writes into a temporary folder beside `target`, which is flushed to the disk and
/// then renamed to `target`. An interruption between the two renames leaves the previous content as `.<name>.previous`,
/// which [`existing_or_previous`] finds.
///
/// # Errors
/// An error of `fill`, or a folder that cannot be created, flushed or renamed.
pub fn replace_dir<E: From<PolicyError>>(target: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(PolicyError::io("create the folder", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".writing-")
        .tempdir_in(parent)
        .map_err(PolicyError::io("create a folder in", parent))?;
    fill(temporary.path())?;
    flush(temporary.path())?;
    let previous = previous_dir(target);
    if target.exists() {
        if previous.exists() {
            fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
        }
        fs::rename(target, &previous).map_err(PolicyError::io("rename", target))?;
    }
    fs::rename(temporary.path(), target).map_err(PolicyError::io("rename a folder to", target))?;
    // The folder was renamed, so that the guard has nothing to remove.
    let _renamed = temporary.keep();
    if previous.exists() {
        fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
    }
    sync(parent)?;
    Ok(())
}

/// `dir`, or the previous content that an interrupted [`replace_dir`] left.
pub fn existing_or_previous(dir: &Path) -> PathBuf {
    let previous = previous_dir(dir);
    if !dir.exists() && previous.exists() { previous } else { dir.to_path_buf() }
}

fn previous_dir(dir: &Path) -> PathBuf {
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    dir.with_file_name(format!(".{name}.previous"))
}

/// Flush a folder's files and the folder itself to the disk.
fn flush(dir: &Path) -> Result<(), PolicyError> {
    for entry in fs::read_dir(dir).map_err(PolicyError::io("read", dir))? {
        let path = entry.map_err(PolicyError::io("read", dir))?.path();
        File::open(&path).and_then(|f| f.sync_all()).map_err(PolicyError::io("flush", &path))?;
    }
    sync(dir)
}

/// Flush a folder's entries, which is possible on Unix only.
fn sync(dir: &Path) -> Result<(), PolicyError> {
    if cfg!(unix) {
        File::open(dir).and_then(|f| f.sync_all()).map_err(PolicyError::io("flush", dir))?;
    }
    Ok(())
}
