//! `apprentice dataset merge`

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use crate::cli::{Failure, Output};
use crate::demos::{Dataset, DatasetError, NewDataset};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset merge demos/slalom demos/circuit --out demos/both")]
pub struct MergeArguments {
    /// The folders of the datasets, in the order of the new one; they are not changed
    #[arg(required = true, num_args = 2..)]
    dirs: Vec<PathBuf>,
    /// The folder of the new dataset; it must not exist
    #[arg(long)]
    out: PathBuf,
}

pub fn merge(arguments: &MergeArguments, output: &Output) -> Result<(), Failure> {
    let datasets: Vec<Dataset> =
        arguments.dirs.iter().map(Dataset::open).collect::<Result<_, DatasetError>>().map_err(Failure::failed)?;
    if datasets.iter().all(Dataset::is_empty) {
        return Err(Failure::usage(anyhow!("none of these datasets has an episode; nothing was written")));
    }
    let mut new = NewDataset::create(&arguments.out, &datasets[0]).map_err(Failure::failed)?;
    let bar = output.bar(datasets.iter().map(Dataset::len).sum::<usize>() as u64, "copying");
    let mut sources = Vec::new();
    for (dir, dataset) in arguments.dirs.iter().zip(&datasets) {
        let mut added = 0;
        for episode in 0..dataset.len() {
            let is_new = new.add(dataset, episode).map_err(|error| of_another_kind(error, dir, &arguments.dirs[0]))?;
            added += usize::from(is_new);
            bar.inc(1);
        }
        sources.push((dir, added, dataset.len() - added));
    }
    bar.finish_and_clear();
    let (episodes, ticks) = (new.len(), new.total_ticks());
    new.finish().map_err(Failure::failed)?;
    output.line(format_args!("{}: {episodes} episodes, {ticks} ticks", arguments.out.display()));
    for (dir, added, repeated) in &sources {
        let note = if *repeated > 0 { format!("; {repeated} more are there already") } else { String::new() };
        output.line(format_args!("  {added} episodes of {}{note}", dir.display()));
    }
    let sources: Vec<_> = sources
        .iter()
        .map(|(dir, added, repeated)| json!({ "dataset": dir, "added": added, "already_there": repeated }))
        .collect();
    output.object(&json!({
        "dataset": arguments.out,
        "total_episodes": episodes,
        "total_ticks": ticks,
        "sources": sources,
    }));
    Ok(())
}

/// The failure of copying an episode of `dir` into a dataset that begins with the episodes of `first`.
fn of_another_kind(error: DatasetError, dir: &Path, first: &Path) -> Failure {
    match error {
        DatasetError::Mismatch { differences, .. } => Failure::usage(anyhow!(
            "the episodes of {} do not fit those of {}: {}; nothing was written. Merge datasets of one kind of agent, with \
             the same observations, actions and reward terms",
            dir.display(),
            first.display(),
            differences.join("; ")
        )),
        other => Failure::failed(other),
    }
}
