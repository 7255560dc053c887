//! The journal of a recording in progress: an append-only file that survives the process.
//!
//! It begins with eight magic bytes, followed by frames: length of the payload (u32, little-endian), xxh3 of kind and
//! payload (u64), kind (u8), payload (postcard). The first frame is the header. One frame follows for each tick. The
//! end frame marks a recording that the operator kept. A truncated last frame is detected by its length or its hash.

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
/// File name extension of a journal.
pub(super) const EXTENSION: &str = "journal";
/// Bytes before a frame's payload: length, hash and kind.
pub(super) const FRAME_HEAD: usize = 4 + 8 + 1;
/// Interval between two flushes, s of simulated time. Flushed frames survive a killed process. The bound on the loss is
/// one second; half of it leaves a margin.
const FLUSH_SECONDS: f32 = 0.5;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FrameKind {
    Header = 0,
    Tick = 1,
    End = 2,
}

/// The payload of the header frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderFrame<R, H> {
    pub recording: R,
    pub header: H,
}

/// A unique ID for a recording, from the time, the process ID and the system's random numbers.
pub(super) fn new_recording_id() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let random = RandomState::new().hash_one((nanos, std::process::id()));
    format!("{nanos:024x}{random:016x}")
}

/// Hash of a frame's kind and payload.
pub(super) fn frame_hash(kind: u8, payload: &[u8]) -> u64 {
    xxh3_64(payload) ^ u64::from(kind).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Writes the journal of one recording. If it is dropped without [`JournalWriter::finish`] or
/// [`JournalWriter::discard`], the journal stays on disk and can be recovered.
#[derive(Debug)]
pub struct JournalWriter {
    path: PathBuf,
    /// Locked while it is open, so that recovery skips a recording in progress.
    file: File,
    recording: String,
    header: EpisodeHeader,
    /// Frames that are not yet flushed to the operating system.
    pending: Vec<u8>,
    pending_ticks: usize,
    ticks_per_flush: usize,
    /// Bytes of the flushed frames.
    written: u64,
    /// Whether the end frame was written or is buffered.
    finished: bool,
}

impl JournalWriter {
    /// Create the journal at `path`, which has the extension `.journal` and must not exist. The header is durable on
    /// disk when this returns.
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
            finished: false,
        };
        let result = writer.write_header(dir);
        if result.is_err() {
            // The write error is the one to report.
            let _ = fs::remove_file(path);
        }
        result.map(|()| writer)
    }

    fn write_header(&mut self, dir: &Path) -> Result<(), DatasetError> {
        self.file.try_lock().map_err(|e| DatasetError::io("lock", &self.path)(e.into()))?;
        let frame = HeaderFrame { recording: &self.recording, header: &self.header };
        let payload = encode(&self.path, &frame)?;
        self.push_frame(FrameKind::Header, &payload)?;
        self.flush()?;
        self.file.sync_all().map_err(DatasetError::io("fsync", &self.path))?;
        files::sync_dir(dir)
    }

    /// Append a tick. At most half a second of ticks is buffered in the process.
    ///
    /// # Errors
    /// - [`DatasetError::TickSize`] when the sizes of the tick differ from those in the header; nothing is written.
    /// - [`DatasetError::Io`] when the write fails; the flushed frames stay recoverable.
    pub fn push(&mut self, tick: Tick<'_>) -> Result<(), DatasetError> {
        tick.check_sizes(&self.header)?;
        let payload = encode(&self.path, &tick)?;
        self.push_frame(FrameKind::Tick, &payload)?;
        self.pending_ticks += 1;
        if self.pending_ticks >= self.ticks_per_flush {
            self.flush()?;
        }
        Ok(())
    }

    /// Write all buffered frames to the file.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the write fails; the frames stay buffered, and the next flush writes them again.
    pub fn flush(&mut self) -> Result<(), DatasetError> {
        if let Err(e) = self.file.write_all(&self.pending) {
            // A truncated frame would hide the frames of a later flush from recovery, so remove it. If that fails too,
            // recovery stops at the truncated frame.
            let _ = self.file.set_len(self.written);
            return Err(DatasetError::io("write", &self.path)(e));
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        self.pending_ticks = 0;
        Ok(())
    }

    /// Write the end frame and fsync the file. Then append the episode with [`super::Dataset::append_recording`] and
    /// remove the journal. A crash in between neither loses nor duplicates the episode.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the write fails.
    pub fn finish(mut self) -> Result<FinishedJournal, DatasetError> {
        self.mark_finished()?;
        Ok(FinishedJournal { path: self.path, recording: self.recording, _lock: self.file })
    }

    /// Write the end frame and fsync the file: the operator has kept the recording. A call after an error tries again.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the write fails; the frames stay buffered.
    pub fn mark_finished(&mut self) -> Result<(), DatasetError> {
        if !self.finished {
            self.push_frame(FrameKind::End, &[])?;
            self.finished = true;
        }
        self.flush()?;
        self.file.sync_all().map_err(DatasetError::io("fsync", &self.path))
    }

    /// Discard the recording and remove its file.
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

    /// The recording's ID.
    pub fn recording(&self) -> &str {
        &self.recording
    }

    fn push_frame(&mut self, kind: FrameKind, payload: &[u8]) -> Result<(), DatasetError> {
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

/// A journal with an end frame, on disk until it is removed.
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

    /// The recording's ID, for [`super::Dataset::append_recording`].
    pub fn recording(&self) -> &str {
        &self.recording
    }

    /// Remove the journal, once its episode is in the dataset or discarded.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the file cannot be removed.
    pub fn remove(self) -> Result<(), DatasetError> {
        remove_journal(&self.path)
    }
}

/// Remove a journal and fsync its folder.
pub(super) fn remove_journal(path: &Path) -> Result<(), DatasetError> {
    files::remove(path)?;
    if let Some(dir) = path.parent() {
        files::sync_dir(dir)?;
    }
    Ok(())
}
