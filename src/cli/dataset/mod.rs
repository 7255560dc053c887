//! `apprentice dataset`; one file for each subcommand.

mod changed;
mod check;
mod delete;
mod info;
mod merge;
mod plot;
mod recovered;
mod repair;
mod replay;
mod selection;
mod split;
mod trim;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::plot::png;
use super::{Failure, Output};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --dataset demos/slalom
  apprentice dataset info demos/slalom
  apprentice dataset check demos/slalom
  apprentice dataset replay demos/slalom 3
  apprentice dataset plot demos/slalom --out slalom.png
  apprentice dataset delete demos/slalom 1,3
  apprentice dataset trim demos/slalom 0 --start 0.5s --end 1s
  apprentice dataset split demos/slalom 0 --out demos/few --rest demos/others
  apprentice dataset merge demos/few demos/others --out demos/all
  apprentice dataset repair demos/slalom")]
pub struct DatasetArguments {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Subcommand, Debug)]
enum DatasetCommand {
    /// Print size, operators, success, returns and quality scores of the episodes
    Info {
        /// The dataset's folder
        dir: PathBuf,
    },
    /// Re-simulate every episode and compare the state hash of every tick
    Check {
        /// The dataset's folder
        dir: PathBuf,
    },
    /// Re-simulate one episode without a window (`play --replay DIR:EPISODE` shows it)
    Replay {
        /// The dataset's folder
        dir: PathBuf,
        /// The episode's number, from 0
        episode: usize,
    },
    /// Plot the trajectories of the demonstrations
    Plot {
        /// The dataset's folder
        dir: PathBuf,
        /// The PNG file to write
        #[arg(long, value_parser = png)]
        out: PathBuf,
    },
    /// List the takes that a crash or a closed window left beside the dataset, and keep or discard them
    Recovered(recovered::RecoveredArguments),
    /// Remove episodes from a dataset, in place
    Delete(delete::DeleteArguments),
    /// Remove ticks from the start or the end of episodes, in place
    Trim(trim::TrimArguments),
    /// Copy some episodes into a new dataset, and the others into another
    Split(split::SplitArguments),
    /// Copy the episodes of several datasets into a new one
    Merge(merge::MergeArguments),
    /// Bring back what is left of a dataset that lost files, in place
    Repair {
        /// The dataset's folder
        dir: PathBuf,
    },
}

pub fn run(arguments: &DatasetArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        DatasetCommand::Info { dir } => info::info(dir, output),
        DatasetCommand::Check { dir } => check::check(dir, output),
        DatasetCommand::Replay { dir, episode } => replay::replay(dir, *episode, output),
        DatasetCommand::Plot { dir, out } => plot::plot_trajectories(dir, out, output),
        DatasetCommand::Recovered(arguments) => recovered::recovered(arguments, output),
        DatasetCommand::Delete(arguments) => delete::delete(arguments, output),
        DatasetCommand::Trim(arguments) => trim::trim(arguments, output),
        DatasetCommand::Split(arguments) => split::split(arguments, output),
        DatasetCommand::Merge(arguments) => merge::merge(arguments, output),
        DatasetCommand::Repair { dir } => repair::repair(dir, output),
    }
}
