//! The recordings beside a dataset that were not ended by word, as the commands that write it report them.

use std::path::Path;

use super::exit::{Failure, Output};
use crate::demos::{Recovery, recover_kept};

/// Append the recordings that had been kept when the program ended, and report them and the takes that wait.
pub fn recover(dir: &Path, output: &Output) -> Result<Recovery, Failure> {
    let recovery = recover_kept(dir).map_err(Failure::failed)?;
    if !recovery.appended.is_empty() {
        output.line(format_args!("recovered {} kept episode(s) of an interrupted recording", recovery.appended.len()));
    }
    if recovery.waiting > 0 {
        output.line(format_args!(
            "{} recovered take(s) wait beside the dataset; `apprentice dataset recovered {}` lists them",
            recovery.waiting,
            dir.display()
        ));
    }
    for error in &recovery.failed {
        bevy::log::warn!("{error}");
    }
    Ok(recovery)
}
