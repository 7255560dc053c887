//! A folder of episodes in the LeRobotDataset v3.0 format.
//!
//! An append writes, in this order: the episode's data file, its files under `sim/`, `meta/tasks.parquet`, the last file
//! of `meta/episodes/`, `meta/stats.json`, and `meta/info.json`. Each is replaced whole, and the counts in `info.json`
//! say how much of the others is valid; whatever subset of them a crash leaves behind, the dataset is the old one until
//! `info.json` is in place. The next writer removes the rest.

use std::path::{Path, PathBuf};

use super::columns::{self, Columns};
use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files::{self, WriteLock};
use super::journal::new_recording_id;
use super::metadata::{self, EpisodeSummary, ROWS_PER_FILE, data_path};
use super::schema::{DatasetInfo, Features, Shared};
use super::sim_files;
use super::stats::{self, FeatureStats, Stats};

/// A dataset folder, open for reading and, from the first append on, locked for writing by this handle.
#[derive(Debug)]
pub struct Dataset {
    dir: PathBuf,
    state: State,
    writer: Option<Writer>,
}

/// What the metadata files say, valid as of `info`.
#[derive(Debug)]
struct State {
    shared: Shared,
    features: Features,
    info: DatasetInfo,
    rows: Vec<EpisodeSummary>,
    tasks: Vec<String>,
    stats: Option<Stats>,
}

#[derive(Debug)]
struct Writer {
    _lock: WriteLock,
    /// Statistics of the episodes in the last metadata file, which the next append rewrites.
    tail: Vec<Stats>,
}

impl Dataset {
    /// Open the dataset in `dir` for appending episodes like `header`'s, or begin one there.
    ///
    /// # Errors
    /// - [`DatasetError::Locked`] when another writer has the dataset.
    /// - [`DatasetError::Mismatch`] when the dataset holds episodes of another agent, rate, layout or reward terms.
    /// - [`DatasetError::Header`] when the header is not valid.
    /// - What [`Dataset::open`] returns for damaged files; [`DatasetError::Io`] when the folder cannot be written.
    pub fn create_or_open(dir: impl AsRef<Path>, header: &EpisodeHeader) -> Result<Self, DatasetError> {
        let dir = dir.as_ref();
        header.validate()?;
        if !DatasetInfo::path(dir).exists() {
            files::create_dir(dir)?;
            let _lock = WriteLock::acquire(dir)?;
            if !DatasetInfo::path(dir).exists() {
                begin(dir, header)?;
            }
        }
        let mut dataset = Self::open(dir)?;
        dataset.check_fits(header)?;
        dataset.begin_writing()?;
        Ok(dataset)
    }

    /// Open the dataset in `dir` for reading; an append locks it. Reads and checks all metadata, no ticks.
    ///
    /// # Errors
    /// - [`DatasetError::NoDataset`] when there is none.
    /// - [`DatasetError::Io`], [`DatasetError::Malformed`], [`DatasetError::Column`] when a metadata file cannot be
    ///   read.
    /// - [`DatasetError::Inconsistent`] when the metadata files contradict each other.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let dir = dir.as_ref().to_path_buf();
        let state = State::read(&dir)?;
        Ok(Self { dir, state, writer: None })
    }

    /// Read the metadata again, to see what another process has appended since.
    ///
    /// # Errors
    /// As [`Dataset::open`]; the dataset then stays as it was.
    pub fn reload(&mut self) -> Result<(), DatasetError> {
        self.state = State::read(&self.dir)?;
        Ok(())
    }

    /// Append an episode and return its number. It is on disk, whole, when this returns.
    ///
    /// # Errors
    /// - [`Episode::validate`]'s when the episode is not valid.
    /// - [`DatasetError::Mismatch`] when its agent, rate, layouts or reward terms are not the dataset's.
    /// - [`DatasetError::Locked`] when another writer has the dataset.
    /// - [`DatasetError::SceneConflict`] when its scene's hash already names another text.
    /// - [`DatasetError::Io`] when a file cannot be written; the dataset is then as it was.
    pub fn append(&mut self, episode: &Episode) -> Result<usize, DatasetError> {
        self.append_recording(episode, &new_recording_id())
    }

    /// As [`Dataset::append`], for a recording with an identity of its own (a journal's): one that the dataset already
    /// holds is not appended again, and its number is returned.
    ///
    /// # Errors
    /// As [`Dataset::append`].
    pub fn append_recording(&mut self, episode: &Episode, recording: &str) -> Result<usize, DatasetError> {
        episode.validate()?;
        self.check_fits(&episode.header)?;
        let mut writer = self.take_writer()?;
        let mut number = self.state.rows.iter().position(|row| row.recording == recording);
        if number.is_none() {
            // After an error the writer is not put back: the next append reads from disk what is true.
            self.state.append(&self.dir, &mut writer, episode, recording)?;
        }
        self.writer = Some(writer);
        Ok(*number.get_or_insert(self.state.rows.len() - 1))
    }

    /// Read one episode, checking every column.
    ///
    /// # Errors
    /// - [`DatasetError::NoEpisode`] when there is none of this number.
    /// - [`DatasetError::Io`], [`DatasetError::Malformed`], [`DatasetError::Column`] when one of its files cannot be
    ///   read or is not the one recorded.
    /// - [`DatasetError::Inconsistent`] when its rows are not the ticks that the metadata says.
    pub fn read(&self, episode: usize) -> Result<Episode, DatasetError> {
        let row = self.row(episode)?;
        let simulated = sim_files::read(&self.dir, episode, &row.recording)?;
        let differences = self.state.shared.differences(&simulated.0);
        if !differences.is_empty() {
            return Err(DatasetError::Mismatch { dir: self.dir.clone(), differences });
        }
        let task = self.state.tasks.iter().position(|t| *t == row.task);
        columns::read_episode(&data_path(&self.dir, episode), row, simulated, task, self.state.info.fps)
    }

    /// Read every episode, in order.
    ///
    /// # Errors
    /// As [`Dataset::read`], for the first episode that cannot be read.
    pub fn read_all(&self) -> Result<Vec<Episode>, DatasetError> {
        (0..self.len()).map(|episode| self.read(episode)).collect()
    }

    /// Read what training needs of all episodes into flat arrays.
    ///
    /// # Errors
    /// As [`Dataset::read`], except that the files under `sim/` are not looked at.
    pub fn columns(&self) -> Result<Columns, DatasetError> {
        columns::read_columns(&self.dir, &self.state.rows, &self.state.shared.observation, &self.state.shared.action)
    }

    /// How many episodes there are.
    pub fn len(&self) -> usize {
        self.state.rows.len()
    }

    /// Whether there are no episodes.
    pub fn is_empty(&self) -> bool {
        self.state.rows.is_empty()
    }

    /// How many ticks all episodes have together.
    pub fn total_ticks(&self) -> usize {
        self.state.info.total_frames
    }

    /// What is known of each episode without reading its data.
    pub fn summaries(&self) -> &[EpisodeSummary] {
        &self.state.rows
    }

    /// The contents of `meta/info.json`.
    pub fn info(&self) -> &DatasetInfo {
        &self.state.info
    }

    /// The dataset's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where recordings in progress lie.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// What each number of an observation means.
    pub fn observation(&self) -> &crate::spaces::Layout {
        &self.state.shared.observation
    }

    /// What each number of an action means.
    pub fn action(&self) -> &crate::spaces::Layout {
        &self.state.shared.action
    }

    /// Names of the reward's terms.
    pub fn terms(&self) -> &[String] {
        &self.state.shared.terms
    }

    /// The kind of agent.
    pub fn agent(&self) -> &str {
        &self.state.shared.agent
    }

    /// Seconds from one tick to the next.
    pub fn control_dt(&self) -> f32 {
        self.state.shared.control_dt
    }

    /// Check that episodes of this header belong here.
    ///
    /// # Errors
    /// [`DatasetError::Mismatch`] with a line for each difference.
    pub fn check_fits(&self, header: &EpisodeHeader) -> Result<(), DatasetError> {
        match self.state.shared.differences(header) {
            lines if lines.is_empty() => Ok(()),
            differences => Err(DatasetError::Mismatch { dir: self.dir.clone(), differences }),
        }
    }

    fn row(&self, episode: usize) -> Result<&EpisodeSummary, DatasetError> {
        self.state.rows.get(episode).ok_or_else(|| DatasetError::NoEpisode {
            dir: self.dir.clone(),
            episode,
            episodes: self.len(),
        })
    }

    /// Take the lock and remove what an append that did not come to its end has left.
    pub(super) fn begin_writing(&mut self) -> Result<(), DatasetError> {
        self.writer = Some(self.take_writer()?);
        Ok(())
    }

    fn take_writer(&mut self) -> Result<Writer, DatasetError> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        let lock = WriteLock::acquire(&self.dir)?;
        self.reload()?;
        Ok(Writer { _lock: lock, tail: self.state.repair(&self.dir)? })
    }
}

/// Write an empty dataset's metadata. Holds the lock.
fn begin(dir: &Path, header: &EpisodeHeader) -> Result<(), DatasetError> {
    if data_path(dir, 0).exists() {
        let cause = "the file is missing, but there are episodes under data/";
        return Err(DatasetError::inconsistent(DatasetInfo::path(dir), cause));
    }
    let shared = Shared::of(header);
    files::write_json(&Shared::path(dir), &shared)?;
    let fps = super::episode::ticks_per_second(header.control_dt).map_err(|cause| DatasetError::Header { cause })?;
    files::write_json(&DatasetInfo::path(dir), &DatasetInfo::new(&shared, fps, 0, 0, 0))
}

impl State {
    fn read(dir: &Path) -> Result<Self, DatasetError> {
        if !DatasetInfo::path(dir).exists() {
            return Err(DatasetError::NoDataset { dir: dir.to_path_buf() });
        }
        let (shared, fps) = Shared::read(dir)?;
        let info = DatasetInfo::read(dir, &shared, fps)?;
        let features = shared.features();
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
        let mut state = Self { shared, features, info, rows, tasks, stats: None };
        if !state.rows.is_empty() {
            let stored = stats::read(dir, &state.features)?;
            let current = stored.iter().all(|feature| feature.count == ticks);
            state.stats = if current { Some(stored) } else { state.merged_stats(dir)? };
        }
        Ok(state)
    }

    /// The dataset's statistics from the episodes': for when `stats.json` is ahead of `info.json`.
    fn merged_stats(&self, dir: &Path) -> Result<Option<Stats>, DatasetError> {
        let mut total = None;
        for first in (0..self.rows.len()).step_by(ROWS_PER_FILE) {
            let rows = &self.rows[first..self.rows.len().min(first + ROWS_PER_FILE)];
            let episodes = metadata::read_stats(dir, &self.features, rows)?;
            episodes.iter().for_each(|episode| stats::merge(&mut total, episode));
        }
        Ok(total)
    }

    /// Bring the files into the state that `info.json` says, so that other readers see it too. Returns the statistics
    /// of the episodes in the last metadata file. Holds the lock.
    fn repair(&self, dir: &Path) -> Result<Vec<Stats>, DatasetError> {
        let next = self.rows.len();
        if data_path(dir, next + 1).exists() {
            let cause = format!("it counts {next} episodes, but data/ holds more than the next one too");
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
            // Last: while it is there, a repair that is cut off is done again.
            files::remove(&data_path(dir, next))?;
        }
        Ok(tail)
    }

    /// Write an episode; see the module's documentation for the order. Changes `self` only after the commit.
    fn append(
        &mut self,
        dir: &Path,
        writer: &mut Writer,
        episode: &Episode,
        recording: &str,
    ) -> Result<(), DatasetError> {
        let number = self.rows.len();
        let task = self.tasks.iter().position(|t| *t == episode.header.task);
        let mut tasks = self.tasks.clone();
        let task = task.unwrap_or_else(|| {
            tasks.push(episode.header.task.clone());
            tasks.len() - 1
        });
        let ticks = self.info.total_frames;
        let data = columns::of_episode(episode, number, ticks, task, self.info.fps);
        let own: Stats = data.iter().filter_map(|(_, column)| FeatureStats::of(column)).collect();
        let data_hash = columns::write(&data_path(dir, number), data)?;
        sim_files::write(dir, number, recording, episode)?;
        if tasks.len() > self.tasks.len() {
            metadata::write_tasks(dir, &tasks)?;
        }
        let row = EpisodeSummary {
            episode: number,
            length: episode.len(),
            task: episode.header.task.clone(),
            scene: episode.header.scene.clone(),
            operator: episode.header.operator.clone(),
            seed: episode.header.seed,
            success: episode.succeeded(),
            total_reward: episode.total_reward(),
            interventions: episode.interventions.iter().filter(|i| **i).count(),
            recording: recording.to_owned(),
            first_index: ticks,
            data_hash,
        };
        let mut total = self.stats.clone();
        stats::merge(&mut total, &own);
        if number.is_multiple_of(ROWS_PER_FILE) {
            writer.tail.clear();
        }
        writer.tail.push(own);
        let mut rows = self.rows[number - number % ROWS_PER_FILE..].to_vec();
        rows.push(row.clone());
        metadata::write_rows(dir, &self.features, &rows, &writer.tail)?;
        if let Some(total) = &total {
            stats::write(dir, &self.features, total)?;
        }
        let info = DatasetInfo::new(&self.shared, self.info.fps, number + 1, ticks + episode.len(), tasks.len());
        files::write_json(&DatasetInfo::path(dir), &info)?;
        self.rows.push(row);
        (self.info, self.tasks, self.stats) = (info, tasks, total);
        Ok(())
    }
}
