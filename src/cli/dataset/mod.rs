//! `apprentice dataset`; one file for each subcommand.

mod changed;
mod check;
mod info;
mod plot;
mod recovered;
mod replay;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::plot::png;
use super::{Failure, Output};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice dataset info demos/slalom
  apprentice dataset check demos/slalom
  apprentice dataset replay demos/slalom 3
  apprentice dataset plot demos/slalom --out slalom.png")]
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
}

pub fn run(arguments: &DatasetArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        DatasetCommand::Info { dir } => info::info(dir, output),
        DatasetCommand::Check { dir } => check::check(dir, output),
        DatasetCommand::Replay { dir, episode } => replay::replay(dir, *episode, output),
        DatasetCommand::Plot { dir, out } => plot::plot_trajectories(dir, out, output),
        DatasetCommand::Recovered(arguments) => recovered::recovered(arguments, output),
    }
}
