//! A folder of episodes in the LeRobotDataset v3.0 format.
//!
//! An append writes, in this order: the episode's data file, its files under `sim/`, `meta/tasks.parquet`, the last file
//! of `meta/episodes/`, `meta/stats.json`, and `meta/info.json`. Each file is replaced atomically. Replacing `info.json`
//! commits the append: its counts state how many episodes, ticks and tasks of the other files are valid. After a crash
//! before the commit, whatever subset of the files was written, the dataset reads as before the append. The next writer
//! removes the leftovers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::columns::{self, Columns};
use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files;
use super::journal::{journal_dir, new_recording_id};
use super::metadata::{self, EpisodePosition, EpisodeSummary, ROWS_PER_FILE, data_path};
use super::schema::{DatasetInfo, DatasetSchema, Features};
use super::sim_files;
use super::staging;
use super::stats::{self, FeatureStats, Stats};
use crate::storage::LockFile;

/// An open dataset folder. The first append locks the folder for writing by this handle.
#[derive(Debug)]
pub struct Dataset {
    dir: PathBuf,
    pub(super) metadata: DatasetMetadata,
    writer: Option<Writer>,
}

/// The contents of the metadata files, truncated to the counts in `info`.
#[derive(Debug)]
pub(super) struct DatasetMetadata {
    pub schema: DatasetSchema,
    pub features: Features,
    info: DatasetInfo,
    pub rows: Vec<EpisodeSummary>,
    tasks: Vec<String>,
    stats: Option<Stats>,
}

#[derive(Debug)]
pub(super) struct Writer {
    _lock: LockFile,
    /// Statistics of each episode in the last metadata file, which the next append rewrites.
    tail: Vec<Stats>,
}

impl Dataset {
    /// Open the dataset in `dir` for writing, or create an empty one for episodes with the schema of `header`.
    ///
    /// # Errors
    /// - [`DatasetError::Locked`] when another writer holds the lock.
    /// - [`DatasetError::Mismatch`] when the dataset has another agent, control rate, layout or reward terms.
    /// - [`DatasetError::Header`] when the header is not valid.
    /// - The errors of [`Dataset::open`] for damaged files; [`DatasetError::Io`] when the folder cannot be written.
    pub fn create_or_open(dir: impl AsRef<Path>, header: &EpisodeHeader) -> Result<Self, DatasetError> {
        let dir = dir.as_ref();
        header.validate()?;
        if !DatasetInfo::path(dir).exists() {
            files::create_dir(dir)?;
            let _lock = files::lock(dir)?;
            staging::complete(dir)?;
            if !DatasetInfo::path(dir).exists() {
                create_empty(dir, header)?;
            }
        }
        let mut dataset = Self::open(dir)?;
        dataset.check_fits(header)?;
        dataset.begin_writing()?;
        Ok(dataset)
    }

    /// Open the dataset in `dir` for reading; an append locks it. Reads and checks all metadata, but no data file.
    ///
    /// # Errors
    /// - [`DatasetError::NoDataset`] when `meta/info.json` does not exist.
    /// - [`DatasetError::Io`], [`DatasetError::Malformed`], [`DatasetError::Column`] when a metadata file cannot be
    ///   read.
    /// - [`DatasetError::Inconsistent`] when the metadata files contradict each other.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let dir = dir.as_ref().to_path_buf();
        let metadata = DatasetMetadata::read(&dir)?;
        Ok(Self { dir, metadata, writer: None })
    }

    /// Read the metadata again, to see the episodes that another process has appended.
    ///
    /// # Errors
    /// As [`Dataset::open`]; this handle is then unchanged.
    pub fn reload(&mut self) -> Result<(), DatasetError> {
        self.metadata = DatasetMetadata::read(&self.dir)?;
        Ok(())
    }

    /// Append an episode and return its index. The episode is durable on disk when this returns.
    ///
    /// # Errors
    /// - The errors of [`Episode::validate`] when the episode is not valid.
    /// - [`DatasetError::Mismatch`] when its agent, control rate, layouts or reward terms differ from the dataset's.
    /// - [`DatasetError::Locked`] when another writer holds the lock.
    /// - [`DatasetError::SceneConflict`] when the dataset already holds another scene text under the same hash.
    /// - [`DatasetError::Io`] when a file cannot be written; the dataset is then unchanged.
    pub fn append(&mut self, episode: &Episode) -> Result<usize, DatasetError> {
        self.append_recording(episode, &new_recording_id())
    }

    /// As [`Dataset::append`], for a recording that has an ID (from its journal). If the dataset already holds this
    /// recording, it is not appended again and the index of the existing episode is returned.
    ///
    /// # Errors
    /// As [`Dataset::append`].
    pub fn append_recording(&mut self, episode: &Episode, recording: &str) -> Result<usize, DatasetError> {
        episode.validate()?;
        self.check_fits(&episode.header)?;
        let mut writer = self.take_writer()?;
        let mut index = self.metadata.rows.iter().position(|row| row.recording == recording);
        if index.is_none() {
            // After an error the writer is dropped: the next append reads the metadata from disk again.
            self.metadata.append(&self.dir, &mut writer, episode, recording)?;
        }
        self.writer = Some(writer);
        Ok(*index.get_or_insert(self.metadata.rows.len() - 1))
    }

    /// Read one episode, checking every column.
    ///
    /// # Errors
    /// - [`DatasetError::NoEpisode`] when there is no episode of this index.
    /// - [`DatasetError::Io`], [`DatasetError::Malformed`], [`DatasetError::Column`] when one of its files cannot be
    ///   read or does not have the recorded hash.
    /// - [`DatasetError::Inconsistent`] when its rows contradict the metadata.
    pub fn read(&self, episode: usize) -> Result<Episode, DatasetError> {
        let row = self.row(episode)?;
        let simulation = sim_files::read(&self.dir, episode, &row.recording)?;
        let differences = self.metadata.schema.differences(&simulation.header);
        if !differences.is_empty() {
            return Err(DatasetError::Mismatch { dir: self.dir.clone(), differences });
        }
        let task_index = self.metadata.task_index(row);
        columns::read_episode(&data_path(&self.dir, episode), row, simulation, task_index, self.metadata.info.fps)
    }

    /// Read every episode, in order.
    ///
    /// # Errors
    /// As [`Dataset::read`], for the first episode that cannot be read.
    pub fn read_all(&self) -> Result<Vec<Episode>, DatasetError> {
        (0..self.len()).map(|episode| self.read(episode)).collect()
    }

    /// Read the columns that training needs, of all episodes, into flat arrays.
    ///
    /// # Errors
    /// As [`Dataset::read`], except that the files under `sim/` are not read.
    pub fn columns(&self) -> Result<Columns, DatasetError> {
        let DatasetMetadata { schema, rows, .. } = &self.metadata;
        columns::read_columns(&self.dir, rows, &schema.observation, &schema.action)
    }

    /// The number of episodes.
    pub fn len(&self) -> usize {
        self.metadata.rows.len()
    }

    /// Whether there are no episodes.
    pub fn is_empty(&self) -> bool {
        self.metadata.rows.is_empty()
    }

    /// The number of ticks over all episodes.
    pub fn total_ticks(&self) -> usize {
        self.metadata.info.total_frames
    }

    /// A summary of each episode, known without reading its data file.
    pub fn summaries(&self) -> &[EpisodeSummary] {
        &self.metadata.rows
    }

    /// The contents of `meta/info.json`.
    pub fn info(&self) -> &DatasetInfo {
        &self.metadata.info
    }

    /// The dataset's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the journals of recordings in progress.
    pub fn journal_dir(&self) -> PathBuf {
        journal_dir(&self.dir)
    }

    /// The observation layout.
    pub fn observation(&self) -> &crate::spaces::Layout {
        &self.metadata.schema.observation
    }

    /// The action layout; without fields in a dataset of observations only.
    pub fn action(&self) -> &crate::spaces::Layout {
        &self.metadata.schema.action
    }

    /// Names of the reward terms.
    pub fn terms(&self) -> &[String] {
        &self.metadata.schema.terms
    }

    /// The kind of agent.
    pub fn agent(&self) -> &str {
        &self.metadata.schema.agent
    }

    /// The control timestep: seconds between two ticks.
    pub fn control_dt(&self) -> f32 {
        self.metadata.schema.control_dt
    }

    /// Check that episodes with this header have the dataset's schema.
    ///
    /// # Errors
    /// [`DatasetError::Mismatch`] with a line for each difference.
    pub fn check_fits(&self, header: &EpisodeHeader) -> Result<(), DatasetError> {
        match self.metadata.schema.differences(header) {
            lines if lines.is_empty() => Ok(()),
            differences => Err(DatasetError::Mismatch { dir: self.dir.clone(), differences }),
        }
    }

    pub(super) fn row(&self, episode: usize) -> Result<&EpisodeSummary, DatasetError> {
        self.metadata.rows.get(episode).ok_or_else(|| DatasetError::NoEpisode {
            dir: self.dir.clone(),
            episode,
            episodes: self.len(),
        })
    }

    /// Acquire the write lock and remove the leftovers of an interrupted append.
    pub(super) fn begin_writing(&mut self) -> Result<(), DatasetError> {
        self.writer = Some(self.take_writer()?);
        Ok(())
    }

    /// The writer, with the lock. Whoever takes it gives it back with [`Dataset::give_writer`], or releases the lock.
    pub(super) fn take_writer(&mut self) -> Result<Writer, DatasetError> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        let lock = files::lock(&self.dir)?;
        staging::complete(&self.dir)?;
        self.reload()?;
        Ok(Writer { _lock: lock, tail: self.metadata.repair(&self.dir)? })
    }

    /// Give the writer back after an edit of the files.
    pub(super) fn give_writer(&mut self, mut writer: Writer) -> Result<(), DatasetError> {
        self.reload()?;
        writer.tail = self.metadata.repair(&self.dir)?;
        self.writer = Some(writer);
        Ok(())
    }
}

/// How often a reader reads the metadata again that a writer has replaced while it was read.
const READ_ATTEMPTS: usize = 20;
/// The time between two attempts.
const READ_PAUSE: Duration = Duration::from_millis(10);

/// Write the metadata of an empty dataset. The caller holds the lock.
fn create_empty(dir: &Path, header: &EpisodeHeader) -> Result<(), DatasetError> {
    check_no_episodes(dir)?;
    let schema = DatasetSchema::from_header(header);
    files::write_json(&DatasetSchema::path(dir), &schema)?;
    let fps = super::episode::ticks_per_second(header.control_dt).map_err(|cause| DatasetError::Header { cause })?;
    files::write_json(&DatasetInfo::path(dir), &DatasetInfo::new(&schema, fps, 0, 0, 0))
}

/// Check that a folder without `meta/info.json` has no episodes.
fn check_no_episodes(dir: &Path) -> Result<(), DatasetError> {
    if data_path(dir, 0).exists() || metadata::rows_path(dir, 0).exists() {
        let cause = "the file is missing, but there are episodes under data/";
        return Err(DatasetError::inconsistent(DatasetInfo::path(dir), cause));
    }
    Ok(())
}

impl DatasetMetadata {
    /// Read the metadata, all files of the same state of the dataset: if a writer has replaced `info.json` meanwhile, read
    /// them again.
    fn read(dir: &Path) -> Result<Self, DatasetError> {
        let path = DatasetInfo::path(dir);
        for _ in 1..READ_ATTEMPTS {
            staging::await_completion(dir)?;
            let before = files::read_bytes(&path).ok();
            let metadata = Self::read_once(dir);
            if !staging::is_pending(dir) && files::read_bytes(&path).ok() == before {
                return metadata;
            }
            std::thread::sleep(READ_PAUSE);
        }
        Self::read_once(dir)
    }

    /// The index of an episode's task.
    pub fn task_index(&self, row: &EpisodeSummary) -> usize {
        self.tasks.iter().position(|task| *task == row.task).unwrap_or(self.tasks.len())
    }

    fn read_once(dir: &Path) -> Result<Self, DatasetError> {
        if !DatasetInfo::path(dir).exists() {
            check_no_episodes(dir)?;
            return Err(DatasetError::NoDataset { dir: dir.to_path_buf() });
        }
        let (schema, fps) = DatasetSchema::read(dir)?;
        let info = DatasetInfo::read(dir, &schema, fps)?;
        let features = schema.features();
        let tasks = metadata::read_tasks(dir, info.total_tasks)?;
        let rows = metadata::read_rows(dir, info.total_episodes)?;
        let ticks: usize = rows.iter().map(|row| row.length).sum();
        if ticks != info.total_frames {
            let cause = format!("it counts {} ticks, meta/episodes has {ticks}", info.total_frames);
            return Err(DatasetError::inconsistent(DatasetInfo::path(dir), cause));
        }
        if let Some(row) = rows.iter().find(|row| !tasks.contains(&row.task)) {
            let cause = format!("the task of episode {} is missing", row.episode);
            return Err(DatasetError::inconsistent(metadata::tasks_path(dir), cause));
        }
        let mut metadata = Self { schema, features, info, rows, tasks, stats: None };
        if !metadata.rows.is_empty() {
            let stored = stats::read(dir, &metadata.features)?;
            let is_current = stored.iter().all(|feature| feature.count == ticks);
            metadata.stats = if is_current { Some(stored) } else { metadata.merged_stats(dir)? };
        }
        Ok(metadata)
    }

    /// The dataset's statistics, merged from those of the episodes. Needed when a crash left a `stats.json` that already
    /// counts an episode that `info.json` does not.
    pub fn merged_stats(&self, dir: &Path) -> Result<Option<Stats>, DatasetError> {
        let mut total = None;
        for first in (0..self.rows.len()).step_by(ROWS_PER_FILE) {
            let rows = &self.rows[first..self.rows.len().min(first + ROWS_PER_FILE)];
            let episodes = metadata::read_stats(dir, &self.features, rows)?;
            episodes.iter().for_each(|episode| stats::merge(&mut total, episode));
        }
        Ok(total)
    }

    /// Restore all files to the state that `info.json` counts, so that other readers see it too. Returns the statistics
    /// of the episodes in the last metadata file. The caller holds the lock.
    fn repair(&self, dir: &Path) -> Result<Vec<Stats>, DatasetError> {
        let next = self.rows.len();
        if data_path(dir, next + 1).exists() {
            let cause = format!("it counts {next} episodes, but data/ has a file for episode {}", next + 1);
            return Err(DatasetError::inconsistent(DatasetInfo::path(dir), cause));
        }
        let tail_start = next - next % ROWS_PER_FILE;
        let tail = metadata::read_stats(dir, &self.features, &self.rows[tail_start..])?;
        for path in [data_path(dir, next), metadata::rows_path(dir, next / ROWS_PER_FILE)] {
            if let Some(folder) = path.parent() {
                files::remove_partials(folder)?;
            }
        }
        for folder in ["meta", "sim", "sim/scenes"] {
            files::remove_partials(&dir.join(folder))?;
        }
        if data_path(dir, next).exists() {
            sim_files::remove(dir, next)?;
            if tail.is_empty() {
                files::remove(&metadata::rows_path(dir, next / ROWS_PER_FILE))?;
            }
            metadata::write_rows(dir, &self.features, &self.rows[tail_start..], &tail)?;
            if !self.tasks.is_empty() {
                metadata::write_tasks(dir, &self.tasks)?;
            }
            if let Some(total) = &self.stats {
                stats::write(dir, &self.features, total)?;
            }
            // Last: an interrupted repair runs again as long as this file exists.
            files::remove(&data_path(dir, next))?;
        }
        Ok(tail)
    }

    /// Write an episode in the order that the module documentation gives. `self` changes only after the commit.
    fn append(
        &mut self,
        dir: &Path,
        writer: &mut Writer,
        episode: &Episode,
        recording: &str,
    ) -> Result<(), DatasetError> {
        let index = self.rows.len();
        let known_task = self.tasks.iter().position(|t| *t == episode.header.task);
        let mut tasks = self.tasks.clone();
        let task_index = known_task.unwrap_or_else(|| {
            tasks.push(episode.header.task.clone());
            tasks.len() - 1
        });
        let ticks = self.info.total_frames;
        let position = EpisodePosition { episode_index: index, dataset_from_index: ticks, task_index };
        let data = columns::episode_columns(episode, &position, self.info.fps);
        let episode_stats: Stats = data.iter().filter_map(|(_, column)| FeatureStats::of(column)).collect();
        let data_hash = columns::write(&data_path(dir, index), data)?;
        sim_files::write(dir, index, recording, episode)?;
        if tasks.len() > self.tasks.len() {
            metadata::write_tasks(dir, &tasks)?;
        }
        let row = EpisodeSummary::new(episode, recording, &position, data_hash);
        let mut total = self.stats.clone();
        stats::merge(&mut total, &episode_stats);
        if index.is_multiple_of(ROWS_PER_FILE) {
            writer.tail.clear();
        }
        writer.tail.push(episode_stats);
        let mut rows = self.rows[index - index % ROWS_PER_FILE..].to_vec();
        rows.push(row.clone());
        metadata::write_rows(dir, &self.features, &rows, &writer.tail)?;
        if let Some(total) = &total {
            stats::write(dir, &self.features, total)?;
        }
        let info = DatasetInfo::new(&self.schema, self.info.fps, index + 1, ticks + episode.len(), tasks.len());
        files::write_json(&DatasetInfo::path(dir), &info)?;
        self.rows.push(row);
        (self.info, self.tasks, self.stats) = (info, tasks, total);
        Ok(())
    }
}
