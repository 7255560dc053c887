//! Files and folders that are replaced whole: written beside their destination, flushed, and renamed.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What is being written has a name of this prefix and [`ID_LENGTH`] hexadecimal digits.
const PREFIX: &str = ".writing-";
const ID_LENGTH: usize = 16;
/// Prefixes of earlier versions, which six letters or digits followed.
const EARLIER_PREFIXES: [&str; 2] = [PREFIX, ".tmp"];
const EARLIER_ID_LENGTH: usize = 6;
/// Earlier versions did not lock what they wrote. They wrote nothing for as long as this.
const EARLIER_AGE: Duration = Duration::from_secs(3600);
/// Attempts to find a name that no other process takes or removes.
const TRIES: usize = 16;

/// A new name in `folder`, for what is being written.
fn new_name(folder: &Path) -> PathBuf {
    // Each `RandomState` has other keys.
    folder.join(format!("{PREFIX}{:016x}", RandomState::new().hash_one(std::process::id())))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Write `bytes` to `path` atomically: a crash at any moment leaves the old file or the new one. A link at `path` is
/// replaced, not followed. Leftovers in the folder are removed first ([`remove_leftovers`]).
///
/// # Errors
/// The file cannot be written, or the folder does not exist.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    remove_leftovers(folder);
    let (name, mut file) = new_file(folder)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&name, path));
    if written.is_err() {
        // The write error is the one to report. If the removal fails too, the next writer removes the file.
        let _ = fs::remove_file(&name);
    }
    written?;
    sync_folder(folder)
}

/// Create a locked file of a new name in `folder`.
fn new_file(folder: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..TRIES {
        let name = new_name(folder);
        let file = match OpenOptions::new().write(true).create_new(true).open(&name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            other => other?,
        };
        // Another writer may take the file for a leftover before it is locked.
        if file.try_lock().is_ok() && name.exists() {
            return Ok((name, file));
        }
        let _ = fs::remove_file(&name);
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, format!("cannot create a file in {}", folder.display())))
}

/// A folder that is being written beside its destination. If it is dropped without [`NewFolder::rename`], it is removed.
#[derive(Debug)]
pub struct NewFolder {
    path: PathBuf,
    is_renamed: bool,
    /// Locked while the folder is being written; `None` where folders cannot be locked, outside Unix.
    _lock: Option<File>,
}

impl NewFolder {
    /// Create an empty folder in the folder `parent`, whose leftovers are removed first ([`remove_leftovers`]).
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn create_in(parent: &Path) -> io::Result<Self> {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        remove_leftovers(parent);
        for _ in 0..TRIES {
            let path = new_name(parent);
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                other => other?,
            }
            if cfg!(not(unix)) {
                return Ok(Self { path, is_renamed: false, _lock: None });
            }
            // Another writer may take the folder for a leftover before it is locked.
            if let Ok(lock) = File::open(&path)
                && lock.try_lock().is_ok()
                && path.exists()
            {
                return Ok(Self { path, is_renamed: false, _lock: Some(lock) });
            }
        }
        Err(io::Error::new(ErrorKind::AlreadyExists, format!("cannot create a folder in {}", parent.display())))
    }

    /// The folder while it is being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Give the folder its name, which must be in the same folder and not exist.
    ///
    /// # Errors
    /// The folder cannot be renamed.
    pub fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.is_renamed {
            // The next writer removes the folder if this fails.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Remove the files and folders of killed writers in `folder`: those with a name that this module gives and that no
/// process holds. What cannot be removed stays.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let has_name = |prefix: &str, length| {
            name.strip_prefix(prefix)
                .is_some_and(|id| id.len() == length && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        let is_current = has_name(PREFIX, ID_LENGTH);
        if !is_current && !EARLIER_PREFIXES.iter().any(|prefix| has_name(prefix, EARLIER_ID_LENGTH)) {
            continue;
        }
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let is_old =
            || found.modified().is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|d| d > EARLIER_AGE));
        if !(found.is_dir() || found.is_file()) || !(is_current || is_old()) {
            continue;
        }
        // A folder can be opened and locked on Unix only; elsewhere it may be in use.
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_ok() {
            // Another writer may have removed it at the same time.
            let _ = if found.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Make renames and removals in `folder` durable with an fsync of the folder. Windows has no such call and needs none.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
