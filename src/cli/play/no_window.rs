//! `apprentice play` in a build without a window.

use super::arguments::PlayArguments;
use crate::cli::{Failure, Output};

/// The error of a build without the `desktop` feature.
fn no_window() -> Failure {
    Failure::failed(anyhow::anyhow!(
        "this build has no window; run `cargo build --release` (the feature `desktop` is enabled by default), or use a \
         command that needs no window, such as `apprentice quickstart`"
    ))
}

pub fn run(_arguments: &PlayArguments, _output: &Output) -> Result<(), Failure> {
    Err(no_window())
}

pub fn open(_output: &Output) -> Result<(), Failure> {
    Err(no_window())
}
