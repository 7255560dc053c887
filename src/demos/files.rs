//! Files that are whole or absent: write beside, fsync, rename; and the lock that keeps a second writer out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::error::DatasetError;

/// Ending of a file being written. A crash may leave one; the next writer removes it.
const PARTIAL: &str = "partial";

/// Create `dir` and its parents, durably.
pub(super) fn create_dir(dir: &Path) -> Result<(), DatasetError> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new(""));
    create_dir(parent)?;
    match fs::create_dir(dir) {
        // Another process was first.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other.map_err(DatasetError::io("create the folder", dir)),
    }?;
    sync_dir(parent)
}

/// Put `bytes` at `path` so that a crash at any moment leaves the old file or the new one. Only the holder of the
/// dataset's lock may call it: the name beside is fixed.
pub(super) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    create_dir(dir)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{PARTIAL}"));
    let beside = PathBuf::from(beside);
    let written = (|| -> Result<(), DatasetError> {
        let mut file = File::create(&beside).map_err(DatasetError::io("create", &beside))?;
        file.write_all(bytes).map_err(DatasetError::io("write", &beside))?;
        file.sync_all().map_err(DatasetError::io("write to disk", &beside))?;
        fs::rename(&beside, path).map_err(DatasetError::io("put in place", path))
    })();
    if written.is_err() {
        // The first error is the one to report; a leftover is removed by the next writer.
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_dir(dir)
}

/// Make renames and removals in `dir` durable. Windows has no such call and needs none.
pub(super) fn sync_dir(dir: &Path) -> Result<(), DatasetError> {
    if cfg!(unix) {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        File::open(dir).and_then(|d| d.sync_all()).map_err(DatasetError::io("write to disk", dir))?;
    }
    Ok(())
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DatasetError> {
    fs::read(path).map_err(DatasetError::io("read", path))
}

/// The file's xxh3 hash, without holding it in memory.
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

/// Remove a file; that it is already gone is no error.
pub(super) fn remove(path: &Path) -> Result<(), DatasetError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(DatasetError::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// The entries of `dir` in order of name; none when it does not exist.
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

/// Remove what an interrupted [`write_atomic`] left directly in `dir`.
pub(super) fn remove_partials(dir: &Path) -> Result<(), DatasetError> {
    for path in list(dir)? {
        if path.extension().is_some_and(|e| e == PARTIAL) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// How long a lock may be held by nobody: a process that is being started has copies of its parent's open files, and so
/// of locks that the parent has let go of, until it runs its own program.
const STARTING: Duration = Duration::from_millis(300);

/// Lock a file, or find within a moment that somebody else holds it.
///
/// # Errors
/// As [`File::try_lock`].
pub fn lock_soon(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < STARTING => std::thread::sleep(STARTING / 30),
            answer => return answer,
        }
    }
}

/// Holds the dataset against other writers while it lives. The operating system releases it with the process, however
/// that ends, so no stale lock can stay.
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
        match lock_soon(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only to name the holder; without it the error still tells what to do.
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
