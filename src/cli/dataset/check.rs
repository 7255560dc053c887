//! `apprentice dataset check`

use std::path::PathBuf;

use serde_json::json;

use super::changed::warn_of_change;
use crate::cli::exit::print_error;
use crate::cli::load::scene_of;
use crate::cli::{Failure, Output};
use crate::demos::Dataset;
use crate::rollout::check_dataset;

pub fn check(dir: &PathBuf, output: &Output) -> Result<(), Failure> {
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    if !dataset.is_empty() {
        warn_of_change(&dataset.read(0).map_err(Failure::failed)?);
    }
    let bar = output.bar(dataset.len() as u64, "checking");
    let report = check_dataset(&dataset, scene_of, |n| bar.set_position(n as u64));
    bar.finish_and_clear();
    let report = report.map_err(Failure::failed)?;
    output.line(format_args!(
        "{}: {} episodes, {} ticks, {} of them diverged",
        dir.display(),
        report.episodes,
        report.ticks,
        report.diverged
    ));
    for (episode, tick) in &report.first_divergences {
        output.line(format_args!("  episode {episode} diverges at tick {tick}"));
    }
    output.object(&json!({
        "total_episodes": report.episodes,
        "total_ticks": report.ticks,
        "diverged_ticks": report.diverged,
        "first_divergences": report.first_divergences,
    }));
    if report.diverged > 0 {
        print_error(format_args!(
            "error: {} of {} ticks differ from the recording; it was made by another build of the program",
            report.diverged, report.ticks
        ));
        return Err(Failure::Reported);
    }
    Ok(())
}
