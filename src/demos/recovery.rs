//! Recordings that were not ended by word: the journals that a crash, or a closed window, left behind.
//!
//! A recording that the operator had kept is appended by the next writer ([`recover_kept`]). One that nobody answered is a
//! recovered take: it waits in the dataset's `journal` folder until [`RecoveredTake::keep`] or [`RecoveredTake::discard`].

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::episode::Episode;
use super::error::DatasetError;
use super::files;
use super::journal::{EXTENSION, journal_dir};
use super::journal_file::remove_journal;
use super::journal_reader::{Damage, JournalContents, read};
use crate::storage::lock_with_retry;

/// Extension that a damaged journal gets when its take is kept, so that it is not read again.
const KEPT_ASIDE: &str = "damaged";

/// A recording that waits beside a dataset, read from its journal. While this value lives, no other process finds it.
#[derive(Debug)]
pub struct RecoveredTake {
    /// The journal.
    pub path: PathBuf,
    /// The recording's ID.
    pub recording: String,
    /// All whole ticks.
    pub episode: Episode,
    /// Whether the operator had ended and kept the recording: the next writer appends it, unless it is damaged.
    pub finished: bool,
    /// What is lost, where the journal is damaged. A tick that a crash truncated is no damage.
    pub damage: Option<Damage>,
    _lock: File,
}

impl RecoveredTake {
    /// Append the take to the dataset in `dir`, which is created if there is none, and return the episode's index. The
    /// journal is removed; a damaged one is kept aside, with the extension `damaged`.
    ///
    /// # Errors
    /// Those of [`Dataset::create_or_open`] and [`Dataset::append`]; the take then still waits.
    pub fn keep(&self, dir: &Path) -> Result<usize, DatasetError> {
        let mut dataset = Dataset::create_or_open(dir, &self.episode.header)?;
        let index = dataset.append_recording(&self.episode, &self.recording)?;
        if self.damage.is_some() {
            let aside = self.path.with_extension(KEPT_ASIDE);
            fs::rename(&self.path, &aside).map_err(DatasetError::io("rename", &self.path))?;
        } else {
            self.remove()?;
        }
        Ok(index)
    }

    /// Discard the take and remove its journal.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the journal cannot be removed.
    pub fn discard(&self) -> Result<(), DatasetError> {
        self.remove()
    }

    /// Its length, s.
    pub fn seconds(&self) -> f32 {
        self.episode.len() as f32 * self.episode.header.control_dt
    }

    fn remove(&self) -> Result<(), DatasetError> {
        remove_journal(&self.path)?;
        // Removes the folder only if it is empty.
        let _ = self.path.parent().map(fs::remove_dir);
        Ok(())
    }
}

/// The recordings that wait beside the dataset in `dir`, the oldest first: all journals with ticks that no process is
/// writing, and whose episode is not in the dataset. Nothing is changed. A journal that cannot be decoded is an error in its
/// place, after the others.
///
/// # Errors
/// [`DatasetError::Io`] when the folder cannot be listed; the errors of [`Dataset::open`], except that there is none.
pub fn recovered_takes(dir: impl AsRef<Path>) -> Result<Vec<Result<RecoveredTake, DatasetError>>, DatasetError> {
    let dir = dir.as_ref();
    let (mut takes, mut failed) = (Vec::new(), Vec::new());
    let journals = journals(dir)?;
    let known = if journals.is_empty() { HashSet::new() } else { recordings(dir)? };
    for path in journals {
        match read_journal(&path) {
            Ok(Journal::Take(take)) if take.episode.is_empty() || known.contains(&take.recording) => {}
            Ok(Journal::Take(take)) => takes.push(*take),
            Ok(Journal::NoTick(_) | Journal::InUse) => {}
            Err(cause) => failed.push(cause),
        }
    }
    takes.sort_by(|a, b| a.recording.cmp(&b.recording));
    Ok(takes.into_iter().map(Ok).chain(failed.into_iter().map(Err)).collect())
}

/// What [`recover_kept`] found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Indices of the episodes that were appended.
    pub appended: Vec<usize>,
    /// Takes that wait to be kept or discarded.
    pub waiting: usize,
    /// Why journals were neither appended nor can be kept. They stay on disk.
    pub failed: Vec<DatasetError>,
}

/// Append the recordings beside the dataset in `dir` that the operator had kept when the program ended, and remove the
/// journals without ticks. Each recording is appended at most once, even if the process crashes in between. Takes that
/// nobody answered, and damaged ones, wait ([`recovered_takes`]).
///
/// # Errors
/// - [`DatasetError::Io`] when the journal folder cannot be listed or a journal cannot be removed.
/// - [`DatasetError::Locked`] when another writer holds the dataset's lock.
/// - The errors of [`Dataset::open`], except that there is none.
pub fn recover_kept(dir: &Path) -> Result<Recovery, DatasetError> {
    let mut recovery = Recovery::default();
    let journals = journals(dir)?;
    if journals.is_empty() {
        return Ok(recovery);
    }
    let known = recordings(dir)?;
    for path in journals {
        let take = match read_journal(&path) {
            Ok(Journal::Take(take)) => take,
            Ok(Journal::NoTick(_lock)) => {
                remove_journal(&path)?;
                continue;
            }
            Ok(Journal::InUse) => continue,
            Err(cause) => {
                recovery.failed.push(cause);
                continue;
            }
        };
        match (&take.damage, take.finished) {
            _ if known.contains(&take.recording) => take.remove()?,
            (None, _) if take.episode.is_empty() => take.remove()?,
            (None, true) => match take.keep(dir) {
                Ok(index) => recovery.appended.push(index),
                Err(error @ DatasetError::Locked { .. }) => return Err(error),
                Err(cause) => recovery.failed.push(cause),
            },
            _ => recovery.waiting += usize::from(!take.episode.is_empty()),
        }
    }
    // Removes the folder only if it is empty.
    let _ = fs::remove_dir(journal_dir(dir));
    Ok(recovery)
}

/// IDs of the recordings that are in the dataset in `dir`.
fn recordings(dir: &Path) -> Result<HashSet<String>, DatasetError> {
    match Dataset::open(dir) {
        Ok(dataset) => Ok(dataset.summaries().iter().map(|row| row.recording.clone()).collect()),
        Err(DatasetError::NoDataset { .. }) => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

fn journals(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let folder = journal_dir(dir);
    files::check_no_link(&folder)?;
    let mut paths = files::list(&folder)?;
    paths.retain(|path| path.extension().is_some_and(|e| e == EXTENSION));
    Ok(paths)
}

/// The state of a journal file.
enum Journal {
    Take(Box<RecoveredTake>),
    /// It ends within its header. The lock is held.
    NoTick(File),
    /// Another process is writing it.
    InUse,
}

fn read_journal(path: &Path) -> Result<Journal, DatasetError> {
    let mut lock = match files::open(path) {
        // Its writer has just removed it.
        Err(DatasetError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Journal::InUse),
        other => other?,
    };
    match lock_with_retry(&lock) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Journal::InUse),
        Err(TryLockError::Error(e)) => return Err(DatasetError::io("lock", path)(e)),
    }
    let mut bytes = Vec::new();
    lock.read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    let path = path.to_path_buf();
    match read(&bytes) {
        Ok(None) => Ok(Journal::NoTick(lock)),
        Ok(Some(JournalContents { recording, episode, finished, damage })) => {
            Ok(Journal::Take(Box::new(RecoveredTake { path, recording, episode, finished, damage, _lock: lock })))
        }
        Err(cause) => Err(DatasetError::Journal { path, cause }),
    }
}
