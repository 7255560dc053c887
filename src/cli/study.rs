//! `apprentice study`

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::interrupted;
use super::{Failure, Output, plot, stop};
use crate::study::{Comparison, IMITATION, REWARDS, StudyError, StudyRunner};

#[derive(Args, Debug)]
pub struct StudyArguments {
    #[command(subcommand)]
    study: StudyCommand,
}

#[derive(Subcommand, Debug)]
enum StudyCommand {
    /// Compare supervised and interactive imitation learning methods
    Imitation(ImitationArguments),
    /// Compare reinforcement learning on the task's reward, and inverse and adversarial methods that infer the reward
    Rewards(RewardsArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice study imitation --out study
  apprentice study imitation --only fork --out study
  apprentice study imitation --quick --out quick")]
struct ImitationArguments {
    /// Run only this comparison; may be given several times
    #[arg(long, value_parser = names(IMITATION))]
    only: Vec<String>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice study rewards --out study
  apprentice study rewards --only adversarial-slalom --out study
  apprentice study rewards --quick --out quick")]
struct RewardsArguments {
    /// Run only this comparison; may be given several times
    #[arg(long, value_parser = names(REWARDS))]
    only: Vec<String>,
    #[command(flatten)]
    run: RunArguments,
}

fn names(comparisons: &'static [Comparison]) -> PossibleValuesParser {
    PossibleValuesParser::new(comparisons.iter().map(|comparison| comparison.name))
}

#[derive(Args, Debug)]
struct RunArguments {
    /// Folder for runs, results and tables; an interrupted study in it is continued
    #[arg(long)]
    out: PathBuf,
    /// Number of training seeds of each method [default: 3 for imitation, 5 for rewards, 1 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: Option<u64>,
    /// Smoke test: few steps and episodes, so that results are not meaningful
    #[arg(long)]
    quick: bool,
}

pub fn run(arguments: &StudyArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.study {
        StudyCommand::Imitation(arguments) => {
            compare("imitation", IMITATION, &arguments.only, &arguments.run, 3, output)
        }
        StudyCommand::Rewards(arguments) => compare("rewards", REWARDS, &arguments.only, &arguments.run, 5, output),
    }
}

fn compare(
    name: &str,
    all: &[Comparison],
    only: &[String],
    arguments: &RunArguments,
    default_seeds: u64,
    output: &Output,
) -> Result<(), Failure> {
    let stop = stop::on_interrupt();
    let mut reports = Vec::new();
    for comparison in all.iter().filter(|c| only.is_empty() || only.iter().any(|o| o == c.name)) {
        output.line(format_args!("{}: {}", comparison.name, comparison.about));
        let dir = arguments.out.join(comparison.name);
        let mut progress = |line: &str| output.line(format_args!("  {line}"));
        let seeds = arguments.seeds.unwrap_or(if arguments.quick { 1 } else { default_seeds });
        let report = StudyRunner::new(&dir, arguments.quick, seeds, stop.clone(), &mut progress)
            .and_then(|runner| comparison.run(&runner));
        let report = report.map_err(|error| match error {
            StudyError::Stopped => interrupted(error),
            StudyError::Settings { .. } => Failure::usage(error),
            error => Failure::failed(error),
        })?;
        output.line(format_args!("\n{}", report.markdown()));
        let path = dir.join("table.md");
        fs::write(&path, report.markdown())
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(Failure::Failed)?;
        plot::report(&dir.join("plot.png"), &report).map_err(Failure::Failed)?;
        reports.push(report);
    }
    output.object(&json!({ "study": name, "quick": arguments.quick, "comparisons": reports }));
    Ok(())
}
