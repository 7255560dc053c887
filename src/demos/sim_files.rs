//! `sim/`: the files that replay needs. LeRobot ignores this folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files;
use crate::spaces::Layout;

/// The data that replay needs beyond the columns of the data file.
pub(super) struct SimulationData {
    pub header: EpisodeHeader,
    /// `[ticks * header.other_act_dim]`.
    pub other_actions: Vec<f32>,
    /// See [`Episode::first_gap`].
    pub first_gap: Option<usize>,
}

/// `sim/episode-000000.json`: the header without its large parts, and the hashes of the files that hold them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    recording: String,
    scene: String,
    scene_hash: Hash,
    /// Hash of the stored text; `scene_hash` is computed by the scene loader.
    scene_text_xxh3: Hash,
    seed: u64,
    agent: String,
    operator: String,
    task: String,
    control_dt: f32,
    observation: Layout,
    action: Layout,
    terms: Vec<String>,
    snapshot_xxh3: Hash,
    /// `None` in a single-agent episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multi_agent: Option<MultiAgent>,
    /// See [`Episode::first_gap`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_gap: Option<usize>,
}

/// The other recorded agents of the arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MultiAgent {
    /// See [`EpisodeHeader::agent_index`].
    agent_index: usize,
    /// See [`EpisodeHeader::other_act_dim`].
    other_act_dim: usize,
    other_actions_xxh3: Hash,
}

/// A hash, stored as 16 hexadecimal digits because JSON readers round large numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Hash(u64);

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        format!("{:016x}", hash.0)
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        u64::from_str_radix(&text, 16).map(Self).map_err(|e| format!("hash {text:?}: {e}"))
    }
}

fn record_path(dir: &Path, episode: usize) -> PathBuf {
    dir.join(format!("sim/episode-{episode:06}.json"))
}

fn snapshot_path(dir: &Path, episode: usize) -> PathBuf {
    dir.join(format!("sim/episode-{episode:06}.snapshot"))
}

/// `sim/episode-000000.others`: the actions of the other agents, `[ticks * other_act_dim]`, as little-endian `f32`.
fn other_actions_path(dir: &Path, episode: usize) -> PathBuf {
    dir.join(format!("sim/episode-{episode:06}.others"))
}

fn scene_path(dir: &Path, hash: u64) -> PathBuf {
    dir.join(format!("sim/scenes/{hash:016x}.ron"))
}

/// Write the files that the replay of `episode` needs.
pub(super) fn write(dir: &Path, index: usize, recording: &str, episode: &Episode) -> Result<(), DatasetError> {
    let header = &episode.header;
    let scene = scene_path(dir, header.scene_hash);
    if scene.exists() {
        if files::read_bytes(&scene)? != header.scene_text.as_bytes() {
            return Err(DatasetError::SceneConflict { path: scene, hash: format!("{:016x}", header.scene_hash) });
        }
    } else {
        files::write_atomic(&scene, header.scene_text.as_bytes())?;
    }
    files::write_atomic(&snapshot_path(dir, index), &header.snapshot)?;
    let other_actions: Vec<u8> = episode.other_actions.iter().flat_map(|x| x.to_le_bytes()).collect();
    let multi_agent = (header.other_act_dim > 0).then(|| MultiAgent {
        agent_index: header.agent_index,
        other_act_dim: header.other_act_dim,
        other_actions_xxh3: Hash(xxh3_64(&other_actions)),
    });
    if multi_agent.is_some() {
        files::write_atomic(&other_actions_path(dir, index), &other_actions)?;
    }
    let record = Record {
        recording: recording.to_owned(),
        scene: header.scene.clone(),
        scene_hash: Hash(header.scene_hash),
        scene_text_xxh3: Hash(xxh3_64(header.scene_text.as_bytes())),
        seed: header.seed,
        agent: header.agent.clone(),
        operator: header.operator.clone(),
        task: header.task.clone(),
        control_dt: header.control_dt,
        observation: header.observation.clone(),
        action: header.action.clone(),
        terms: header.terms.clone(),
        snapshot_xxh3: Hash(xxh3_64(&header.snapshot)),
        multi_agent,
        first_gap: episode.first_gap,
    };
    files::write_json(&record_path(dir, index), &record)
}

/// Read the files of `episode` and check that their hashes and the ID `recording` are the recorded ones.
pub(super) fn read(dir: &Path, episode: usize, recording: &str) -> Result<SimulationData, DatasetError> {
    let path = record_path(dir, episode);
    let record: Record = files::read_json(&path)?;
    if record.recording != recording {
        let cause = format!("it has recording {}, but meta/episodes has {recording}", record.recording);
        return Err(DatasetError::inconsistent(&path, cause));
    }
    let snapshot_path = snapshot_path(dir, episode);
    let snapshot = files::read_bytes(&snapshot_path)?;
    if xxh3_64(&snapshot) != record.snapshot_xxh3.0 {
        return Err(DatasetError::malformed(&snapshot_path, "its hash differs from the recorded one"));
    }
    let scene_path = scene_path(dir, record.scene_hash.0);
    let scene = files::read_bytes(&scene_path)?;
    if xxh3_64(&scene) != record.scene_text_xxh3.0 {
        return Err(DatasetError::malformed(&scene_path, "its hash differs from the recorded one"));
    }
    let mut other_actions = Vec::new();
    if let Some(multi_agent) = &record.multi_agent {
        let path = other_actions_path(dir, episode);
        let bytes = files::read_bytes(&path)?;
        if xxh3_64(&bytes) != multi_agent.other_actions_xxh3.0 {
            return Err(DatasetError::malformed(&path, "its hash differs from the recorded one"));
        }
        other_actions = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    }
    let first_gap = record.first_gap;
    let header = EpisodeHeader {
        scene: record.scene,
        scene_hash: record.scene_hash.0,
        scene_text: String::from_utf8(scene).map_err(|e| DatasetError::malformed(&scene_path, e))?,
        seed: record.seed,
        agent: record.agent,
        operator: record.operator,
        task: record.task,
        control_dt: record.control_dt,
        observation: record.observation,
        action: record.action,
        terms: record.terms,
        agent_index: record.multi_agent.as_ref().map_or(0, |multi| multi.agent_index),
        other_act_dim: record.multi_agent.as_ref().map_or(0, |multi| multi.other_act_dim),
        snapshot,
    };
    header.validate().map_err(|e| DatasetError::malformed(&path, e))?;
    Ok(SimulationData { header, other_actions, first_gap })
}

/// Remove the files of an interrupted append of `episode`. The scene file is kept: other episodes may use it, and it is
/// named after its content.
pub(super) fn remove(dir: &Path, episode: usize) -> Result<(), DatasetError> {
    files::remove(&record_path(dir, episode))?;
    files::remove(&other_actions_path(dir, episode))?;
    files::remove(&snapshot_path(dir, episode))
}
