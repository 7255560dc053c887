//! `sim/`: the files that replay needs. LeRobot ignores this folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files;
use super::schema::DatasetSchema;
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
    /// See [`EpisodeHeader::lead_in`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lead_in: Vec<f32>,
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

/// The scenes that are stored in the dataset, without those of the hashes `used`.
pub(super) fn other_scenes(dir: &Path, used: &BTreeSet<u64>) -> Result<Vec<PathBuf>, DatasetError> {
    let used: Vec<PathBuf> = used.iter().map(|hash| scene_path(dir, *hash)).collect();
    let stored = files::list(&dir.join("sim/scenes"))?;
    Ok(stored.into_iter().filter(|path| path.extension().is_some_and(|e| e == "ron") && !used.contains(path)).collect())
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
        lead_in: header.lead_in.clone(),
    };
    files::write_json(&record_path(dir, index), &record)
}

/// Read the files of `episode` and check that their hashes and the ID `recording` are the recorded ones.
pub(super) fn read(dir: &Path, episode: usize, recording: &str) -> Result<SimulationData, DatasetError> {
    let found = read_with(dir, episode, |_| None)?;
    if found.recording != recording {
        let cause = format!("it has recording {}, but meta/episodes has {recording}", found.recording);
        return Err(DatasetError::inconsistent(record_path(dir, episode), cause));
    }
    Ok(found.data)
}

/// The files of an episode, read without the dataset's metadata.
pub(super) struct FoundSimulation {
    /// The recording's ID.
    pub recording: String,
    /// What the files hold.
    pub data: SimulationData,
    /// Why the scene's file could not be read, where another source of its text was used.
    pub restored_scene: Option<DatasetError>,
}

/// Read the files of `episode` and check their hashes. `scene_text` returns the text of a scene by its name, in place of
/// the stored one if that cannot be read; its hash must be the recorded one.
pub(super) fn read_with(
    dir: &Path,
    episode: usize,
    scene_text: impl Fn(&str) -> Option<String>,
) -> Result<FoundSimulation, DatasetError> {
    let path = record_path(dir, episode);
    let record: Record = files::read_json(&path)?;
    let snapshot = read_hashed(&snapshot_path(dir, episode), record.snapshot_xxh3)?;
    let scene_path = scene_path(dir, record.scene_hash.0);
    let mut restored_scene = None;
    let scene = read_hashed(&scene_path, record.scene_text_xxh3).or_else(|error| {
        let text = scene_text(&record.scene).filter(|text| xxh3_64(text.as_bytes()) == record.scene_text_xxh3.0);
        match text {
            None => Err(error),
            Some(text) => {
                restored_scene = Some(error);
                Ok(text.into_bytes())
            }
        }
    })?;
    let mut other_actions = Vec::new();
    if let Some(multi_agent) = &record.multi_agent {
        let bytes = read_hashed(&other_actions_path(dir, episode), multi_agent.other_actions_xxh3)?;
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
        lead_in: record.lead_in,
    };
    header.validate().map_err(|e| DatasetError::malformed(&path, e))?;
    Ok(FoundSimulation {
        recording: record.recording,
        data: SimulationData { header, other_actions, first_gap },
        restored_scene,
    })
}

fn read_hashed(path: &Path, hash: Hash) -> Result<Vec<u8>, DatasetError> {
    let bytes = files::read_bytes(path)?;
    if xxh3_64(&bytes) != hash.0 {
        return Err(DatasetError::malformed(path, "its hash differs from the recorded one"));
    }
    Ok(bytes)
}

/// The schema of the dataset as the record of `episode` has it.
pub(super) fn schema(dir: &Path, episode: usize) -> Result<DatasetSchema, DatasetError> {
    let Record { agent, control_dt, observation, action, terms, .. } = files::read_json(&record_path(dir, episode))?;
    Ok(DatasetSchema { agent, control_dt, observation, action, terms })
}

/// The files of `episode`, whether they exist or not.
pub(super) fn paths(dir: &Path, episode: usize) -> [PathBuf; 3] {
    [record_path(dir, episode), snapshot_path(dir, episode), other_actions_path(dir, episode)]
}

/// The episodes that have a file in `sim/`, ascending.
pub(super) fn episodes(dir: &Path) -> Result<Vec<usize>, DatasetError> {
    let number = |path: PathBuf| {
        let (stem, extension) = path.file_name()?.to_str()?.strip_prefix("episode-")?.split_once('.')?;
        ["json", "snapshot", "others"].contains(&extension).then(|| stem.parse::<usize>().ok()).flatten()
    };
    let mut found: Vec<usize> = files::list(&dir.join("sim"))?.into_iter().filter_map(number).collect();
    found.dedup();
    Ok(found)
}

/// Move the files of `episode` from the dataset `from` to the dataset `to`, replacing those there. If
/// it is interrupted, the next call moves the rest.
pub(super) fn replace(from: &Path, to: &Path, episode: usize) -> Result<(), DatasetError> {
    let record = record_path(from, episode);
    // The record is moved last, so that it exists as long as one of the others may have to be moved.
    if record.exists() {
        let others = other_actions_path(to, episode);
        match files::read_json::<Record>(&record)?.multi_agent {
            Some(_) => files::relocate(&other_actions_path(from, episode), &others)?,
            None => files::remove(&others)?,
        }
        files::relocate(&snapshot_path(from, episode), &snapshot_path(to, episode))?;
        files::relocate(&record, &record_path(to, episode))?;
    }
    Ok(())
}

/// Move the scenes of the dataset `from` to the dataset `to`. A file of the same name is replaced: the name is the hash of
/// its text.
pub(super) fn replace_scenes(from: &Path, to: &Path) -> Result<(), DatasetError> {
    for path in files::list(&from.join("sim/scenes"))? {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if let Ok(hash) = u64::from_str_radix(stem, 16) {
            files::relocate(&path, &scene_path(to, hash))?;
        }
    }
    Ok(())
}

/// Remove the files of an interrupted append of `episode`. The scene file is kept: other episodes may use it, and it is
/// named after its content.
pub(super) fn remove(dir: &Path, episode: usize) -> Result<(), DatasetError> {
    files::remove(&record_path(dir, episode))?;
    files::remove(&other_actions_path(dir, episode))?;
    files::remove(&snapshot_path(dir, episode))
}
