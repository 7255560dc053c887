//! Hashes as the policy folder stores them.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::PolicyError;

/// A 64-bit hash as 16 hexadecimal digits.
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Hash of a file's bytes, in hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn file_hash(path: &Path) -> Result<String, PolicyError> {
    Ok(hex(xxh3_64(&std::fs::read(path).map_err(PolicyError::io("read", path))?)))
}
