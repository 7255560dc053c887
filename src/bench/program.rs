//! Startup time and size of the program.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};

/// Startup time and size of the program.
pub(super) fn program(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let own = std::env::current_exe()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let status =
            Command::new(&own).args(["scenes", "list"]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            return Err(BenchError::Program(format!("{} scenes list: {status}", own.display())));
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut out = vec![Measurement::new("program/scenes_list", median(&times), "ms").compared_to(50.0, "budget")];
    // Without a display there is no first frame.
    if let Some(seconds) = first_frame(&own, options)? {
        out.push(Measurement::new("program/first_frame", seconds * 1e3, "ms"));
    }
    if let Some(bytes) = stripped_size(&own)? {
        out.push(Measurement::new("program/size_stripped", bytes as f64 / 1e6, "MB").compared_to(90.0, "budget"));
    }
    Ok(out)
}

/// Time from the start of the app to its first frame, s; `None` without a display.
fn first_frame(own: &Path, options: &Options) -> Result<Option<f64>, BenchError> {
    let mut times = Vec::new();
    // Temporary folders: the app would recover journals in the user's datasets.
    let dir = tempfile::tempdir()?;
    for _ in 0..ROUNDS {
        options.check_stop()?;
        let mut app = Command::new(own);
        app.args(["play", "circuit", "--frames", "3", "--json"]);
        app.arg("--datasets").arg(dir.path().join("datasets")).arg("--runs").arg(dir.path().join("runs"));
        let ended = app.stderr(Stdio::null()).output()?;
        let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        match answer["first_frame_seconds"].as_f64() {
            Some(seconds) => times.push(seconds),
            None => return Ok(None),
        }
    }
    Ok(Some(median(&times)))
}

/// Size of the stripped program, bytes; `None` where there is no `strip`.
fn stripped_size(own: &Path) -> Result<Option<u64>, BenchError> {
    let dir = tempfile::tempdir()?;
    let stripped = dir.path().join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(own).stderr(Stdio::null()).status();
    Ok(match done {
        Ok(status) if status.success() => Some(std::fs::metadata(&stripped)?.len()),
        _ => None,
    })
}
