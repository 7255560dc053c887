//! The settings that `--set` gives.

use anyhow::anyhow;
use clap::builder::RangedU64ValueParser;

use super::exit::Failure;

/// The seed of a training: a run's `config.toml` holds it, and TOML's integers have 63 bits and a sign.
pub fn training_seed() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs())
}

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
