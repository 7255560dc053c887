//! The dataset's features (its columns) and `meta/info.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

use super::episode::{EpisodeHeader, check_action, check_layout, check_terms, ticks_per_second};
use super::error::DatasetError;
use super::files;
use crate::spaces::Layout;

/// Files per chunk folder, LeRobot's default.
pub(super) const CHUNK_SIZE: usize = 1000;
/// LeRobot's path template of the data files.
const DATA_PATH: &str = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
/// LeRobot's version of the format.
const VERSION: &str = "v3.0";

/// The element type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Dtype {
    #[serde(rename = "float32")]
    Float,
    #[serde(rename = "bool")]
    Bool,
    #[serde(rename = "int64")]
    Int,
}

/// A feature as `info.json` describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FeatureSpec {
    pub dtype: Dtype,
    pub shape: [usize; 1],
    pub names: Option<Vec<String>>,
}

/// The schema that all episodes of a dataset share, stored in `sim/layouts.json`. It adds units and bounds, which
/// LeRobot's features do not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DatasetSchema {
    /// The kind of agent.
    pub agent: String,
    /// The control timestep: seconds between two ticks.
    pub control_dt: f32,
    pub observation: Layout,
    pub action: Layout,
    pub terms: Vec<String>,
}

impl DatasetSchema {
    pub fn from_header(header: &EpisodeHeader) -> Self {
        Self {
            agent: header.agent.clone(),
            control_dt: header.control_dt,
            observation: header.observation.clone(),
            action: header.action.clone(),
            terms: header.terms.clone(),
        }
    }

    pub fn path(dir: &Path) -> std::path::PathBuf {
        dir.join("sim/layouts.json")
    }

    /// Read the schema; also returns the control rate in ticks per second.
    pub fn read(dir: &Path) -> Result<(Self, u32), DatasetError> {
        let path = Self::path(dir);
        let schema: Self = files::read_json(&path)?;
        let bad = |cause| DatasetError::malformed(&path, cause);
        check_layout(&schema.observation).map_err(bad)?;
        check_action(&schema.action).map_err(bad)?;
        check_terms(&schema.terms).map_err(bad)?;
        let fps = ticks_per_second(schema.control_dt).map_err(bad)?;
        Ok((schema, fps))
    }

    /// The differences between an episode's header and this schema, one line each. Another agent is the only difference that
    /// counts: all of its fields differ.
    pub fn differences(&self, header: &EpisodeHeader) -> Vec<String> {
        let mut lines = Vec::new();
        if header.agent != self.agent {
            return vec![format!("the episode is of a {}, the dataset of a {}", header.agent, self.agent)];
        }
        if header.control_dt.to_bits() != self.control_dt.to_bits() {
            lines.push(format!(
                "control_dt: the episode has {} s, the dataset {} s",
                header.control_dt, self.control_dt
            ));
        }
        for (what, ours, theirs) in
            [("observation", &self.observation, &header.observation), ("action", &self.action, &header.action)]
        {
            if ours.hash() == theirs.hash() {
                continue;
            }
            let found = theirs.differences(ours);
            if found.is_empty() {
                lines.push(format!("{what}: the episode's layout is {}, the dataset's {}", theirs.name, ours.name));
            }
            lines.extend(found.iter().map(|d| format!("{what}: the dataset {d}")));
        }
        if header.terms != self.terms {
            lines.push(format!("reward terms: the episode has {:?}, the dataset {:?}", header.terms, self.terms));
        }
        lines
    }

    /// The columns of the data files, in order.
    pub fn features(&self) -> Features {
        let one = |name: &str, dtype| (name.to_owned(), FeatureSpec { dtype, shape: [1], names: None });
        let vector = |name: &str, layout: &Layout| {
            let spec = FeatureSpec { dtype: Dtype::Float, shape: [layout.size()], names: Some(layout.names()) };
            (name.to_owned(), spec)
        };
        let mut features = vec![vector("observation.state", &self.observation)];
        if !self.action.fields.is_empty() {
            features.push(vector("action", &self.action));
        }
        features.extend([
            one("next.reward", Dtype::Float),
            one("next.done", Dtype::Bool),
            one("next.success", Dtype::Bool),
        ]);
        features.extend(self.terms.iter().map(|term| one(&format!("reward.{term}"), Dtype::Float)));
        features.extend([
            one("state_hash", Dtype::Int),
            one("intervention", Dtype::Bool),
            one("timestamp", Dtype::Float),
            one("frame_index", Dtype::Int),
            one("episode_index", Dtype::Int),
            one("index", Dtype::Int),
            one("task_index", Dtype::Int),
        ]);
        Features(features)
    }
}

/// Named features in the order of the columns; serialized as a JSON object in the same order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Features(pub Vec<(String, FeatureSpec)>);

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, spec)| (name, spec)))
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(BTreeMap::deserialize(deserializer)?.into_iter().collect()))
    }
}

/// `meta/info.json`. Its counts define which episodes exist, so replacing it commits an append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// LeRobot's version of the format, `v3.0`.
    pub codebase_version: String,
    /// The kind of agent.
    pub robot_type: String,
    /// The number of episodes.
    pub total_episodes: usize,
    /// The number of ticks over all episodes (LeRobot's frames).
    pub total_frames: usize,
    /// The number of distinct task texts.
    pub total_tasks: usize,
    pub(super) chunks_size: usize,
    pub(super) data_files_size_in_mb: usize,
    pub(super) video_files_size_in_mb: usize,
    /// The control rate, ticks per second.
    pub fps: u32,
    pub(super) splits: BTreeMap<String, String>,
    pub(super) data_path: String,
    pub(super) video_path: Option<String>,
    pub(super) features: Features,
}

impl DatasetInfo {
    pub(super) fn new(schema: &DatasetSchema, fps: u32, episodes: usize, frames: usize, tasks: usize) -> Self {
        Self {
            codebase_version: VERSION.to_owned(),
            robot_type: schema.agent.clone(),
            total_episodes: episodes,
            total_frames: frames,
            total_tasks: tasks,
            chunks_size: CHUNK_SIZE,
            data_files_size_in_mb: 100,
            video_files_size_in_mb: 200,
            fps,
            splits: BTreeMap::from([("train".to_owned(), format!("0:{episodes}"))]),
            data_path: DATA_PATH.to_owned(),
            video_path: None,
            features: schema.features(),
        }
    }

    pub(super) fn path(dir: &Path) -> std::path::PathBuf {
        dir.join("meta/info.json")
    }

    /// Read the file and check that it equals what this build would write for the same counts.
    pub(super) fn read(dir: &Path, schema: &DatasetSchema, fps: u32) -> Result<Self, DatasetError> {
        let path = Self::path(dir);
        let mut info: Self = files::read_json(&path)?;
        if info.codebase_version != VERSION {
            let cause = format!("its codebase_version is {}, this build reads {VERSION}", info.codebase_version);
            return Err(DatasetError::malformed(&path, cause));
        }
        let expected = Self::new(schema, fps, info.total_episodes, info.total_frames, info.total_tasks);
        for (name, spec) in &expected.features.0 {
            match info.features.0.iter().find(|(other, _)| other == name) {
                None => return Err(DatasetError::inconsistent(&path, format!("feature {name} is missing"))),
                Some((_, found)) if found != spec => {
                    let cause = format!("feature {name} differs from sim/layouts.json");
                    return Err(DatasetError::inconsistent(&path, cause));
                }
                Some(_) => {}
            }
        }
        if info.features.0.len() != expected.features.0.len() {
            return Err(DatasetError::inconsistent(&path, "it lists features that sim/layouts.json does not have"));
        }
        info.features = expected.features.clone();
        if info != expected {
            let cause = "its fps, robot_type, splits, chunks_size or paths differ from those that this build writes";
            return Err(DatasetError::inconsistent(&path, cause));
        }
        if (info.total_episodes == 0) != (info.total_frames == 0) || info.total_tasks > info.total_episodes {
            return Err(DatasetError::inconsistent(&path, "its totals contradict each other"));
        }
        Ok(info)
    }
}
