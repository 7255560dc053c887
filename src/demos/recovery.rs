//! Recovering recordings from the journals that a crash left behind.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::dataset::Dataset;
use super::episode::{Episode, EpisodeHeader, Tick};
use super::error::DatasetError;
use super::files;
use super::journal::{EXTENSION, FRAME_HEAD, FrameKind, HeaderFrame, MAGIC, frame_hash, remove_journal};
use crate::storage::lock_with_retry;

/// An episode read from a journal.
#[derive(Debug)]
pub struct RecoveredEpisode {
    /// The journal.
    pub path: PathBuf,
    /// The recording's ID, for [`Dataset::append_recording`].
    pub recording: String,
    /// All complete ticks.
    pub episode: Episode,
    /// Whether the journal has an end frame: the operator had ended and kept the recording.
    pub finished: bool,
    /// Bytes after the last complete frame: the tick that the crash truncated.
    pub trailing_bytes: usize,
    lock: File,
}

/// The result of the recovery of one journal.
#[derive(Debug)]
pub enum Recovery {
    /// Its episode was appended to the dataset; the journal is removed.
    Appended {
        /// The episode's index.
        episode: usize,
        /// The number of ticks.
        ticks: usize,
        /// Whether the operator had ended and kept the recording.
        finished: bool,
    },
    /// Its episode was already in the dataset; the journal is removed.
    AlreadyAppended {
        /// The episode's index.
        episode: usize,
    },
    /// It held no tick; the journal is removed.
    Empty {
        /// Its former path.
        path: PathBuf,
    },
    /// Its episode could not be decoded or appended; the journal stays on disk.
    Failed {
        /// The journal.
        path: PathBuf,
        /// The error.
        cause: DatasetError,
    },
}

/// Read every journal in `dir` that no process is writing, sorted by name. No journal is changed. A journal that cannot
/// be decoded yields an error in its place; a journal without a complete header is skipped.
///
/// # Errors
/// [`DatasetError::Io`] when the folder cannot be listed. A missing folder counts as empty.
pub fn recover(dir: impl AsRef<Path>) -> Result<Vec<Result<RecoveredEpisode, DatasetError>>, DatasetError> {
    let mut found = Vec::new();
    for path in journals(dir.as_ref())? {
        match read_journal(&path) {
            Ok(Journal::Readable(episode)) => found.push(Ok(*episode)),
            Ok(Journal::Truncated | Journal::InUse) => {}
            Err(cause) => found.push(Err(cause)),
        }
    }
    Ok(found)
}

fn journals(dir: &Path) -> Result<impl Iterator<Item = PathBuf>, DatasetError> {
    Ok(files::list(dir)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == EXTENSION)))
}

/// The state of a journal file.
enum Journal {
    Readable(Box<RecoveredEpisode>),
    /// It ends within its header. The header is on disk before the first tick, so no tick was recorded.
    Truncated,
    /// Another process is writing it.
    InUse,
}

fn read_journal(path: &Path) -> Result<Journal, DatasetError> {
    let mut lock = match File::open(path) {
        // Its writer has just removed it.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Journal::InUse),
        other => other.map_err(DatasetError::io("read", path))?,
    };
    match lock_with_retry(&lock) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Journal::InUse),
        Err(TryLockError::Error(e)) => return Err(DatasetError::io("lock", path)(e)),
    }
    let mut bytes = Vec::new();
    lock.read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    let journal = |cause: String| DatasetError::Journal { path: path.to_path_buf(), cause };
    if MAGIC.starts_with(&bytes) {
        return Ok(Journal::Truncated);
    }
    let mut rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| journal("its first bytes are not those of a journal of this version".to_owned()))?;
    if frame_length(rest).is_none_or(|length| rest.len() < length) {
        return Ok(Journal::Truncated);
    }
    let HeaderFrame::<String, EpisodeHeader> { recording, header } = match next_frame(&mut rest) {
        Some((FrameKind::Header, payload)) => decode(payload),
        _ => None,
    }
    .ok_or_else(|| journal("its header is damaged, or of another version".to_owned()))?;
    header.validate().map_err(|e| journal(e.to_string()))?;
    let mut episode = Episode::new(header);
    let mut finished = false;
    while !finished {
        let before = rest;
        let is_valid = match next_frame(&mut rest) {
            Some((FrameKind::Tick, payload)) => {
                decode::<OwnedTick>(payload).is_some_and(|tick| episode.push(tick.borrow()).is_ok())
            }
            Some((FrameKind::End, [])) => {
                finished = true;
                true
            }
            _ => false,
        };
        if !is_valid {
            rest = before;
            break;
        }
    }
    let (path, trailing_bytes) = (path.to_path_buf(), rest.len());
    let found = RecoveredEpisode { path, recording, episode, finished, trailing_bytes, lock };
    Ok(Journal::Readable(Box::new(found)))
}

/// Bytes of the first frame of `rest`, its head included.
fn frame_length(rest: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    Some(FRAME_HEAD + length as usize)
}

/// Split the first frame off `rest`; `None` at the end and at a damaged frame.
fn next_frame<'a>(rest: &mut &'a [u8]) -> Option<(FrameKind, &'a [u8])> {
    let (head, after) = rest.split_first_chunk::<FRAME_HEAD>()?;
    let [l0, l1, l2, l3, h0, h1, h2, h3, h4, h5, h6, h7, kind] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let payload = after.get(..length)?;
    if u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]) != frame_hash(kind, payload) {
        return None;
    }
    *rest = &after[length..];
    let kind = [FrameKind::Header, FrameKind::Tick, FrameKind::End].into_iter().find(|k| *k as u8 == kind)?;
    Some((kind, payload))
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    postcard::from_bytes(payload).ok()
}

/// [`Tick`] with owned arrays. It has the same fields in the same order, as postcard requires.
#[derive(Deserialize)]
struct OwnedTick {
    observation: Vec<f32>,
    action: Vec<f32>,
    other_actions: Vec<f32>,
    reward: f32,
    terms: Vec<f32>,
    done: bool,
    success: bool,
    intervention: bool,
    state_hash: u64,
}

impl OwnedTick {
    fn borrow(&self) -> Tick<'_> {
        Tick {
            observation: &self.observation,
            action: &self.action,
            other_actions: &self.other_actions,
            reward: self.reward,
            terms: &self.terms,
            done: self.done,
            success: self.success,
            intervention: self.intervention,
            state_hash: self.state_hash,
        }
    }
}

impl Dataset {
    /// Append the episodes of the journals in the dataset's `journal` folder and remove the journals. Each recording is
    /// appended at most once, even if the process crashes in between.
    ///
    /// # Errors
    /// - [`DatasetError::Locked`] when another writer holds the lock.
    /// - [`DatasetError::Io`] when the journal folder cannot be listed or a journal cannot be removed.
    pub fn recover(&mut self) -> Result<Vec<Recovery>, DatasetError> {
        let dir = self.journal_dir();
        let mut outcomes = Vec::new();
        if files::list(&dir)?.is_empty() {
            return Ok(outcomes);
        }
        self.begin_writing()?;
        for path in journals(&dir)? {
            match read_journal(&path) {
                Ok(Journal::Readable(found)) => outcomes.push(self.append_recovered(*found)?),
                Ok(Journal::Truncated) => {
                    remove_journal(&path)?;
                    outcomes.push(Recovery::Empty { path });
                }
                Ok(Journal::InUse) => {}
                Err(cause) => outcomes.push(Recovery::Failed { path, cause }),
            }
        }
        // Removes the folder only if it is empty.
        let _ = fs::remove_dir(&dir);
        Ok(outcomes)
    }

    fn append_recovered(&mut self, found: RecoveredEpisode) -> Result<Recovery, DatasetError> {
        let RecoveredEpisode { path, recording, episode, finished, lock, .. } = found;
        let (before, ticks) = (self.len(), episode.len());
        let outcome = if episode.is_empty() {
            Recovery::Empty { path: path.clone() }
        } else {
            match self.append_recording(&episode, &recording) {
                Ok(episode) if episode < before => Recovery::AlreadyAppended { episode },
                Ok(episode) => Recovery::Appended { episode, ticks, finished },
                Err(cause) => return Ok(Recovery::Failed { path, cause }),
            }
        };
        remove_journal(&path)?;
        drop(lock);
        Ok(outcome)
    }
}
