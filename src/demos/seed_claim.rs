//! Claims of seeds, so that several processes that record into one dataset record each episode once.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::dataset::Dataset;
use super::error::DatasetError;
use super::files;
use super::staging;
use crate::storage::is_open_at;

/// Attempts to create a claim in a folder that another process removes when it is empty.
const TRIES: usize = 16;

/// The claim to record the episode of a seed, until it is dropped. It is a locked file in the dataset's `claims` folder,
/// which only the holder of the dataset's write lock creates. The operating system releases the lock when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct SeedClaim {
    /// The seed.
    pub seed: u64,
    path: PathBuf,
    _lock: File,
}

impl SeedClaim {
    /// Claim the first of `seeds` whose episode of `scene` by `operator` is neither in the dataset in `dir` nor claimed by
    /// another process. `None` when there is none.
    ///
    /// # Errors
    /// - [`DatasetError::Locked`] when another writer holds the dataset's lock; no seed is taken then.
    /// - The errors of [`Dataset::open`], except that there is none; [`DatasetError::Io`] when a file cannot be written.
    pub fn take(
        dir: &Path,
        scene: &str,
        operator: &str,
        seeds: &mut impl Iterator<Item = u64>,
    ) -> Result<Option<Self>, DatasetError> {
        files::create_dir(dir)?;
        let _dataset_lock = files::lock(dir)?;
        staging::complete(dir)?;
        let recorded: HashSet<u64> = match Dataset::open(dir) {
            Ok(dataset) => {
                let rows = dataset.summaries().iter().filter(|row| row.scene == scene && row.operator == operator);
                rows.map(|row| row.seed).collect()
            }
            Err(DatasetError::NoDataset { .. }) => HashSet::new(),
            Err(error) => return Err(error),
        };
        let claims = dir.join("claims");
        remove_stale(&claims)?;
        // The names are part of a hash only: they are not names of files.
        let by = xxh3_64(format!("{scene}\0{operator}").as_bytes());
        for seed in seeds.filter(|seed| !recorded.contains(seed)) {
            let path = claims.join(format!("{by:016x}-{seed:016x}.claim"));
            if path.symlink_metadata().is_ok() {
                continue;
            }
            return create(&claims, path, seed).map(Some);
        }
        Ok(None)
    }
}

impl Drop for SeedClaim {
    fn drop(&mut self) {
        // The next claim removes the file if this fails.
        let _ = fs::remove_file(&self.path);
        // Removes the folder only if it is empty.
        let _ = self.path.parent().map(fs::remove_dir);
    }
}

fn create(claims: &Path, path: PathBuf, seed: u64) -> Result<SeedClaim, DatasetError> {
    let mut tries = 1;
    loop {
        files::create_dir(claims)?;
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            // Another process has just dropped the last claim, and removed the folder.
            Err(error) if error.kind() == ErrorKind::NotFound && tries < TRIES => tries += 1,
            Err(error) => return Err(DatasetError::io("create", &path)(error)),
            Ok(lock) => {
                lock.try_lock().map_err(|e| DatasetError::io("lock", &path)(e.into()))?;
                return Ok(SeedClaim { seed, path, _lock: lock });
            }
        }
    }
}

/// Remove the claims of processes that have ended.
fn remove_stale(claims: &Path) -> Result<(), DatasetError> {
    for path in files::list(claims)? {
        let is_claim = path.extension().is_some_and(|e| e == "claim");
        let is_stale = |file: File| file.try_lock().is_ok() && is_open_at(&file, &path);
        if is_claim && files::open(&path).is_ok_and(is_stale) {
            files::remove(&path)?;
        }
    }
    Ok(())
}
