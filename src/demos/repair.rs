//! Repairing a dataset that lost files: the episodes that can be read stay, the metadata is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::columns;
use super::dataset::Dataset;
use super::episode::Episode;
use super::error::DatasetError;
use super::files;
use super::metadata::{self, EpisodePosition, EpisodeSummary, data_path};
use super::schema::{DatasetInfo, DatasetSchema};
use super::sim_files;
use super::staging::{self, Staging};
use super::stats;
use super::table::Table;
use crate::scenes::{builtin_names, find};

/// The folder for what is left of damaged files.
const REMAINS: &str = "damaged";

/// The result of [`repair`].
#[derive(Debug, Default)]
pub struct RepairReport {
    /// The number of episodes in the repaired dataset.
    pub kept: usize,
    /// The number of their ticks.
    pub ticks: usize,
    /// The episodes that could not be read: their former number, and the error, which names the file.
    pub lost: Vec<(usize, DatasetError)>,
    /// The errors of other files, which were written anew.
    pub rebuilt: Vec<DatasetError>,
    /// Whether the hashes of some data files were lost, so that only a replay can find a change in them.
    pub unverified: bool,
    /// The folder to which the damaged files, and the other files of the lost episodes, were copied.
    pub remains: Option<PathBuf>,
}

impl RepairReport {
    /// Whether nothing was damaged, so that nothing was changed.
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.rebuilt.is_empty()
    }
}

/// Repair the dataset in `dir`, in place: keep every episode whose files can be read, numbered anew, and write the metadata
/// from them. The text of a built-in scene is restored from the program. A crash leaves the old or the new dataset.
///
/// # Errors
/// - [`DatasetError::NoDataset`] when the folder has no file of a dataset.
/// - [`DatasetError::Locked`] when another writer holds the lock.
/// - [`DatasetError::Unrepairable`] when no episode can be read.
/// - [`DatasetError::Io`] when a file cannot be written. The dataset is then unchanged.
pub fn repair(dir: impl AsRef<Path>) -> Result<RepairReport, DatasetError> {
    let dir = dir.as_ref();
    if !DatasetInfo::path(dir).exists() && !["data", "sim", "meta"].iter().all(|part| dir.join(part).is_dir()) {
        return Err(DatasetError::NoDataset { dir: dir.to_path_buf() });
    }
    let _lock = files::lock(dir)?;
    staging::complete(dir)?;
    let first = match verify(dir) {
        Ok((kept, ticks)) => return Ok(RepairReport { kept, ticks, ..RepairReport::default() }),
        Err(error) => error,
    };
    let damaged = Damaged::read(dir)?;
    let schema = match damaged.schema {
        Some(schema) => schema,
        None => return Err(unrepairable(dir, first)),
    };
    let mut report = RepairReport { rebuilt: damaged.errors, ..RepairReport::default() };
    let mut staging = Staging::edit(dir, schema.clone())?;
    let (mut recordings, mut scenes, mut unreadable) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for index in damaged.episodes {
        let found = match read_episode(dir, index, damaged.rows.get(&index), &schema) {
            Ok(found) => found,
            Err(error) => {
                unreadable.push(index);
                // Beyond the counted episodes are the files of an interrupted append, whose journal still exists.
                if damaged.total.is_none_or(|total| index < total) {
                    report.lost.push((index, error));
                }
                continue;
            }
        };
        if !recordings.insert(found.recording.clone()) {
            continue;
        }
        scenes.insert(found.episode.header.scene_hash);
        let in_place = found.restored_scene.is_none() && staging.stays(&found.row, found.task_index);
        report.unverified |= !damaged.rows.contains_key(&index);
        report.rebuilt.extend(found.restored_scene);
        if in_place {
            staging.keep_episode(&found.episode, &found.recording, found.row.data_hash);
        } else {
            staging.push(&found.episode, &found.recording)?;
        }
    }
    (report.kept, report.ticks) = (staging.len(), staging.ticks());
    if report.kept == 0 {
        let cause = report.lost.into_iter().next().map_or(first, |(_, error)| error);
        return Err(unrepairable(dir, cause));
    }
    if report.is_whole() {
        report.rebuilt.push(first);
    }
    // Scenes of lost episodes only; a damaged one would prevent that others with this scene are appended. They are removed
    // before the commit: after a crash in between, the next repair finds the same episodes lost.
    let unused = sim_files::other_scenes(dir, &scenes)?;
    report.remains = keep_remains(dir, &unreadable, [damaged.files, unused.clone()].concat())?;
    unused.iter().try_for_each(|path| files::remove(path))?;
    staging.commit(dir)?;
    Ok(report)
}

fn unrepairable(dir: &Path, cause: DatasetError) -> DatasetError {
    DatasetError::Unrepairable { dir: dir.to_path_buf(), cause: Box::new(cause) }
}

/// Read everything; returns the number of episodes and of ticks.
fn verify(dir: &Path) -> Result<(usize, usize), DatasetError> {
    let dataset = Dataset::open(dir)?;
    dataset.metadata.merged_stats(dir)?;
    (0..dataset.len()).try_for_each(|episode| dataset.read(episode).map(drop))?;
    Ok((dataset.len(), dataset.total_ticks()))
}

/// What can be read of the metadata.
struct Damaged {
    schema: Option<DatasetSchema>,
    /// The number of episodes by `info.json`.
    total: Option<usize>,
    rows: BTreeMap<usize, EpisodeSummary>,
    /// The episodes of which there is a row or a file.
    episodes: BTreeSet<usize>,
    /// The errors of the files that cannot be read.
    errors: Vec<DatasetError>,
    /// Those of them that exist.
    files: Vec<PathBuf>,
}

impl Damaged {
    fn read(dir: &Path) -> Result<Self, DatasetError> {
        let mut found = Self {
            schema: None,
            total: None,
            rows: BTreeMap::new(),
            episodes: sim_files::episodes(dir)?.into_iter().collect(),
            errors: Vec::new(),
            files: Vec::new(),
        };
        found.episodes.extend(metadata::data_files(dir)?.into_iter().map(|(index, _)| index));
        let stored = found.noting(&DatasetSchema::path(dir), DatasetSchema::read(dir));
        let of_episode = || found.episodes.iter().find_map(|episode| sim_files::schema(dir, *episode).ok());
        found.schema = stored.as_ref().map(|(schema, _)| schema.clone()).or_else(of_episode);
        for (_, path) in metadata::rows_files(dir)? {
            let rows = metadata::read_file_rows(&path);
            let rows = found.noting(&path, rows).unwrap_or_default();
            found.rows.extend(rows.into_iter().map(|row| (row.episode, row)));
        }
        let path = DatasetInfo::path(dir);
        if let Some((schema, fps)) = stored {
            let info = found.noting(&path, DatasetInfo::read(dir, &schema, fps));
            found.total = info.map(|info| info.total_episodes);
            let features = schema.features();
            let stats = stats::read(dir, &features);
            found.noting(&stats::path(dir), stats);
        }
        let tasks = Table::read(&metadata::tasks_path(dir), |_| true);
        found.noting(&metadata::tasks_path(dir), tasks);
        if let Some(total) = found.total {
            found.rows.retain(|episode, _| *episode < total);
        }
        found.episodes.extend(found.rows.keys());
        Ok(found)
    }

    /// The value; an error is noted, with the file if it exists.
    fn noting<T>(&mut self, path: &Path, value: Result<T, DatasetError>) -> Option<T> {
        value
            .map_err(|error| {
                self.files.extend(path.is_file().then(|| path.to_path_buf()));
                self.errors.push(error);
            })
            .ok()
    }
}

/// An episode that can be read.
struct FoundEpisode {
    episode: Episode,
    recording: String,
    row: EpisodeSummary,
    task_index: usize,
    restored_scene: Option<DatasetError>,
}

/// Read an episode, by its row of the metadata if there is one.
fn read_episode(
    dir: &Path,
    index: usize,
    row: Option<&EpisodeSummary>,
    schema: &DatasetSchema,
) -> Result<FoundEpisode, DatasetError> {
    let path = data_path(dir, index);
    let data_hash = files::hash_file(&path)?;
    let scene_text =
        |name: &str| builtin_names().find(|known| *known == name).and_then(|name| Some(find(name).ok()?.text));
    let found = sim_files::read_with(dir, index, scene_text)?;
    let differences = schema.differences(&found.data.header);
    if !differences.is_empty() {
        return Err(DatasetError::Mismatch { dir: dir.to_path_buf(), differences });
    }
    let (EpisodePosition { dataset_from_index, task_index, .. }, length) = columns::position_in_file(&path)?;
    let row = match row {
        Some(row) if row.recording == found.recording => row.clone(),
        Some(row) => {
            let cause =
                format!("its recording is {}, but in the files of the episode {}", row.recording, found.recording);
            return Err(DatasetError::inconsistent(metadata::rows_path(dir, index / metadata::ROWS_PER_FILE), cause));
        }
        None => EpisodeSummary {
            episode: index,
            length,
            task: found.data.header.task.clone(),
            scene: found.data.header.scene.clone(),
            operator: found.data.header.operator.clone(),
            seed: found.data.header.seed,
            success: false,
            total_reward: 0.0,
            interventions: 0,
            recording: found.recording.clone(),
            dataset_from_index,
            data_hash,
        },
    };
    let fps = super::episode::ticks_per_second(schema.control_dt).map_err(|cause| DatasetError::Header { cause })?;
    let episode = columns::read_episode(&path, &row, found.data, task_index, fps)?;
    let (recording, restored_scene) = (found.recording, found.restored_scene);
    Ok(FoundEpisode { episode, recording, row, task_index, restored_scene })
}

/// Copy the damaged files, and what there is of the unreadable episodes, into a new folder under `damaged/`.
fn keep_remains(dir: &Path, episodes: &[usize], damaged: Vec<PathBuf>) -> Result<Option<PathBuf>, DatasetError> {
    let of_episode = |index: &usize| {
        let [record, snapshot, others] = sim_files::paths(dir, *index);
        [data_path(dir, *index), record, snapshot, others]
    };
    let paths = damaged.into_iter().chain(episodes.iter().flat_map(of_episode));
    let paths: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    let folder = (1..).map(|n| dir.join(REMAINS).join(format!("{n}"))).find(|folder| !folder.exists());
    let Some(folder) = folder.filter(|_| !paths.is_empty()) else { return Ok(None) };
    for path in paths {
        let target = folder.join(path.strip_prefix(dir).unwrap_or(&path));
        files::write_atomic(&target, &files::read_bytes(&path)?)?;
    }
    Ok(Some(folder))
}
