//! What the program itself costs: its start and its size.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};

/// The start of the program, and how large it is.
pub(super) fn program(_options: &Options) -> Result<Vec<Measurement>, BenchError> {
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
    if let Some(bytes) = size(&own) {
        out.push(Measurement::new("program/size", bytes as f64 / 1e6, "MB").held_against(90.0, "budget, stripped"));
    }
    Ok(out)
}

/// Size of the program's file, bytes.
fn size(own: &Path) -> Option<u64> {
    std::fs::metadata(own).ok().map(|m| m.len())
}
