//! Recovering what a crash left in the journals.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::dataset::Dataset;
use super::episode::{Episode, EpisodeHeader, Tick};
use super::error::DatasetError;
use super::files;
use super::journal::{EXTENSION, FRAME_HEAD, Kind, MAGIC, Opening, frame_hash, remove_journal};

/// An episode read from a journal.
#[derive(Debug)]
pub struct RecoveredEpisode {
    /// The journal.
    pub path: PathBuf,
    /// The recording's identity, for [`Dataset::append_recording`].
    pub recording: String,
    /// The ticks that are whole.
    pub episode: Episode,
    /// Whether the operator had ended and kept the recording.
    pub finished: bool,
    /// Bytes after the last whole frame: the tick that the crash tore.
    pub torn_bytes: usize,
    lock: File,
}

/// What became of one journal.
#[derive(Debug)]
pub enum Recovery {
    /// Its episode is in the dataset now; the journal is removed.
    Appended {
        /// The episode's number.
        episode: usize,
        /// How many ticks it has.
        ticks: usize,
        /// Whether the operator had ended and kept the recording.
        finished: bool,
    },
    /// Its episode was in the dataset already; the journal is removed.
    AlreadyThere {
        /// The episode's number.
        episode: usize,
    },
    /// It held no tick; it is removed.
    Empty {
        /// Where it was.
        path: PathBuf,
    },
    /// Its episode could not be read, or does not fit the dataset; the journal stays where it is.
    Kept {
        /// The journal.
        path: PathBuf,
        /// Why.
        cause: DatasetError,
    },
}

/// Read every journal in `dir` that no process is writing, in order of name; no journal is changed. A journal that
/// cannot be understood is an error beside the others; one whose writer died before its first tick is left out.
///
/// # Errors
/// [`DatasetError::Io`] when the folder cannot be listed. A folder that does not exist holds no journals.
pub fn recover(dir: impl AsRef<Path>) -> Result<Vec<Result<RecoveredEpisode, DatasetError>>, DatasetError> {
    let mut found = Vec::new();
    for path in journals(dir.as_ref())? {
        match read_journal(&path) {
            Ok(Journal::Readable(episode)) => found.push(Ok(*episode)),
            Ok(Journal::Torn | Journal::Busy) => {}
            Err(cause) => found.push(Err(cause)),
        }
    }
    Ok(found)
}

fn journals(dir: &Path) -> Result<impl Iterator<Item = PathBuf>, DatasetError> {
    Ok(files::list(dir)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == EXTENSION)))
}

/// What a journal's file turns out to be.
enum Journal {
    Readable(Box<RecoveredEpisode>),
    /// It ends within its header, which is on disk before the first tick: no tick was recorded.
    Torn,
    /// Its writer lives.
    Busy,
}

fn read_journal(path: &Path) -> Result<Journal, DatasetError> {
    let mut lock = match File::open(path) {
        // Its writer has just removed it.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Journal::Busy),
        other => other.map_err(DatasetError::io("read", path))?,
    };
    match files::lock_soon(&lock) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Journal::Busy),
        Err(TryLockError::Error(e)) => return Err(DatasetError::io("lock", path)(e)),
    }
    let mut bytes = Vec::new();
    lock.read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    let journal = |cause: String| DatasetError::Journal { path: path.to_path_buf(), cause };
    if MAGIC.starts_with(&bytes) {
        return Ok(Journal::Torn);
    }
    let mut rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| journal("it does not begin like a journal of this version".to_owned()))?;
    if frame_length(rest).is_none_or(|length| rest.len() < length) {
        return Ok(Journal::Torn);
    }
    let opening: Opening<String, EpisodeHeader> = match next_frame(&mut rest) {
        Some((Kind::Header, payload)) => decode(payload),
        _ => None,
    }
    .ok_or_else(|| journal("its header is damaged, or of another version".to_owned()))?;
    opening.header.validate().map_err(|e| journal(e.to_string()))?;
    let mut episode = Episode::new(opening.header);
    let mut finished = false;
    while !finished {
        let before = rest;
        let whole = match next_frame(&mut rest) {
            Some((Kind::Tick, payload)) => {
                decode::<OwnedTick>(payload).is_some_and(|tick| episode.push(tick.borrow()).is_ok())
            }
            Some((Kind::End, [])) => {
                finished = true;
                true
            }
            _ => false,
        };
        if !whole {
            rest = before;
            break;
        }
    }
    let (path, recording, torn_bytes) = (path.to_path_buf(), opening.recording, rest.len());
    let found = RecoveredEpisode { path, recording, episode, finished, torn_bytes, lock };
    Ok(Journal::Readable(Box::new(found)))
}

/// Bytes of the frame at the front, its head included.
fn frame_length(rest: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    Some(FRAME_HEAD + length as usize)
}

/// Take one whole frame off the front; `None` at the end and at damage.
fn next_frame<'a>(rest: &mut &'a [u8]) -> Option<(Kind, &'a [u8])> {
    let (head, after) = rest.split_first_chunk::<FRAME_HEAD>()?;
    let [l0, l1, l2, l3, h0, h1, h2, h3, h4, h5, h6, h7, kind] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let payload = after.get(..length)?;
    if u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]) != frame_hash(kind, payload) {
        return None;
    }
    *rest = &after[length..];
    let kind = [Kind::Header, Kind::Tick, Kind::End].into_iter().find(|k| *k as u8 == kind)?;
    Some((kind, payload))
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    postcard::from_bytes(payload).ok()
}

/// [`Tick`] with its own arrays; the same fields in the same order.
#[derive(Deserialize)]
struct OwnedTick {
    observation: Vec<f32>,
    action: Vec<f32>,
    others: Vec<f32>,
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
            others: &self.others,
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
    /// Append what journals in the dataset's `journal` folder hold and remove them. Each recording is appended at most
    /// once, whenever a crash comes.
    ///
    /// # Errors
    /// - [`DatasetError::Locked`] when another writer has the dataset.
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
                Ok(Journal::Readable(found)) => outcomes.push(self.take_in(*found)?),
                Ok(Journal::Torn) => {
                    remove_journal(&path)?;
                    outcomes.push(Recovery::Empty { path });
                }
                Ok(Journal::Busy) => {}
                Err(cause) => outcomes.push(Recovery::Kept { path, cause }),
            }
        }
        // Only succeeds when no journal is left, and nothing is lost when it stays.
        let _ = fs::remove_dir(&dir);
        Ok(outcomes)
    }

    fn take_in(&mut self, found: RecoveredEpisode) -> Result<Recovery, DatasetError> {
        let RecoveredEpisode { path, recording, episode, finished, lock, .. } = found;
        let (before, ticks) = (self.len(), episode.len());
        let outcome = if episode.is_empty() {
            Recovery::Empty { path: path.clone() }
        } else {
            match self.append_recording(&episode, &recording) {
                Ok(episode) if episode < before => Recovery::AlreadyThere { episode },
                Ok(episode) => Recovery::Appended { episode, ticks, finished },
                Err(cause) => return Ok(Recovery::Kept { path, cause }),
            }
        };
        remove_journal(&path)?;
        drop(lock);
        Ok(outcome)
    }
}
