//! `apprentice study`

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::interrupted;
use super::{Failure, Output, plot, stop};
use crate::study::{Comparison, IMITATION, Laboratory, StudyError};

#[derive(Args, Debug)]
pub struct StudyArguments {
    #[command(subcommand)]
    study: StudyCommand,
}

#[derive(Subcommand, Debug)]
enum StudyCommand {
    /// The supervised and interactive methods, compared
    Imitation(RunArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice study imitation --out study
  apprentice study imitation --only fork --out study
  apprentice study imitation --quick --out /tmp/study")]
struct RunArguments {
    /// Where cells, runs and tables go; a study that was stopped there goes on
    #[arg(long)]
    out: PathBuf,
    /// Only this comparison; may be given several times
    #[arg(long, value_parser = PossibleValuesParser::new(IMITATION.iter().map(|comparison| comparison.name)))]
    only: Vec<String>,
    /// How often each method is trained, each time with another seed; 3 without --quick, else 1
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: Option<u64>,
    /// Everything small, to see that it runs: what it finds says little
    #[arg(long)]
    quick: bool,
}

pub fn run(arguments: &StudyArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.study {
        StudyCommand::Imitation(arguments) => compare("imitation", IMITATION, arguments, output),
    }
}

fn compare(name: &str, all: &[Comparison], arguments: &RunArguments, output: &Output) -> Result<(), Failure> {
    let stop = stop::on_interrupt();
    let mut reports = Vec::new();
    for comparison in all.iter().filter(|c| arguments.only.is_empty() || arguments.only.iter().any(|o| o == c.name)) {
        output.line(format_args!("{}: {}", comparison.name, comparison.about));
        let dir = arguments.out.join(comparison.name);
        let mut progress = |line: &str| output.line(format_args!("  {line}"));
        let seeds = arguments.seeds.unwrap_or(if arguments.quick { 1 } else { 3 });
        let report = Laboratory::new(&dir, arguments.quick, seeds, stop.clone(), &mut progress)
            .and_then(|laboratory| comparison.run(&laboratory));
        let report = report.map_err(|error| match error {
            StudyError::Stopped => interrupted(error),
            StudyError::Settings { .. } => Failure::bad_use(error),
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
