//! A new dataset of episodes of other ones. Its folder appears whole, or not at all.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::error::DatasetError;
use super::files;
use super::schema::DatasetSchema;
use super::staging::{Staging, check_free};
use crate::storage::LockFile;

/// A new dataset that is being written beside its folder.
pub struct NewDataset {
    out: PathBuf,
    staging: Staging,
    recordings: HashSet<String>,
    _lock: LockFile,
}

impl NewDataset {
    /// Begin a dataset in the folder `out`, which does not exist or is empty, with the schema of `like`.
    ///
    /// # Errors
    /// - [`DatasetError::Taken`] when `out` is not an empty folder.
    /// - [`DatasetError::Locked`] when another process writes a dataset to `out`.
    /// - [`DatasetError::Io`] when the folder beside it cannot be written.
    pub fn create(out: impl AsRef<Path>, like: &Dataset) -> Result<Self, DatasetError> {
        let out = out.as_ref().to_path_buf();
        check_free(&out)?;
        let name = out.file_name().ok_or_else(|| DatasetError::Taken { path: out.clone() })?;
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        partial.push(".partial");
        let folder = out.with_file_name(partial);
        if folder.is_dir() && !folder.is_symlink() {
            // Fails while another process writes it; what a crash has left has no lock.
            files::lock(&folder)?;
        }
        let schema: DatasetSchema = like.metadata.schema.clone();
        let staging = Staging::in_folder(folder.clone(), schema)?;
        let lock = files::lock(&folder)?;
        Ok(Self { out, staging, recordings: HashSet::new(), _lock: lock })
    }

    /// Add an episode of `dataset`. Returns whether it was added: a recording that is there already is left out.
    ///
    /// # Errors
    /// As [`Dataset::read`] and [`Dataset::append`].
    pub fn add(&mut self, dataset: &Dataset, episode: usize) -> Result<bool, DatasetError> {
        let row = dataset.row(episode)?;
        if self.recordings.contains(&row.recording) {
            return Ok(false);
        }
        self.staging.push(&dataset.read(episode)?, &row.recording)?;
        self.recordings.insert(row.recording.clone());
        Ok(true)
    }

    /// The number of episodes.
    pub fn len(&self) -> usize {
        self.staging.len()
    }

    /// Whether there are no episodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of ticks over all episodes.
    pub fn total_ticks(&self) -> usize {
        self.staging.ticks()
    }

    /// Complete the dataset: rename it to its folder.
    ///
    /// # Errors
    /// [`DatasetError::NoneLeft`] without episodes, [`DatasetError::Taken`] when the folder has been created meanwhile,
    /// [`DatasetError::Io`]. There is no dataset then.
    pub fn finish(self) -> Result<(), DatasetError> {
        if let Some(parent) = self.out.parent() {
            files::create_dir(parent)?;
        }
        self.staging.rename(&self.out)
    }
}
