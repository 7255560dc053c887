//! The journal of a recording in progress: an append-only file that survives the process.
//!
//! It begins with eight magic bytes, followed by frames: length of the payload (u32, little-endian), xxh3 of kind and
//! payload (u64), kind (u8), payload (postcard). The first frame is the header; the second repeats it, since no tick can be
//! read without it. One frame follows for each tick, with the tick's number. The end frame has the number of
//! ticks, and marks a recording that the operator kept. Damage to a frame is detected by its length or its hash, and leaves the other frames readable.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::episode::{EpisodeHeader, Tick};
use super::error::DatasetError;
use super::files;
use super::journal_file::{FrameKind, JournalFile};

/// File name extension of a journal.
pub(super) const EXTENSION: &str = "journal";
/// Interval between two flushes, s of simulated time. Flushed frames survive a killed process. The bound on the loss is
/// one second; half of it leaves a margin.
const FLUSH_SECONDS: f32 = 0.5;

/// The payload of the header frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderFrame<R, H> {
    pub recording: R,
    pub header: H,
}

/// The payload of a tick's frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TickFrame<T> {
    /// The tick's number, from 0.
    pub number: u64,
    pub tick: T,
}

/// A unique ID for a recording, from the time, the process ID and the system's random numbers. IDs sort by time.
pub(super) fn new_recording_id() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let random = RandomState::new().hash_one((nanos, std::process::id()));
    format!("{nanos:024x}{random:016x}")
}

/// Writes the journal of one recording. If it is dropped without [`JournalWriter::finish`] or
/// [`JournalWriter::discard`], the journal stays on disk and can be recovered.
#[derive(Debug)]
pub struct JournalWriter {
    file: JournalFile,
    recording: String,
    header: EpisodeHeader,
    ticks: u64,
    pending_ticks: usize,
    ticks_per_flush: usize,
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
        files::check_no_link(dir)?;
        files::create_dir(dir)?;
        let mut writer = Self {
            file: JournalFile::create(path)?,
            recording: new_recording_id(),
            header: header.clone(),
            ticks: 0,
            pending_ticks: 0,
            ticks_per_flush: ((FLUSH_SECONDS / header.control_dt).round() as usize).max(1),
            finished: false,
        };
        match writer.write_header(dir) {
            Ok(()) => Ok(writer),
            Err(error) => {
                writer.file.abandon();
                Err(error)
            }
        }
    }

    fn write_header(&mut self, dir: &Path) -> Result<(), DatasetError> {
        let frame = HeaderFrame { recording: &self.recording, header: &self.header };
        let payload = encode(self.file.path(), &frame)?;
        for _copy in 0..2 {
            self.file.push(FrameKind::Header, &payload)?;
        }
        self.file.sync()?;
        files::sync_dir(dir)
    }

    /// Append a tick. At most half a second of ticks is buffered in the process.
    ///
    /// # Errors
    /// - [`DatasetError::TickSize`] when the sizes of the tick differ from those in the header; nothing is written.
    /// - [`DatasetError::Io`] when the write fails; the flushed frames stay recoverable.
    pub fn push(&mut self, tick: Tick<'_>) -> Result<(), DatasetError> {
        tick.check_sizes(&self.header)?;
        let payload = encode(self.file.path(), &TickFrame { number: self.ticks, tick })?;
        self.file.push(FrameKind::Tick, &payload)?;
        self.ticks += 1;
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
        self.file.flush()?;
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
        Ok(FinishedJournal { recording: self.recording, file: self.file })
    }

    /// Write the end frame and fsync the file: the operator has kept the recording. A call after an error tries again.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the write fails; the frames stay buffered.
    pub fn mark_finished(&mut self) -> Result<(), DatasetError> {
        if !self.finished {
            let payload = encode(self.file.path(), &self.ticks)?;
            self.file.push(FrameKind::End, &payload)?;
            self.finished = true;
        }
        self.file.sync()
    }

    /// Discard the recording and remove its file.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the file cannot be removed.
    pub fn discard(self) -> Result<(), DatasetError> {
        self.file.remove()
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The recording's ID.
    pub fn recording(&self) -> &str {
        &self.recording
    }
}

fn encode<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, DatasetError> {
    postcard::to_stdvec(value).map_err(|e| DatasetError::malformed(path, e))
}

/// A journal with an end frame, on disk until it is removed.
#[derive(Debug)]
pub struct FinishedJournal {
    file: JournalFile,
    recording: String,
}

impl FinishedJournal {
    /// The journal's file.
    pub fn path(&self) -> &Path {
        self.file.path()
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
        self.file.remove()
    }
}

/// The folder of the journals of the dataset in `dir`.
pub(super) fn journal_dir(dir: &Path) -> PathBuf {
    dir.join("journal")
}

/// The path of a new journal in `dir`. It is named after the seed: the name of a scene is not a name of a file.
pub(super) fn unused_path(dir: &Path, seed: u64) -> PathBuf {
    let mut path = dir.join(format!("{seed:016x}.{EXTENSION}"));
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        path = dir.join(format!("{seed:016x}-{number}.{EXTENSION}"));
        number += 1;
    }
    path
}
