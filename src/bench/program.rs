//! What the program itself costs: its start and its size.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};

/// The start of the program, and how large it is.
pub(super) fn program(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let own = std::env::current_exe()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let ended = Command::new(&own).args(["scenes", "list"]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !ended.success() {
            return Err(BenchError::Program(format!("{} scenes list: {ended}", own.display())));
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let mut out = vec![Measurement::new("program/scenes_list", median(&times), "ms").held_against(50.0, "budget")];
    // Where there is no screen there is no first frame.
    if let Some(seconds) = first_frame(&own, options)? {
        out.push(Measurement::new("program/first_frame", seconds * 1e3, "ms"));
    }
    if let Some(bytes) = stripped_size(&own)? {
        out.push(Measurement::new("program/size_stripped", bytes as f64 / 1e6, "MB").held_against(90.0, "budget"));
    }
    Ok(out)
}

/// From the start of the app to its first frame, s.
fn first_frame(own: &Path, options: &Options) -> Result<Option<f64>, BenchError> {
    let mut times = Vec::new();
    // Datasets and runs of its own: the app takes up what a crash left in the user's.
    let dir = tempfile::tempdir()?;
    for _ in 0..ROUNDS {
        options.go_on()?;
        let mut app = Command::new(own);
        app.args(["play", "circuit", "--frames", "3", "--json"]);
        app.arg("--datasets").arg(dir.path().join("datasets")).arg("--runs").arg(dir.path().join("runs"));
        let ended = app.stderr(Stdio::null()).output()?;
        let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        match answer["first_frame_s"].as_f64() {
            Some(seconds) => times.push(seconds),
            None => return Ok(None),
        }
    }
    Ok(Some(median(&times)))
}

/// Size of the program without its symbols, bytes; `None` where there is no `strip`.
fn stripped_size(own: &Path) -> Result<Option<u64>, BenchError> {
    let dir = tempfile::tempdir()?;
    let stripped = dir.path().join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(own).stderr(Stdio::null()).status();
    Ok(match done {
        Ok(status) if status.success() => Some(std::fs::metadata(&stripped)?.len()),
        _ => None,
    })
}
