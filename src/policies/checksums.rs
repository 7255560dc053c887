//! Checksums of the files of a policy or checkpoint folder, and of a JSON file: a number that was changed afterwards, by a
//! fault of the disk or by hand, is an error and not another policy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use super::PolicyError;
use super::hash::{file_hash, hex};

/// Name of the file with the checksums of a folder: a JSON object of file names and XXH3 hashes in hexadecimal.
pub const CHECKSUMS_FILE: &str = "checksums.json";
/// Attempts to read a folder that is being replaced.
const ATTEMPTS: usize = 3;

/// The files of a folder and its subfolders, by their paths in it with `/`.
fn files(dir: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) -> Result<(), PolicyError> {
    for entry in fs::read_dir(dir).map_err(PolicyError::io("read", dir))? {
        let path = entry.map_err(PolicyError::io("read", dir))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            files(&path, &format!("{prefix}{name}/"), found)?;
        } else if name != CHECKSUMS_FILE {
            found.insert(format!("{prefix}{name}"), path);
        }
    }
    Ok(())
}

/// Write the checksums of all files in `dir`, and those of each subfolder into it: it may be read by itself.
///
/// # Errors
/// A file cannot be read, or the checksums cannot be written.
pub fn write_checksums(dir: &Path) -> Result<(), PolicyError> {
    for entry in fs::read_dir(dir).map_err(PolicyError::io("read", dir))? {
        let path = entry.map_err(PolicyError::io("read", dir))?.path();
        if path.is_dir() {
            write_checksums(&path)?;
        }
    }
    let mut found = BTreeMap::new();
    files(dir, "", &mut found)?;
    let hashes = found.into_iter().map(|(name, path)| Ok((name, file_hash(&path)?)));
    let hashes: BTreeMap<String, String> = hashes.collect::<Result<_, PolicyError>>()?;
    let path = dir.join(CHECKSUMS_FILE);
    let text = serde_json::to_vec_pretty(&hashes)
        .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
    fs::write(&path, text).map_err(PolicyError::io("write", &path))
}

/// Check that the files in `dir` are those that were saved there. A folder without checksums, such as one that another
/// program wrote, is accepted.
///
/// # Errors
/// [`PolicyError::Weights`] with the first file that is missing or has changed, or a file that cannot be read.
pub fn check_checksums(dir: &Path) -> Result<(), PolicyError> {
    let path = dir.join(CHECKSUMS_FILE);
    for attempt in 1.. {
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) => return Err(PolicyError::io("read", &path)(error)),
        };
        let result = compare(dir, &path, &text);
        // Training may have replaced the folder in between.
        if result.is_ok() || attempt == ATTEMPTS || fs::read(&path).is_ok_and(|now| now == text) {
            return result;
        }
    }
    Ok(())
}

fn compare(dir: &Path, path: &Path, text: &[u8]) -> Result<(), PolicyError> {
    let hashes: BTreeMap<String, String> = serde_json::from_slice(text)
        .map_err(|e| PolicyError::Config { path: path.to_path_buf(), message: e.to_string() })?;
    for (name, hash) in hashes {
        let path = dir.join(&name);
        if file_hash(&path)? != hash {
            let message = format!("it is not the file that was saved (its checksum in {CHECKSUMS_FILE} differs)");
            return Err(PolicyError::Weights { path, message });
        }
    }
    Ok(())
}

/// What separates the checksum from the content in [`json_with_checksum`].
const SEPARATOR: &str = "\",\n\"content\": ";
/// What stands before the checksum.
const OPENING: &str = "{\n\"checksum\": \"";
/// What stands after the content.
const CLOSING: &str = "\n}\n";

/// `content` as a JSON object with its checksum.
///
/// # Errors
/// `content` cannot be written as JSON.
pub fn json_with_checksum(content: &impl Serialize) -> Result<String, serde_json::Error> {
    let content = serde_json::to_string_pretty(content)?;
    let checksum = hex(xxh3_64(content.as_bytes()));
    Ok([OPENING, &checksum, SEPARATOR, &content, CLOSING].concat())
}

/// Read what [`json_with_checksum`] wrote.
///
/// # Errors
/// A message: the text has another form, or another checksum.
pub fn read_json_with_checksum<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let inner = text.strip_prefix(OPENING).and_then(|rest| rest.strip_suffix(CLOSING));
    let (checksum, content) = inner.and_then(|inner| inner.split_once(SEPARATOR)).ok_or("it has no checksum")?;
    if checksum != hex(xxh3_64(content.as_bytes())) {
        return Err("its content has another checksum: it was changed after it was written".into());
    }
    serde_json::from_str(content).map_err(|error| error.to_string())
}
