//! `apprentice dataset trim`

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Value, json};

use super::selection::{EpisodeSelection, Length};
use crate::cli::load::scene_of;
use crate::cli::{Failure, Output};
use crate::demos::{Dataset, Episode, EpisodeSummary};
use crate::rollout::trim_start;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset trim demos/slalom 3 --end 1.5s
  apprentice dataset trim demos/slalom 0-9 --start 2s")]
pub struct TrimArguments {
    /// The dataset's folder
    dir: PathBuf,
    #[command(flatten)]
    episodes: EpisodeSelection,
    /// Remove this much from the start: seconds (2s) or ticks (60)
    #[arg(long, value_name = "LENGTH", required_unless_present = "end")]
    start: Option<Length>,
    /// Remove this much from the end: seconds (2s) or ticks (60)
    #[arg(long, value_name = "LENGTH")]
    end: Option<Length>,
}

/// The ticks that are removed from an episode.
#[derive(Clone, Copy)]
struct Cut {
    start: usize,
    end: usize,
}

impl Cut {
    fn apply(self, episode: &Episode) -> anyhow::Result<Episode> {
        let kept = episode.slice(0..episode.len() - self.end);
        Ok(if self.start == 0 { kept } else { trim_start(&scene_of(episode)?, &kept, self.start)? })
    }
}

pub fn trim(arguments: &TrimArguments, output: &Output) -> Result<(), Failure> {
    let dir = &arguments.dir;
    let mut dataset = Dataset::open_locked(dir).map_err(Failure::failed)?;
    let selected = arguments.episodes.of(&dataset)?;
    let ticks = |length: Option<Length>| length.map_or(0, |length| length.ticks(dataset.control_dt()));
    let cut = Cut { start: ticks(arguments.start), end: ticks(arguments.end) };
    let before: Vec<EpisodeSummary> =
        dataset.summaries().iter().filter(|row| selected.contains(&row.episode)).cloned().collect();
    if let Some(row) = before.iter().find(|row| row.length <= cut.start.saturating_add(cut.end)) {
        return Err(Failure::usage(anyhow!(
            "episode {} has {} ticks, and {} would be removed; nothing was changed. Remove it with `apprentice dataset \
             delete {} {}`, or trim less",
            row.episode,
            row.length,
            cut.start.saturating_add(cut.end),
            dir.display(),
            row.episode
        )));
    }
    if !selected.is_empty() && cut.start + cut.end > 0 {
        let bar = output.bar(selected.len() as u64, "trimming");
        let result = dataset.replace(&selected, |number, episode| {
            bar.inc(1);
            cut.apply(&episode).with_context(|| format!("episode {number}"))
        });
        bar.finish_and_clear();
        result.map_err(Failure::Failed)?;
    }
    report(dir, &dataset, &before, cut, output);
    Ok(())
}

fn report(dir: &PathBuf, dataset: &Dataset, before: &[EpisodeSummary], cut: Cut, output: &Output) {
    output.line(format_args!(
        "{}: trimmed {} of {} episodes; {} ticks removed at the start and {} at the end of each",
        dir.display(),
        before.len(),
        dataset.len(),
        cut.start,
        cut.end
    ));
    let mut episodes: Vec<Value> = Vec::new();
    for old in before {
        let new = &dataset.summaries()[old.episode];
        let lost = if old.success && !new.success { "; it is no longer successful" } else { "" };
        output.line(format_args!("  episode {}: {} of {} ticks are kept{lost}", old.episode, new.length, old.length));
        episodes.push(json!({
            "episode_index": old.episode, "length_before": old.length, "length": new.length, "success": new.success,
        }));
    }
    output.object(&json!({
        "dataset": dir,
        "removed_at_start": cut.start,
        "removed_at_end": cut.end,
        "trimmed": episodes,
        "total_episodes": dataset.len(),
        "total_ticks": dataset.total_ticks(),
    }));
}
