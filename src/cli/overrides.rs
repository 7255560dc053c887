//! The settings that `--set` gives.

use anyhow::anyhow;

use super::exit::Failure;

/// Whether `--set` gives this setting.
pub fn sets(set: &[String], key: &str) -> bool {
    set.iter().any(|set| set.split('=').next().is_some_and(|name| name.trim() == key))
}

/// Refuse `--set` for a setting that an option of its own gives, too.
pub fn refuse_duplicate(set: &[String], given: bool, option: &str, key: &str) -> Result<(), Failure> {
    if given && sets(set, key) {
        return Err(Failure::usage(anyhow!("{option} sets {key} already; leave --set {key} out")));
    }
    Ok(())
}
