//! `apprentice dataset recovered`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::selection::NumberRange;
use crate::cli::{Failure, Output};
use crate::demos::{Damage, DatasetError, RecoveredTake, recovered_takes};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset recovered demos/slalom
  apprentice dataset recovered demos/slalom --keep 0,2-3
  apprentice dataset recovered demos/slalom --keep 0 --discard 1
  apprentice dataset recovered demos/slalom --discard all")]
pub struct RecoveredArguments {
    /// The dataset's folder
    dir: PathBuf,
    /// Append these takes to the dataset: their numbers in the list, with ranges, such as 0,2-3; or all
    #[arg(long, value_name = "TAKES")]
    keep: Option<TakeSelection>,
    /// Remove these takes
    #[arg(long, value_name = "TAKES")]
    discard: Option<TakeSelection>,
}

/// Takes by number, from 0.
#[derive(Clone, Debug)]
enum TakeSelection {
    All,
    Numbers(Vec<NumberRange>),
}

impl FromStr for TakeSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.split(',').map(NumberRange::from_str).collect::<Result<_, _>>().map(Self::Numbers)
    }
}

impl TakeSelection {
    /// The selected ones of `count` takes.
    fn of(&self, count: usize) -> Result<BTreeSet<usize>, Failure> {
        let Self::Numbers(ranges) = self else { return Ok((0..count).collect()) };
        match ranges.iter().map(|range| range.last).max().filter(|last| *last >= count) {
            None => Ok(ranges.iter().flat_map(|range| range.first..=range.last).collect()),
            Some(_) if count == 0 => Err(Failure::usage(anyhow!("no recovered take waits"))),
            Some(last) => Err(Failure::usage(anyhow!("the recovered takes are 0 to {}, not {last}", count - 1))),
        }
    }
}

pub fn recovered(arguments: &RecoveredArguments, output: &Output) -> Result<(), Failure> {
    let dir = &arguments.dir;
    if !dir.is_dir() {
        return Err(Failure::failed(DatasetError::NoDataset { dir: dir.clone() }));
    }
    let (mut takes, mut unreadable) = (Vec::new(), Vec::new());
    for found in recovered_takes(dir).map_err(Failure::failed)? {
        match found {
            Ok(take) => takes.push(take),
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let selected = |selection: &Option<TakeSelection>| {
        selection.as_ref().map_or(Ok(BTreeSet::new()), |selection| selection.of(takes.len()))
    };
    let (keep, discard) = (selected(&arguments.keep)?, selected(&arguments.discard)?);
    if let Some(both) = keep.intersection(&discard).next() {
        return Err(Failure::usage(anyhow!("take {both} is in --keep and in --discard; leave it in one")));
    }
    let objects: Vec<Value> = takes.iter().enumerate().map(|(number, take)| object(number, take)).collect();
    let mut kept = Vec::new();
    for (number, take) in takes.iter().enumerate() {
        if keep.contains(&number) {
            kept.push(keep_take(number, take, dir, output)?);
        } else if discard.contains(&number) {
            take.discard().map_err(Failure::failed)?;
            output.line(format_args!("discarded {}", line(number, take)));
        } else {
            output.line(line(number, take));
        }
    }
    unreadable.iter().for_each(|error| output.line(error));
    let waiting = takes.len() - keep.len() - discard.len();
    match waiting {
        0 if takes.is_empty() => output.line(format_args!("{}: no recovered take waits", dir.display())),
        0 => {}
        _ => output
            .line(format_args!("{waiting} recovered take(s) wait; --keep and --discard take their numbers, or all")),
    }
    output.object(&json!({
        "dataset": dir,
        "takes": objects,
        "kept_as": kept,
        "discarded": discard,
        "waiting": waiting,
        "unreadable": unreadable,
    }));
    Ok(())
}

/// Keep a take, and return its index in the dataset.
fn keep_take(number: usize, take: &RecoveredTake, dir: &Path, output: &Output) -> Result<usize, Failure> {
    let index = take.keep(dir).map_err(Failure::failed)?;
    output.line(format_args!("kept as episode {index}: {}", line(number, take)));
    if take.damage.is_some() {
        output.line("  the damaged journal is kept aside in the folder `journal`");
    }
    Ok(index)
}

/// A take in one line.
fn line(number: usize, take: &RecoveredTake) -> String {
    let header = &take.episode.header;
    let success = if take.episode.succeeded() { "successful" } else { "not successful" };
    let finished = if take.finished { ", kept before the program ended" } else { "" };
    let damage = match &take.damage {
        Some(Damage { lost_ticks, lost_bytes }) => format!(
            "; its journal is damaged: {} ticks are recovered, {lost_ticks} between them and {lost_bytes} bytes are lost{}",
            take.episode.len(),
            take.episode
                .first_gap
                .map_or_else(String::new, |tick| format!(", and a replay is not exact from tick {tick} on"))
        ),
        None => String::new(),
    };
    format!(
        "take {number}: {:.1} s of {} by {}, {success}{finished}{damage}",
        take.seconds(),
        header.scene,
        header.operator
    )
}

/// A take as JSON.
fn object(number: usize, take: &RecoveredTake) -> Value {
    let header = &take.episode.header;
    json!({
        "take": number, "scene": header.scene, "operator": header.operator, "seed": header.seed,
        "length": take.episode.len(), "seconds": take.seconds(), "success": take.episode.succeeded(),
        "kept_before_end": take.finished,
        "lost_ticks": take.damage.map_or(0, |damage| damage.lost_ticks),
        "lost_bytes": take.damage.map_or(0, |damage| damage.lost_bytes),
        "first_gap": take.episode.first_gap,
    })
}
