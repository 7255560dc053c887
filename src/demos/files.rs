//! Atomic file writes (temporary file, fsync, rename) and the lock that excludes a second writer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::error::DatasetError;
use crate::storage::{LockError, LockFile, sync_folder};

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
        // A leftover; or a link that came with the folder, which is not followed.
        remove(&temp)?;
        let created = OpenOptions::new().write(true).create_new(true).open(&temp);
        let mut file = created.map_err(DatasetError::io("create", &temp))?;
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

/// Make renames and removals in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), DatasetError> {
    sync_folder(dir).map_err(DatasetError::io("fsync", dir))
}

/// Open a file for reading. A pipe or a device in its place is refused: to read it may never end.
pub(super) fn open(path: &Path) -> Result<File, DatasetError> {
    let found = fs::metadata(path).map_err(DatasetError::io("read", path))?;
    if !found.is_file() {
        return Err(DatasetError::NotAFile { path: path.to_path_buf() });
    }
    File::open(path).map_err(DatasetError::io("read", path))
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    Ok(bytes)
}

/// The xxh3 hash of a file, read in blocks of 64 KiB.
pub(super) fn hash_file(path: &Path) -> Result<u64, DatasetError> {
    let mut file = open(path)?;
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

/// How long an append waits for another writer of the dataset. An append takes some hundredths of a second.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// Acquire the write lock of the dataset in `dir`, and check that none of the folders that the holder writes is a link.
pub(super) fn lock(dir: &Path) -> Result<LockFile, DatasetError> {
    let lock = LockFile::acquire(&dir.join(".lock"), LOCK_PATIENCE).map_err(|error| match error {
        LockError::Held { holder, .. } => DatasetError::Locked { dir: dir.to_path_buf(), holder },
        LockError::NotAFile { path } => DatasetError::NotAFile { path },
        LockError::Io { action, path, source } => DatasetError::Io { action, path, source },
    })?;
    for folder in FOLDERS.map(|name| dir.join(name)) {
        check_no_link(&folder)?;
    }
    for folder in ["data", "meta/episodes"].map(|name| dir.join(name)) {
        list(&folder)?.iter().try_for_each(|chunk| check_no_link(chunk))?;
    }
    Ok(lock)
}

/// The folders of a dataset that a writer writes, besides those of the chunks.
const FOLDERS: [&str; 9] =
    ["meta", "meta/episodes", "data", "sim", "sim/scenes", "journal", "claims", ".edit", ".edit.partial"];

/// Check that nothing is written through a link that came with a folder.
pub(super) fn check_no_link(path: &Path) -> Result<(), DatasetError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(DatasetError::NotAFile { path: path.to_path_buf() }),
        _ => Ok(()),
    }
}
