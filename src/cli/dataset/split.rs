//! `apprentice dataset split`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::selection::EpisodeSelection;
use crate::cli::{Failure, Output};
use crate::demos::{Dataset, DatasetError, NewDataset};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset split demos/slalom 0-3 --out demos/few
  apprentice dataset split demos/slalom --shorter 5s --out demos/short --rest demos/long")]
pub struct SplitArguments {
    /// The dataset's folder; it is not changed
    dir: PathBuf,
    #[command(flatten)]
    episodes: EpisodeSelection,
    /// The folder of the new dataset with the selected episodes; it must not exist
    #[arg(long)]
    out: PathBuf,
    /// The folder of a new dataset with the other episodes; it must not exist
    #[arg(long)]
    rest: Option<PathBuf>,
}

pub fn split(arguments: &SplitArguments, output: &Output) -> Result<(), Failure> {
    if arguments.rest.as_ref() == Some(&arguments.out) {
        return Err(Failure::usage(anyhow!("--out and --rest are the same folder; give two")));
    }
    let dataset = Dataset::open(&arguments.dir).map_err(Failure::failed)?;
    let selected = arguments.episodes.of(&dataset)?;
    let others: BTreeSet<usize> = (0..dataset.len()).filter(|episode| !selected.contains(episode)).collect();
    if selected.is_empty() || arguments.rest.is_some() && others.is_empty() {
        let (which, dir) = if selected.is_empty() { ("no", "--out") } else { ("every", "--rest") };
        return Err(Failure::usage(anyhow!(
            "{which} episode of {} is selected, so that the dataset of {dir} would be empty; nothing was written",
            arguments.dir.display()
        )));
    }
    let bar = output.bar(dataset.len() as u64, "copying");
    let copy = |out: &Path, episodes: &BTreeSet<usize>| -> Result<NewDataset, DatasetError> {
        let mut new = NewDataset::create(out, &dataset)?;
        for episode in episodes {
            new.add(&dataset, *episode)?;
            bar.inc(1);
        }
        Ok(new)
    };
    // Both are written whole before the first appears.
    let new = copy(&arguments.out, &selected).map_err(Failure::failed)?;
    let rest = arguments.rest.as_ref().map(|rest| copy(rest, &others)).transpose().map_err(Failure::failed)?;
    bar.finish_and_clear();
    let mut written = vec![finish(new, &arguments.out, output)?];
    if let (Some(new), Some(out)) = (rest, &arguments.rest) {
        written.push(finish(new, out, output)?);
    }
    output.line(format_args!("{} is unchanged, with {} episodes", arguments.dir.display(), dataset.len()));
    output.object(&json!({ "dataset": arguments.dir, "written": written }));
    Ok(())
}

fn finish(new: NewDataset, out: &Path, output: &Output) -> Result<Value, Failure> {
    let (episodes, ticks) = (new.len(), new.total_ticks());
    new.finish().map_err(Failure::failed)?;
    output.line(format_args!("{}: {episodes} episodes, {ticks} ticks", out.display()));
    Ok(json!({ "dataset": out, "total_episodes": episodes, "total_ticks": ticks }))
}
