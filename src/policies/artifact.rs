//! A policy's folder on disk: `config.json` and `model.safetensors`, the names that Hugging Face and LeRobot use.
//!
//! Weights of linear layers are stored as Burn keeps them, `[inputs, outputs]`; PyTorch's are transposed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore};
use burn::tensor::DType;
use serde::{Deserialize, Serialize};

use super::{AdapterConfig, HeadConfig, Initial, NetworkConfig, ParameterSource, PolicyError};
use crate::spaces::{Field, Layout, LayoutDifference, Normalizer};

/// The configuration's file in a policy's folder.
pub const CONFIG_FILE: &str = "config.json";
/// The weights' file in a policy's folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The kind of artifact, as `config.json` names it.
const FORMAT: &str = "apprentice-policy";
/// Version of the folder's format.
const VERSION: u32 = 2;
/// The field of a policy's observation that tells the tasks apart: 1 for the task at hand, 0 for the others.
pub const TASK_FIELD: &str = "task";
/// Largest observation or action that is accepted. Above it a broken file is likelier than intent.
const LARGEST_LAYOUT: usize = 65_536;

/// Where a policy comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Path of the dataset.
    pub dataset: String,
    /// Hash of the numbers that it was trained on, in hexadecimal.
    pub dataset_hash: String,
    /// Scene of the demonstrations.
    pub scene: String,
    /// The learner's name.
    pub learner: String,
    /// The run's seed.
    pub seed: u64,
    /// Version of this crate.
    pub version: String,
    /// Training steps taken.
    pub steps: u64,
    /// Validation loss, where it was measured.
    pub validation_loss: Option<f32>,
}

/// `config.json`: everything about a policy but its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyConfig {
    /// Always `apprentice-policy`.
    pub format: String,
    /// Version of the format.
    pub format_version: u32,
    /// Name of the agent that it drives.
    pub agent: String,
    /// Seconds between two decisions.
    pub control_dt: f32,
    /// Hidden layers.
    pub network: NetworkConfig,
    /// Output layer.
    pub head: HeadConfig,
    /// What it observes.
    pub observation: Layout,
    /// `observation.hash()` in hexadecimal, as JSON's numbers do not hold 64 bits.
    pub observation_hash: String,
    /// What it decides.
    pub action: Layout,
    /// `action.hash()` in hexadecimal.
    pub action_hash: String,
    /// Names of the tasks that the observation's field `task` tells apart, one number each; empty for a policy of one
    /// task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// Shift and scale of observations.
    pub observation_normalizer: Normalizer,
    /// Shift and scale of actions.
    pub action_normalizer: Normalizer,
    /// The network that the policy's weights are added to, where they are not a whole network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterConfig>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl PolicyConfig {
    /// The configuration of a policy that is not trained yet: identity normalisers, empty provenance.
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
    /// Another format or version, a layout with an empty, repeated or unbounded field, a hash that is not the layout's,
    /// a normaliser of another size or with numbers that are not finite or a standard deviation not above zero, a
    /// `control_dt` not above zero, or settings of the network out of range. The message names the key.
    pub fn check(&self) -> Result<(), String> {
        if self.format != FORMAT || self.format_version != VERSION {
            return Err(format!(
                "it is {:?} version {}, and this program reads {FORMAT:?} version {VERSION}",
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
                return Err(format!("{key}_hash is {hash}, and the layout's is {}: it was edited", hex(layout.hash())));
            }
            if normalizer.mean.len() != size || normalizer.std.len() != size {
                return Err(format!(
                    "{key}_normalizer has {} means and {} deviations for {size} numbers",
                    normalizer.mean.len(),
                    normalizer.std.len()
                ));
            }
            let usable = |std: &f32| std.is_finite() && *std > 0.0;
            if !normalizer.mean.iter().all(|m| m.is_finite()) || !normalizer.std.iter().all(usable) {
                return Err(format!("{key}_normalizer holds a mean or deviation that is not usable"));
            }
        }
        let told = self.observation.range(TASK_FIELD).map_or(0, |range| range.len());
        if told != self.tasks.len() {
            return Err(format!("the field {TASK_FIELD} has {told} numbers for {} tasks", self.tasks.len()));
        }
        self.network.check().and_then(|()| self.head.check()).map_err(|e| e.to_string())
    }

    /// Whether decisions depend on more than the newest observation, so that each agent needs a
    /// [`PolicyMemory`](super::PolicyMemory) of its own.
    pub fn remembers(&self) -> bool {
        let network = &self.network;
        network.history > 1 || network.is_recurrent() || self.head.chunk > 1 || self.head.is_random()
    }

    /// Bounds of each action number, normalised.
    pub fn normalized_bounds(&self) -> Vec<(f32, f32)> {
        let bounds = self.action.fields.iter().flat_map(|f| std::iter::repeat_n((f.low, f.high), f.size));
        let normalizer = &self.action_normalizer;
        bounds
            .zip(normalizer.mean.iter().zip(&normalizer.std))
            .map(|((low, high), (mean, std))| ((low - mean) / std, (high - mean) / std))
            .collect()
    }

    /// Where the numbers that the policy sees stand in an agent's observation; `None` for those that it knows itself (the
    /// task). The agent may sense more than the policy was trained with. Names of layouts do not count, fields do.
    ///
    /// # Errors
    /// [`PolicyError::Layout`] with the fields that the agent lacks or has otherwise.
    pub fn columns(&self, observation: &Layout, action: &Layout) -> Result<Vec<Option<usize>>, PolicyError> {
        let fail = |trained: &Layout, wanted: &Layout, differences: Vec<LayoutDifference>| {
            let show = |layout: &Layout| format!("{} ({})", layout.name, hex(layout.hash()));
            let differences = differences.iter().map(ToString::to_string).collect();
            PolicyError::Layout { trained: show(trained), wanted: show(wanted), differences }
        };
        let differences = action.differences(&self.action);
        if !differences.is_empty() {
            return Err(fail(&self.action, action, differences));
        }
        let sensed: Vec<_> = self.observation.fields.iter().filter(|f| f.name != TASK_FIELD).cloned().collect();
        let sensed = Layout { name: self.observation.name.clone(), fields: sensed };
        let columns = observation.columns_of(&sensed).map_err(|found| fail(&self.observation, observation, found))?;
        let mut columns = columns.into_iter().map(Some);
        let known = |field: &Field| std::iter::repeat_n(field.name == TASK_FIELD, field.size);
        let known = self.observation.fields.iter().flat_map(known);
        Ok(known.map(|known| if known { None } else { columns.next().flatten() }).collect())
    }
}

/// A 64-bit hash as 16 hexadecimal digits.
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// [`Layout::new`]'s conditions for a layout that was read; its size.
fn check_layout(layout: &Layout) -> Result<usize, String> {
    let mut size = 0usize;
    for (i, field) in layout.fields.iter().enumerate() {
        if field.size == 0 || !(field.low.is_finite() && field.high.is_finite() && field.low < field.high) {
            return Err(format!("field {} is empty or has no usable bounds", field.name));
        }
        if layout.fields[..i].iter().any(|other| other.name == field.name) {
            return Err(format!("field {} appears twice", field.name));
        }
        size = size.saturating_add(field.size);
    }
    if (1..=LARGEST_LAYOUT).contains(&size) { Ok(size) } else { Err(format!("{size} numbers; 1 to {LARGEST_LAYOUT}")) }
}

/// The policy folder that `path` means: `path` itself, or a run's `best`, or its `last`.
///
/// # Errors
/// [`PolicyError::NotFound`] when none of them holds a `config.json`.
pub fn resolve_policy_dir(path: &Path) -> Result<PathBuf, PolicyError> {
    [path.to_path_buf(), path.join("best"), path.join("last")]
        .into_iter()
        .map(|dir| present(&dir))
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

/// Write a module's parameters as safetensors. The same parameters give the same bytes.
///
/// # Errors
/// The parameters cannot be read from their device, or the file cannot be written.
pub fn write_tensors<M: ModuleSnapshot>(path: &Path, module: &M) -> Result<(), PolicyError> {
    let fail = |e: &dyn std::fmt::Display| PolicyError::Weights { path: path.to_path_buf(), message: e.to_string() };
    // Metadata comes out of a hash map, so its order would differ from one writing to the next.
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata();
    store.collect_from(module).map_err(|e| fail(&e))?;
    let bytes = store.get_bytes().map_err(|e| fail(&e))?;
    fs::write(path, bytes).map_err(PolicyError::io("write", path))
}

/// Tensors of a safetensors file by name: shape and row-major elements.
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
                return Err(fail(format!("tensor {name} holds {:?} instead of F32", tensor.dtype)));
            }
            let shape: Vec<usize> = tensor.shape.iter().copied().collect();
            let bytes = tensor.to_bytes().map_err(|e| fail(format!("tensor {name} cannot be read ({e})")))?;
            let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                return Err(fail(format!("tensor {name} holds {} at element {at}", values[at])));
            }
            tensors.insert(name.clone(), (shape, values));
        }
        Ok(Self { path: path.to_path_buf(), tensors })
    }

    /// An error when a tensor is left that nobody asked for.
    ///
    /// # Errors
    /// [`PolicyError::Weights`] with the first such tensor's name.
    pub fn finish(self) -> Result<(), PolicyError> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => Err(PolicyError::Weights {
                path: self.path,
                message: format!("it has the tensor {name}, for which the configuration has no place"),
            }),
        }
    }
}

impl ParameterSource for StoredTensors {
    fn parameter(&mut self, name: &str, shape: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
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

/// Write a folder whole or not at all: `fill` writes into a new folder beside `target`, which is flushed to the disk
/// and then takes `target`'s place. An interruption between the two renames leaves the former content as
/// `.<name>.previous`, which [`present`] finds.
///
/// # Errors
/// What `fill` answers, or a folder that cannot be made, flushed or renamed.
pub fn replace_dir<E: From<PolicyError>>(target: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(PolicyError::io("make the folder", parent))?;
    let fresh = tempfile::Builder::new()
        .prefix(".writing-")
        .tempdir_in(parent)
        .map_err(PolicyError::io("make a folder in", parent))?;
    fill(fresh.path())?;
    flush(fresh.path())?;
    let previous = previous(target);
    if target.exists() {
        if previous.exists() {
            fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
        }
        fs::rename(target, &previous).map_err(PolicyError::io("rename", target))?;
    }
    fs::rename(fresh.path(), target).map_err(PolicyError::io("put in place", target))?;
    // The folder has moved away: there is nothing left for the guard to remove.
    let _moved = fresh.keep();
    if previous.exists() {
        fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
    }
    sync(parent)?;
    Ok(())
}

/// `dir`, or what an interrupted [`replace_dir`] left in its stead.
pub fn present(dir: &Path) -> PathBuf {
    let previous = previous(dir);
    if !dir.exists() && previous.exists() { previous } else { dir.to_path_buf() }
}

fn previous(dir: &Path) -> PathBuf {
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

/// Flush a folder's list of names. Only Unix can.
fn sync(dir: &Path) -> Result<(), PolicyError> {
    if cfg!(unix) {
        File::open(dir).and_then(|f| f.sync_all()).map_err(PolicyError::io("flush", dir))?;
    }
    Ok(())
}
