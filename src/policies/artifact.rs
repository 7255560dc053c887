//! The policy folder on disk: `config.json` and `model.safetensors`, the file names of Hugging Face and LeRobot.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::PolicyError;
pub use super::hash::hex;
pub use super::policy_config::{PolicyConfig, Provenance, TASK_FIELD};
pub use super::stored_tensors::{StoredTensors, WEIGHTS_FILE, write_tensors};

/// Name of the configuration file in a policy folder.
pub const CONFIG_FILE: &str = "config.json";

/// The policy folder of `path`: `path` itself, or the `best` or else the `last` policy of a run folder.
///
/// # Errors
/// [`PolicyError::NotFound`] when none of them holds a `config.json`.
pub fn resolve_policy_dir(path: &Path) -> Result<PathBuf, PolicyError> {
    [path.to_path_buf(), path.join("best"), path.join("last")]
        .into_iter()
        .map(|dir| existing_or_previous(&dir))
        .find(|dir| dir.join(CONFIG_FILE).is_file())
        .ok_or_else(|| PolicyError::NotFound { path: path.to_path_buf() })
}

/// Read and check `<dir>/config.json`.
///
/// # Errors
/// The file is missing, is not JSON of this shape, or breaks an invariant of [`PolicyConfig::check`].
pub fn read_config(dir: &Path) -> Result<PolicyConfig, PolicyError> {
    let path = dir.join(CONFIG_FILE);
    let text = fs::read(&path).map_err(PolicyError::io("read", &path))?;
    let config: PolicyConfig = serde_json::from_slice(&text)
        .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
    config.check().map_err(|message| PolicyError::Config { path, message })?;
    Ok(config)
}

/// Write `config.json` into `dir`.
///
/// # Errors
/// The file cannot be written.
pub fn write_config(dir: &Path, config: &PolicyConfig) -> Result<(), PolicyError> {
    let path = dir.join(CONFIG_FILE);
    let text = serde_json::to_vec_pretty(config)
        .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
    fs::write(&path, text).map_err(PolicyError::io("write", &path))
}

/// Replace a folder atomically: `fill` writes into a temporary folder beside `target`, which is flushed to the disk and
/// then renamed to `target`. An interruption between the two renames leaves the previous content as `.<name>.previous`,
/// which [`existing_or_previous`] finds.
///
/// # Errors
/// An error of `fill`, or a folder that cannot be created, flushed or renamed.
pub fn replace_dir<E: From<PolicyError>>(target: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(PolicyError::io("create the folder", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".writing-")
        .tempdir_in(parent)
        .map_err(PolicyError::io("create a folder in", parent))?;
    fill(temporary.path())?;
    flush(temporary.path())?;
    let previous = previous_dir(target);
    if target.exists() {
        if previous.exists() {
            fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
        }
        fs::rename(target, &previous).map_err(PolicyError::io("rename", target))?;
    }
    fs::rename(temporary.path(), target).map_err(PolicyError::io("rename a folder to", target))?;
    // The folder was renamed, so that the guard has nothing to remove.
    let _renamed = temporary.keep();
    if previous.exists() {
        fs::remove_dir_all(&previous).map_err(PolicyError::io("remove", &previous))?;
    }
    sync(parent)?;
    Ok(())
}

/// `dir`, or the previous content that an interrupted [`replace_dir`] left.
pub fn existing_or_previous(dir: &Path) -> PathBuf {
    let previous = previous_dir(dir);
    if !dir.exists() && previous.exists() { previous } else { dir.to_path_buf() }
}

fn previous_dir(dir: &Path) -> PathBuf {
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    dir.with_file_name(format!(".{name}.previous"))
}

/// Flush a folder's files and the folder itself to the disk.
fn flush(dir: &Path) -> Result<(), PolicyError> {
    for entry in fs::read_dir(dir).map_err(PolicyError::io("read", dir))? {
        let path = entry.map_err(PolicyError::io("read", dir))?.path();
        File::open(&path).and_then(|f| f.sync_all()).map_err(PolicyError::io("flush", &path))?;
    }
    sync(dir)
}

/// Flush a folder's entries, which is possible on Unix only.
fn sync(dir: &Path) -> Result<(), PolicyError> {
    if cfg!(unix) {
        File::open(dir).and_then(|f| f.sync_all()).map_err(PolicyError::io("flush", dir))?;
    }
    Ok(())
}
