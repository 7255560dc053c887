//! The file of a journal while it is written: frames, buffered and flushed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::error::DatasetError;
use super::files;
use crate::storage::{is_open_at, lock_with_retry};

/// First bytes of every journal.
pub(super) const MAGIC: &[u8; 8] = b"APPRJNL3";
/// Bytes before a frame's payload: length, hash and kind.
pub(super) const FRAME_HEAD: usize = 4 + 8 + 1;
/// Attempts to create a journal that no recovery takes for an empty one.
const TRIES: usize = 16;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum FrameKind {
    Header = 0,
    Tick = 1,
    End = 2,
}

/// Hash of a frame's kind and payload.
pub(super) fn frame_hash(kind: u8, payload: &[u8]) -> u64 {
    xxh3_64(payload) ^ u64::from(kind).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// An append-only file of frames. When it is dropped, it writes the buffered frames: a take that nobody answered before the
/// program ended is recovered whole.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// Locked while it is open, so that recovery skips a recording in progress.
    file: File,
    /// Frames that are not yet flushed to the operating system.
    pending: Vec<u8>,
    /// Bytes of the flushed frames.
    written: u64,
}

impl JournalFile {
    /// Create and lock a file that must not exist. The magic bytes are buffered.
    pub fn create(path: &Path) -> Result<Self, DatasetError> {
        for _ in 0..TRIES {
            let created = OpenOptions::new().append(true).create_new(true).open(path);
            let file = created.map_err(DatasetError::io("create", path))?;
            // Until it is locked, recovery may take it for one that was left empty, and remove it.
            match lock_with_retry(&file) {
                Ok(()) if is_open_at(&file, path) => {
                    return Ok(Self { path: path.to_path_buf(), file, pending: MAGIC.to_vec(), written: 0 });
                }
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(DatasetError::io("lock", path)(error)),
            }
        }
        Err(DatasetError::io("lock", path)(io::ErrorKind::WouldBlock.into()))
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Append a frame to the buffer.
    pub fn push(&mut self, kind: FrameKind, payload: &[u8]) -> Result<(), DatasetError> {
        let length = u32::try_from(payload.len())
            .map_err(|_| DatasetError::malformed(&self.path, "a frame would be larger than 4 GiB"))?;
        self.pending.extend_from_slice(&length.to_le_bytes());
        self.pending.extend_from_slice(&frame_hash(kind as u8, payload).to_le_bytes());
        self.pending.push(kind as u8);
        self.pending.extend_from_slice(payload);
        Ok(())
    }

    /// Write all buffered frames to the file.
    pub fn flush(&mut self) -> Result<(), DatasetError> {
        if let Err(e) = self.file.write_all(&self.pending) {
            // Remove the truncated frame. If that fails too, recovery skips it.
            let _ = self.file.set_len(self.written);
            return Err(DatasetError::io("write", &self.path)(e));
        }
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Flush, and make the file durable with an fsync.
    pub fn sync(&mut self) -> Result<(), DatasetError> {
        self.flush()?;
        self.file.sync_all().map_err(DatasetError::io("fsync", &self.path))
    }

    /// Remove the file.
    pub fn remove(mut self) -> Result<(), DatasetError> {
        self.pending.clear();
        remove_journal(&self.path)
    }

    /// Remove a file that could not be begun.
    pub fn abandon(mut self) {
        self.pending.clear();
        // The write error is the one to report.
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            // Nobody is left to report the error to; the flushed frames stay recoverable.
            let _ = self.flush();
        }
    }
}

/// Remove a journal and fsync its folder.
pub(super) fn remove_journal(path: &Path) -> Result<(), DatasetError> {
    files::remove(path)?;
    path.parent().map_or(Ok(()), files::sync_dir)
}
