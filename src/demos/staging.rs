//! Replacing the contents of a dataset: the new contents are there whole, or not at all.
//!
//! The files that change are written into the folder `.edit.partial/`, each under its path in the dataset. Renaming that
//! folder to `.edit/` commits the edit. Then the files are moved to their places; `meta/info.json` is removed first and
//! written last, so that no other program reads a mixture. Whoever opens a dataset with a committed edit completes it.
//! A new dataset is written in the same way beside its destination, and renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::columns;
use super::episode::{Episode, ticks_per_second};
use super::error::DatasetError;
use super::files;
use super::metadata::{self, EpisodePosition, EpisodeSummary, ROWS_PER_FILE, data_path, rows_path};
use super::schema::{DatasetInfo, DatasetSchema, Features};
use super::sim_files;
use super::stats::{self, FeatureStats, Stats};
use super::table::Column;

/// The folder of an edit that is not committed.
const PARTIAL: &str = ".edit.partial";
/// The folder of a committed edit.
const COMMITTED: &str = ".edit";
/// How long a reader waits for the process that completes an edit. Moving the files takes a fraction of it.
const COMPLETION_WAIT: Duration = Duration::from_secs(10);

/// New contents of a dataset, episode by episode. Dropping it before it is committed removes what was written.
pub(super) struct Staging {
    /// The folder that is written.
    folder: PathBuf,
    schema: DatasetSchema,
    features: Features,
    fps: u32,
    rows: Vec<EpisodeSummary>,
    stats: Vec<Stats>,
    tasks: Vec<String>,
    ticks: usize,
}

impl Staging {
    /// New contents for the dataset in `dir`, whose lock the caller holds.
    pub fn edit(dir: &Path, schema: DatasetSchema) -> Result<Self, DatasetError> {
        // What is left of a completed edit: empty folders.
        files::remove_all(&dir.join(COMMITTED))?;
        Self::in_folder(dir.join(PARTIAL), schema)
    }

    /// A new dataset, written in `folder`.
    pub fn in_folder(folder: PathBuf, schema: DatasetSchema) -> Result<Self, DatasetError> {
        let fps = ticks_per_second(schema.control_dt).map_err(|cause| DatasetError::Header { cause })?;
        files::remove_all(&folder)?;
        files::create_dir(&folder)?;
        let (rows, stats, tasks) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { folder, features: schema.features(), schema, fps, rows, stats, tasks, ticks: 0 })
    }

    /// The number of episodes.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number of ticks over all episodes.
    pub fn ticks(&self) -> usize {
        self.ticks
    }

    /// Whether an episode of the edited dataset keeps its place, so that none of its files changes.
    pub fn stays(&self, row: &EpisodeSummary, task_index: usize) -> bool {
        let task = self.tasks.iter().position(|task| *task == row.task).unwrap_or(self.tasks.len());
        row.episode == self.rows.len() && row.dataset_from_index == self.ticks && task_index == task
    }

    /// Add an episode that [`stays`](Self::stays).
    pub fn keep(&mut self, row: EpisodeSummary, stats: Stats) {
        self.task_index(&row.task);
        self.ticks += row.length;
        self.rows.push(row);
        self.stats.push(stats);
    }

    /// As [`keep`](Self::keep), with the statistics of the episode's columns. `data_hash`: the hash of its data file.
    pub fn keep_episode(&mut self, episode: &Episode, recording: &str, data_hash: u64) {
        let position = self.next_position(episode);
        let stats = statistics(&columns::episode_columns(episode, &position, self.fps));
        self.keep(EpisodeSummary::new(episode, recording, &position, data_hash), stats);
    }

    /// Add an episode and write its files.
    ///
    /// # Errors
    /// As [`Dataset::append`](super::Dataset::append).
    pub fn push(&mut self, episode: &Episode, recording: &str) -> Result<(), DatasetError> {
        episode.validate()?;
        let differences = self.schema.differences(&episode.header);
        if !differences.is_empty() {
            return Err(DatasetError::Mismatch { dir: self.folder.clone(), differences });
        }
        let position = self.next_position(episode);
        let data = columns::episode_columns(episode, &position, self.fps);
        let stats = statistics(&data);
        let data_hash = columns::write(&data_path(&self.folder, position.episode_index), data)?;
        sim_files::write(&self.folder, position.episode_index, recording, episode)?;
        self.keep(EpisodeSummary::new(episode, recording, &position, data_hash), stats);
        Ok(())
    }

    fn next_position(&mut self, episode: &Episode) -> EpisodePosition {
        let task_index = self.task_index(&episode.header.task);
        EpisodePosition { episode_index: self.rows.len(), dataset_from_index: self.ticks, task_index }
    }

    fn task_index(&mut self, task: &str) -> usize {
        self.tasks.iter().position(|known| known == task).unwrap_or_else(|| {
            self.tasks.push(task.to_owned());
            self.tasks.len() - 1
        })
    }

    /// Write the metadata. `dir`: the dataset, for errors.
    fn write_metadata(&self, dir: &Path) -> Result<(), DatasetError> {
        let folder = &self.folder;
        let mut total = None;
        self.stats.iter().for_each(|episode| stats::merge(&mut total, episode));
        let Some(total) = total else { return Err(DatasetError::NoneLeft { dir: dir.to_path_buf() }) };
        for (rows, stats) in self.rows.chunks(ROWS_PER_FILE).zip(self.stats.chunks(ROWS_PER_FILE)) {
            metadata::write_rows(folder, &self.features, rows, stats)?;
        }
        metadata::write_tasks(folder, &self.tasks)?;
        stats::write(folder, &self.features, &total)?;
        files::write_json(&DatasetSchema::path(folder), &self.schema)?;
        let info = DatasetInfo::new(&self.schema, self.fps, self.rows.len(), self.ticks, self.tasks.len());
        files::write_json(&DatasetInfo::path(folder), &info)
    }

    /// Replace the contents of the dataset in `dir`, for which this was begun.
    ///
    /// # Errors
    /// [`DatasetError::NoneLeft`] without episodes; [`DatasetError::Io`] when a file cannot be written. The dataset is
    /// then unchanged, unless moving the files failed: then the next process that opens it moves the rest.
    pub fn commit(mut self, dir: &Path) -> Result<(), DatasetError> {
        self.write_metadata(dir)?;
        let committed = dir.join(COMMITTED);
        fs::rename(&self.folder, &committed).map_err(DatasetError::io("replace", &committed))?;
        self.folder = committed;
        files::sync_dir(dir)?;
        install(dir)
    }

    /// Rename the new dataset to `out`, which does not exist or is an empty folder.
    ///
    /// # Errors
    /// [`DatasetError::NoneLeft`] without episodes, [`DatasetError::Taken`] when `out` exists; [`DatasetError::Io`].
    pub fn rename(mut self, out: &Path) -> Result<(), DatasetError> {
        self.write_metadata(out)?;
        check_free(out)?;
        // An empty folder; renaming over one fails on Windows.
        let _ = fs::remove_dir(out);
        fs::rename(&self.folder, out).map_err(DatasetError::io("create", out))?;
        self.folder = out.join(PARTIAL);
        files::sync_dir(out.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A committed folder stays until its files are moved. What cannot be removed now, the next edit removes.
        if !self.folder.ends_with(COMMITTED) {
            let _ = files::remove_all(&self.folder);
        }
    }
}

/// Check that a new dataset can be written to `out`.
///
/// # Errors
/// [`DatasetError::Taken`] when it is not an empty folder.
pub(super) fn check_free(out: &Path) -> Result<(), DatasetError> {
    match fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && out.symlink_metadata().is_err() => Ok(()),
        _ => Err(DatasetError::Taken { path: out.to_path_buf() }),
    }
}

fn statistics(data: &[(String, Column)]) -> Stats {
    data.iter().filter_map(|(_, column)| FeatureStats::of(column)).collect()
}

/// Whether the dataset in `dir` has a committed edit whose files are not all in their places.
pub(super) fn is_pending(dir: &Path) -> bool {
    DatasetInfo::path(&dir.join(COMMITTED)).exists()
}

/// Complete a committed edit. The caller holds the lock.
pub(super) fn complete(dir: &Path) -> Result<(), DatasetError> {
    if is_pending(dir) { install(dir) } else { Ok(()) }
}

/// Complete a committed edit, or wait for the process that does.
pub(super) fn await_completion(dir: &Path) -> Result<(), DatasetError> {
    let start = Instant::now();
    while is_pending(dir) {
        match files::lock(dir) {
            Ok(_lock) => return complete(dir),
            Err(DatasetError::Locked { .. }) if start.elapsed() < COMPLETION_WAIT => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Move the files of a committed edit to their places, and remove those that the new contents do not have. An interrupted
/// call is completed by the next one.
fn install(dir: &Path) -> Result<(), DatasetError> {
    let from = dir.join(COMMITTED);
    let info: DatasetInfo = files::read_json(&DatasetInfo::path(&from))?;
    let episodes = info.total_episodes;
    files::remove(&DatasetInfo::path(dir))?;
    for (index, path) in metadata::data_files(&from)? {
        files::relocate(&path, &data_path(dir, index))?;
    }
    sim_files::replace_scenes(&from, dir)?;
    for index in sim_files::episodes(&from)? {
        sim_files::replace(&from, dir, index)?;
    }
    for (index, path) in metadata::rows_files(&from)? {
        files::relocate(&path, &rows_path(dir, index))?;
    }
    for path in [metadata::tasks_path, stats::path, DatasetSchema::path] {
        files::relocate(&path(&from), &path(dir))?;
    }
    for (_, path) in metadata::data_files(dir)?.into_iter().filter(|(index, _)| *index >= episodes) {
        files::remove(&path)?;
    }
    for (_, path) in metadata::rows_files(dir)?.into_iter().filter(|(index, _)| index * ROWS_PER_FILE >= episodes) {
        files::remove(&path)?;
    }
    for index in sim_files::episodes(dir)?.into_iter().filter(|index| *index >= episodes) {
        sim_files::remove(dir, index)?;
    }
    let folders = [metadata::data_files(dir)?, metadata::rows_files(dir)?].concat();
    let folders = folders.iter().filter_map(|(_, path)| path.parent());
    for folder in folders.chain([&*dir.join("sim"), &*dir.join("sim/scenes"), &*dir.join("meta")]) {
        files::sync_dir(folder)?;
    }
    files::relocate(&DatasetInfo::path(&from), &DatasetInfo::path(dir))?;
    files::sync_dir(&dir.join("meta"))?;
    files::remove_all(&from)?;
    files::sync_dir(dir)
}
