//! `apprentice dataset delete`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::selection::{EpisodeSelection, line, object};
use crate::cli::{Failure, Output};
use crate::demos::{Dataset, EpisodeSummary};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset delete demos/slalom 3,7-9
  apprentice dataset delete demos/slalom --failed --shorter 2s --dry-run")]
pub struct DeleteArguments {
    /// The dataset's folder
    dir: PathBuf,
    #[command(flatten)]
    episodes: EpisodeSelection,
    /// Print what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn delete(arguments: &DeleteArguments, output: &Output) -> Result<(), Failure> {
    let dir = &arguments.dir;
    let mut dataset =
        if arguments.dry_run { Dataset::open(dir) } else { Dataset::open_locked(dir) }.map_err(Failure::failed)?;
    let selected = arguments.episodes.of(&dataset)?;
    let removed: Vec<EpisodeSummary> =
        dataset.summaries().iter().filter(|row| selected.contains(&row.episode)).cloned().collect();
    let total = dataset.len();
    if !arguments.dry_run && !removed.is_empty() {
        dataset.delete(&selected).map_err(Failure::failed)?;
    }
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    output.line(format_args!("{}: {verb} {} of {total} episodes", dir.display(), removed.len()));
    removed.iter().for_each(|row| output.line(format_args!("  {}", line(row, dataset.control_dt()))));
    let ticks: usize = removed.iter().map(|row| row.length).sum();
    let kept_ticks = if arguments.dry_run { dataset.total_ticks() - ticks } else { dataset.total_ticks() };
    output.line(format_args!("{} episodes, {kept_ticks} ticks are kept, numbered from 0", total - removed.len()));
    output.object(&json!({
        "dataset": dir,
        "dry_run": arguments.dry_run,
        "removed": removed.iter().map(object).collect::<Vec<_>>(),
        "total_episodes": total - removed.len(),
        "total_ticks": kept_ticks,
    }));
    Ok(())
}
