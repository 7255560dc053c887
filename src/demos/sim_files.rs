//! `sim/`: what it takes to run an episode again. LeRobot does not look there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files;
use crate::spaces::Layout;

/// `sim/episode-000000.json`: the header without its big parts, and how to know that these are whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    recording: String,
    scene: String,
    scene_hash: Hash,
    /// Hash of the stored text; `scene_hash` is made by whoever loads scenes.
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
    /// Where more than one acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<Company>,
}

/// Who else acted in the arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Company {
    /// The place of the agent whose episode it is.
    slot: usize,
    /// Numbers in the actions of the others, a tick.
    others: usize,
    others_xxh3: Hash,
}

/// A hash as 16 hexadecimal digits: JSON readers round large numbers.
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

/// `sim/episode-000000.others`: what everybody else did, tick by tick, as little-endian `f32`.
fn others_path(dir: &Path, episode: usize) -> PathBuf {
    dir.join(format!("sim/episode-{episode:06}.others"))
}

fn scene_path(dir: &Path, hash: u64) -> PathBuf {
    dir.join(format!("sim/scenes/{hash:016x}.ron"))
}

/// Store what it takes to run `episode` again.
pub(super) fn write(dir: &Path, number: usize, recording: &str, episode: &Episode) -> Result<(), DatasetError> {
    let header = &episode.header;
    let scene = scene_path(dir, header.scene_hash);
    if scene.exists() {
        if files::read_bytes(&scene)? != header.scene_text.as_bytes() {
            return Err(DatasetError::SceneConflict { path: scene, hash: format!("{:016x}", header.scene_hash) });
        }
    } else {
        files::write_atomic(&scene, header.scene_text.as_bytes())?;
    }
    files::write_atomic(&snapshot_path(dir, number), &header.snapshot)?;
    let others: Vec<u8> = episode.others.iter().flat_map(|x| x.to_le_bytes()).collect();
    let company = (header.others > 0).then(|| Company {
        slot: header.slot,
        others: header.others,
        others_xxh3: Hash(xxh3_64(&others)),
    });
    if company.is_some() {
        files::write_atomic(&others_path(dir, number), &others)?;
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
        company,
    };
    files::write_json(&record_path(dir, number), &record)
}

/// Read the header of `episode`, which must be of `recording`, and what everybody else did in it.
pub(super) fn read(dir: &Path, episode: usize, recording: &str) -> Result<(EpisodeHeader, Vec<f32>), DatasetError> {
    let path = record_path(dir, episode);
    let record: Record = files::read_json(&path)?;
    if record.recording != recording {
        let cause = format!("it is of recording {}, meta/episodes says {recording}", record.recording);
        return Err(DatasetError::inconsistent(&path, cause));
    }
    let snapshot_path = snapshot_path(dir, episode);
    let snapshot = files::read_bytes(&snapshot_path)?;
    if xxh3_64(&snapshot) != record.snapshot_xxh3.0 {
        return Err(DatasetError::malformed(&snapshot_path, "its bytes are not those recorded"));
    }
    let scene_path = scene_path(dir, record.scene_hash.0);
    let scene = files::read_bytes(&scene_path)?;
    if xxh3_64(&scene) != record.scene_text_xxh3.0 {
        return Err(DatasetError::malformed(&scene_path, "its text is not the one recorded"));
    }
    let mut others = Vec::new();
    if let Some(company) = &record.company {
        let path = others_path(dir, episode);
        let bytes = files::read_bytes(&path)?;
        if xxh3_64(&bytes) != company.others_xxh3.0 {
            return Err(DatasetError::malformed(&path, "its bytes are not those recorded"));
        }
        others = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    }
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
        slot: record.company.as_ref().map_or(0, |company| company.slot),
        others: record.company.as_ref().map_or(0, |company| company.others),
        snapshot,
    };
    header.validate().map_err(|e| DatasetError::malformed(&path, e))?;
    Ok((header, others))
}

/// Remove what a cut-off append of `episode` left. A scene stays: others may use it, and its name is its content's.
pub(super) fn remove(dir: &Path, episode: usize) -> Result<(), DatasetError> {
    files::remove(&record_path(dir, episode))?;
    files::remove(&others_path(dir, episode))?;
    files::remove(&snapshot_path(dir, episode))
}
