//! Lock files, which exclude a second writer of a folder.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

/// How long a lock is retried. Between `fork` and `exec` a child process holds copies of its parent's open files, and so
/// of locks that the parent has already released.
const LOCK_RETRY_DURATION: Duration = Duration::from_millis(300);
/// A lock file holds a process ID: more bytes than this are not of the program.
const LONGEST_PROCESS_ID: u64 = 20;

/// Lock a file. While another handle holds the lock, retry for 300 ms.
///
/// # Errors
/// As [`File::try_lock`].
pub fn lock_with_retry(file: &File) -> Result<(), TryLockError> {
    lock_within(file, LOCK_RETRY_DURATION)
}

fn lock_within(file: &File, patience: Duration) -> Result<(), TryLockError> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < patience => std::thread::sleep(LOCK_RETRY_DURATION / 30),
            result => return result,
        }
    }
}

/// Why a lock was not acquired.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process, or another handle in this process, holds it.
    #[error("{holder} holds the lock {}; wait until it has ended", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The holder, such as `process 17`.
        holder: String,
    },
    /// The place of the lock file holds a link, a folder or a pipe.
    #[error(
        "{} is a link or not a regular file: nothing is written through it; remove it, and try again",
        path.display()
    )]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// The operating system refused an operation.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The failed operation, such as `open`.
        action: &'static str,
        /// The lock file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A held lock file; dropping it releases the lock. The operating system releases it when the process ends, however it
/// ends, so there are no stale locks.
#[derive(Debug)]
pub struct LockFile {
    _file: File,
}

impl LockFile {
    /// Create the lock file at `path` if there is none, and lock it. While another holds it, retry for `patience`, but at
    /// least for 300 ms. The folder must exist.
    ///
    /// The file holds the holder's process ID, for the message of [`LockError::Held`]. A file with other contents is
    /// locked, but not written; nor is one that has a second name (hard link).
    ///
    /// # Errors
    /// [`LockError`]
    pub fn acquire(path: &Path, patience: Duration) -> Result<Self, LockError> {
        let failed = |action| move |source| LockError::Io { action, path: path.to_owned(), source };
        let mut file = open(path)?;
        let locked = lock_within(&file, patience.max(LOCK_RETRY_DURATION));
        let mut holder = Vec::new();
        // The ID only names the holder in the error message, so a failed read is ignored.
        let _ = (&file).take(LONGEST_PROCESS_ID + 1).read_to_end(&mut holder);
        let holder = String::from_utf8(holder).ok().filter(|text| text.chars().all(|c| c.is_ascii_digit()));
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = match holder.and_then(|id| id.parse::<u32>().ok()) {
                    Some(id) => format!("process {id}"),
                    None => "another process".to_owned(),
                };
                return Err(LockError::Held { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
        }
        let is_ours = holder.is_some_and(|id| id.len() as u64 <= LONGEST_PROCESS_ID);
        if is_ours && !has_second_name(&file.metadata().map_err(failed("read"))?) {
            file.rewind()
                .and_then(|()| file.set_len(0))
                .and_then(|()| write!(file, "{}", std::process::id()))
                .map_err(failed("write"))?;
        }
        Ok(Self { _file: file })
    }
}

/// Open the lock file at `path`, or create it. A link is never followed: to create a file exclusively does not, and the file
/// that is opened must be the one that was found to be regular.
fn open(path: &Path) -> Result<File, LockError> {
    /// Another process may replace the file between the two calls; more often than this it is not by accident.
    const TRIES: usize = 16;
    let failed = |source| LockError::Io { action: "open", path: path.to_owned(), source };
    for _ in 0..TRIES {
        match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map_err(failed),
        }
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        if !found.is_file() {
            break;
        }
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(failed)?,
        };
        if is_same_file(&file.metadata().map_err(failed)?, &found) {
            return Ok(file);
        }
    }
    Err(LockError::NotAFile { path: path.to_owned() })
}

/// Whether `file` is the one that has the name `path` now: nobody has removed or replaced it since it was opened.
pub fn is_open_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => is_same_file(&open, &named),
        _ => false,
    }
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Windows has no stable number of a file here, and needs a privilege to create links.
#[cfg(not(unix))]
fn is_same_file(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn has_second_name(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) > 1
}

#[cfg(not(unix))]
fn has_second_name(_file: &Metadata) -> bool {
    false
}
