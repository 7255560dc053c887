//! `apprentice dataset plot`

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use crate::cli::load::scene_of;
use crate::cli::{Failure, Output, plot};
use crate::demos::Dataset;
use crate::rollout::trace_episode;

pub fn plot_trajectories(dir: &PathBuf, out: &PathBuf, output: &Output) -> Result<(), Failure> {
    /// More trajectories than this hide each other.
    const MAX_EPISODES: usize = 40;
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    let count = dataset.len().min(MAX_EPISODES);
    let bar = output.bar(count as u64, "re-simulating");
    let mut traces = Vec::new();
    for number in 0..count {
        let episode = dataset.read(number).map_err(Failure::failed)?;
        let scene = scene_of(&episode).map_err(Failure::failed)?;
        let trace = trace_episode(&scene, &episode).with_context(|| format!("episode {number}"));
        traces.push(trace.map_err(Failure::failed)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let title = format!("{} of {} episodes", traces.len(), dataset.len());
    plot::trajectories(out, &title, &traces, &[]).map_err(Failure::Failed)?;
    output.line(format_args!("{}: {} trajectories", out.display(), traces.len()));
    output.object(&json!({ "out": out, "episodes": traces.len() }));
    Ok(())
}
