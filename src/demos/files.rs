//! Atomic file writes (temporary file, fsync, rename) and the lock that excludes a second writer.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::error::DatasetError;

/// Extension of the temporary file of a write. A crash may leave one; the next writer removes it.
const PARTIAL: &str = "partial";

/// Create `dir` and its parents, with an fsync of each parent.
pub(super) fn create_dir(dir: &Path) -> Result<(), DatasetError> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new(""));
    create_dir(parent)?;
    match fs::create_dir(dir) {
        // Another process has just created it.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other.map_err(DatasetError::io("create the folder", dir)),
    }?;
    sync_dir(parent)
}

/// Write `bytes` to `path` atomically: a crash at any moment leaves the old file or the new one. Only the holder of the
/// dataset's lock may call it, because the name of the temporary file is fixed.
pub(super) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    create_dir(dir)?;
    let mut temp = path.as_os_str().to_owned();
    temp.push(format!(".{PARTIAL}"));
    let temp = PathBuf::from(temp);
    let written = (|| -> Result<(), DatasetError> {
        let mut file = File::create(&temp).map_err(DatasetError::io("create", &temp))?;
        file.write_all(bytes).map_err(DatasetError::io("write", &temp))?;
        file.sync_all().map_err(DatasetError::io("fsync", &temp))?;
        fs::rename(&temp, path).map_err(DatasetError::io("replace", path))
    })();
    if written.is_err() {
        // The write error is the one to report. If the removal fails too, the next writer removes the file.
        let _ = fs::remove_file(&temp);
    }
    written?;
    sync_dir(dir)
}

/// Make renames and removals in `dir` durable with an fsync of the folder. Windows has no such call and needs none.
pub(super) fn sync_dir(dir: &Path) -> Result<(), DatasetError> {
    if cfg!(unix) {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        File::open(dir).and_then(|d| d.sync_all()).map_err(DatasetError::io("fsync", dir))?;
    }
    Ok(())
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DatasetError> {
    fs::read(path).map_err(DatasetError::io("read", path))
}

/// The xxh3 hash of a file, read in blocks of 64 KiB.
pub(super) fn hash_file(path: &Path) -> Result<u64, DatasetError> {
    let mut file = File::open(path).map_err(DatasetError::io("read", path))?;
    let mut hash = Xxh3::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(DatasetError::io("read", path))? {
            0 => return Ok(hash.digest()),
            n => hash.update(&block[..n]),
        }
    }
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DatasetError> {
    serde_json::from_slice(&read_bytes(path)?).map_err(|e| DatasetError::malformed(path, e))
}

pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), DatasetError> {
    let text = serde_json::to_vec_pretty(value).map_err(|e| DatasetError::malformed(path, e))?;
    write_atomic(path, &text)
}

/// Remove a file. A missing file is not an error.
pub(super) fn remove(path: &Path) -> Result<(), DatasetError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(DatasetError::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Move a file of the same disk, replacing the one at `to`. A missing file is not an error: it was moved already.
pub(super) fn relocate(from: &Path, to: &Path) -> Result<(), DatasetError> {
    create_dir(to.parent().unwrap_or(Path::new(".")))?;
    match fs::rename(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(DatasetError::io("replace", to)(e)),
        _ => Ok(()),
    }
}

/// Remove a folder with all that is in it. A link is removed, not what it leads to; a missing folder is not an error.
pub(super) fn remove_all(path: &Path) -> Result<(), DatasetError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(DatasetError::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// The entries of `dir`, sorted by name; empty if it does not exist.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(DatasetError::io("list", dir))?,
    };
    let mut paths: Vec<_> =
        entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().map_err(DatasetError::io("list", dir))?;
    paths.sort();
    Ok(paths)
}

/// Remove the temporary files of interrupted [`write_atomic`] calls directly in `dir`.
pub(super) fn remove_partials(dir: &Path) -> Result<(), DatasetError> {
    for path in list(dir)? {
        if path.extension().is_some_and(|e| e == PARTIAL) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// How long a lock is retried. Between `fork` and `exec` a child process holds copies of its parent's open files, and so
/// of locks that the parent has already released.
const LOCK_RETRY_DURATION: Duration = Duration::from_millis(300);

/// Lock a file. While another handle holds the lock, retry for 300 ms.
///
/// # Errors
/// As [`File::try_lock`].
pub fn lock_with_retry(file: &File) -> Result<(), TryLockError> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_RETRY_DURATION => {
                std::thread::sleep(LOCK_RETRY_DURATION / 30)
            }
            result => return result,
        }
    }
}

/// The write lock of a dataset; dropping it releases the lock. The operating system releases it when the process ends,
/// however it ends, so there are no stale locks.
#[derive(Debug)]
pub(super) struct WriteLock {
    _file: File,
}

impl WriteLock {
    pub(super) fn acquire(dir: &Path) -> Result<Self, DatasetError> {
        let path = dir.join(".lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(DatasetError::io("open", &path))?;
        match lock_with_retry(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The ID only names the holder in the error message, so a failed read is ignored.
                let _ = file.read_to_string(&mut pid);
                let holder = match pid.trim().parse::<u32>() {
                    Ok(pid) => format!("process {pid}"),
                    Err(_) => "another process".to_owned(),
                };
                return Err(DatasetError::Locked { dir: dir.to_path_buf(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(DatasetError::io("lock", &path)(e)),
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(DatasetError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
