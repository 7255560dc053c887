//! The journal of a recording in progress: an append-only file that survives the process.
//!
//! It begins with eight magic bytes, then holds frames: length of the payload (u32, little-endian), xxh3 of kind and
//! payload (u64), kind (u8), payload (postcard). The first frame is the header; a tick's follows each control tick; the
//! end's says that the operator kept the recording. A torn last frame is recognised by its length or its hash.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::episode::{EpisodeHeader, Tick};
use super::error::DatasetError;
use super::files;

/// First bytes of every journal.
pub(super) const MAGIC: &[u8; 8] = b"APPRJNL2";
/// Ending of a journal's name.
pub(super) const EXTENSION: &str = "journal";
/// Bytes before a frame's payload.
pub(super) const FRAME_HEAD: usize = 4 + 8 + 1;
/// Seconds of recording kept in the process before they go to the operating system, which a killed process then cannot
/// lose: half of the second that a crash may cost.
const FLUSH_SECONDS: f32 = 0.5;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Header = 0,
    Tick = 1,
    End = 2,
}

/// The first frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Opening<R, H> {
    pub recording: R,
    pub header: H,
}

/// An identity that no other recording has: time, process and the system's random numbers.
pub(super) fn new_recording_id() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let random = RandomState::new().hash_one((nanos, std::process::id()));
    format!("{nanos:024x}{random:016x}")
}

/// Hash of a frame's kind and payload.
pub(super) fn frame_hash(kind: u8, payload: &[u8]) -> u64 {
    xxh3_64(payload) ^ u64::from(kind).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Writes one recording. Dropped without [`JournalWriter::finish`] or [`JournalWriter::discard`], it leaves the journal
/// for recovery.
#[derive(Debug)]
pub struct JournalWriter {
    path: PathBuf,
    /// Locked while it is open, so that recovery leaves a recording in progress alone.
    file: File,
    recording: String,
    header: EpisodeHeader,
    /// Frames that the operating system does not have yet.
    pending: Vec<u8>,
    pending_ticks: usize,
    ticks_per_flush: usize,
    /// Bytes of whole frames that the operating system has.
    written: u64,
}

impl JournalWriter {
    /// Begin the journal at `path`, which ends in `.journal` and must not exist. The header is on disk when this returns.
    ///
    /// # Errors
    /// - [`DatasetError::Header`] when the header is not valid.
    /// - [`DatasetError::Io`] when the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>, header: &EpisodeHeader) -> Result<Self, DatasetError> {
        let path = path.as_ref();
        header.validate()?;
        let dir = path.parent().unwrap_or(Path::new("."));
        files::create_dir(dir)?;
        let file =
            OpenOptions::new().append(true).create_new(true).open(path).map_err(DatasetError::io("create", path))?;
        let mut writer = Self {
            path: path.to_path_buf(),
            file,
            recording: new_recording_id(),
            header: header.clone(),
            pending: MAGIC.to_vec(),
            pending_ticks: 0,
            ticks_per_flush: ((FLUSH_SECONDS / header.control_dt).round() as usize).max(1),
            written: 0,
        };
        let begun = writer.begin(dir);
        if begun.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(path);
        }
        begun.map(|()| writer)
    }

    fn begin(&mut self, dir: &Path) -> Result<(), DatasetError> {
        self.file.try_lock().map_err(|e| DatasetError::io("lock", &self.path)(e.into()))?;
        let opening = Opening { recording: &self.recording, header: &self.header };
        let payload = encode(&self.path, &opening)?;
        self.frame(Kind::Header, &payload)?;
        self.flush()?;
        self.file.sync_all().map_err(DatasetError::io("write to disk", &self.path))?;
        files::sync_dir(dir)
    }

    /// Add a tick. At most half a second of ticks waits in the process.
    ///
    /// # Errors
    /// - [`DatasetError::TickSize`] when the tick does not fit the header; nothing is written.
    /// - [`DatasetError::Io`] when the disk does not take it; what is written so far stays recoverable.
    pub fn push(&mut self, tick: Tick<'_>) -> Result<(), DatasetError> {
        tick.check_sizes(&self.header)?;
        let payload = encode(&self.path, &tick)?;
        self.frame(Kind::Tick, &payload)?;
        self.pending_ticks += 1;
        if self.pending_ticks >= self.ticks_per_flush {
            self.flush()?;
        }
        Ok(())
    }

    /// Hand everything to the operating system.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the disk does not take it; the frames stay pending, and another flush tries again.
    pub fn flush(&mut self) -> Result<(), DatasetError> {
        if let Err(e) = self.file.write_all(&self.pending) {
            // A frame cut in the middle would hide those of a later flush. If this fails too, recovery still ends at
            // the cut.
            let _ = self.file.set_len(self.written);
            return Err(DatasetError::io("write", &self.path)(e));
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        self.pending_ticks = 0;
        Ok(())
    }

    /// The recording is complete and to be kept: mark its end and bring it to disk. Append the episode with
    /// [`super::Dataset::append_recording`], then remove the journal; a crash in between loses and doubles nothing.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the disk does not take it.
    pub fn finish(mut self) -> Result<FinishedJournal, DatasetError> {
        self.frame(Kind::End, &[])?;
        self.flush()?;
        self.file.sync_all().map_err(DatasetError::io("write to disk", &self.path))?;
        Ok(FinishedJournal { path: self.path, recording: self.recording, _lock: self.file })
    }

    /// Throw the recording away; no file of it stays.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the file cannot be removed.
    pub fn discard(self) -> Result<(), DatasetError> {
        remove_journal(&self.path)
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recording's identity.
    pub fn recording(&self) -> &str {
        &self.recording
    }

    fn frame(&mut self, kind: Kind, payload: &[u8]) -> Result<(), DatasetError> {
        let length = u32::try_from(payload.len())
            .map_err(|_| DatasetError::malformed(&self.path, "a frame would be larger than 4 GiB"))?;
        self.pending.extend_from_slice(&length.to_le_bytes());
        self.pending.extend_from_slice(&frame_hash(kind as u8, payload).to_le_bytes());
        self.pending.push(kind as u8);
        self.pending.extend_from_slice(payload);
        Ok(())
    }
}

fn encode<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, DatasetError> {
    postcard::to_stdvec(value).map_err(|e| DatasetError::malformed(path, e))
}

/// A complete journal, on disk until it is removed.
#[derive(Debug)]
pub struct FinishedJournal {
    path: PathBuf,
    recording: String,
    _lock: File,
}

impl FinishedJournal {
    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recording's identity, for [`super::Dataset::append_recording`].
    pub fn recording(&self) -> &str {
        &self.recording
    }

    /// Remove the journal: its episode is in the dataset, or is not wanted.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the file cannot be removed.
    pub fn remove(self) -> Result<(), DatasetError> {
        remove_journal(&self.path)
    }
}

/// Remove a journal for good.
pub(super) fn remove_journal(path: &Path) -> Result<(), DatasetError> {
    files::remove(path)?;
    if let Some(dir) = path.parent() {
        files::sync_dir(dir)?;
    }
    Ok(())
}
