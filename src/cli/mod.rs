//! The command line; one file per command.

mod bench;
mod dataset;
mod eval;
mod evaluation;
mod exit;
mod exit_code;
mod load;
mod overrides;
mod play;
mod plot;
mod policy;
mod progress;
mod quickstart;
mod record;
mod recovery;
mod reward;
mod scenes;
mod sides;
mod stop;
mod study;
mod train;
mod tune;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::{Failure, Output};

/// Play a character with the keyboard; it learns to play like you, in the scene, while you watch.
#[derive(Parser, Debug)]
#[command(name = "apprentice", version, about, max_term_width = 100)]
#[command(after_help = "Without a command, the app opens.\n\nExamples:
  apprentice                                   open the app
  apprentice quickstart                        record, train and evaluate on the circuit, in under three minutes
  apprentice record --scene slalom --operator steady --episodes 20 --dataset demos/slalom
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice eval --policy runs/slalom --scene slalom
  apprentice play slalom --policy runs/slalom")]
pub struct Arguments {
    /// Print one machine-readable object on stdout.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Open the app in a scene
    Play(play::PlayArguments),
    /// Record demonstrations, train a policy and evaluate it, in under three minutes
    Quickstart(quickstart::QuickstartArguments),
    /// List the built-in scenes, print one, or validate a scene file
    Scenes(scenes::ScenesArguments),
    /// Record demonstrations of a scripted operator or a policy
    Record(record::RecordArguments),
    /// Inspect, re-simulate, plot, edit or repair a dataset
    Dataset(dataset::DatasetArguments),
    /// Train a policy
    Train(train::TrainArguments),
    /// Evaluate a policy on seeds that training never saw
    Eval(eval::EvalArguments),
    /// Inspect a policy, or merge a LoRA adapter into its base policy
    Policy(policy::PolicyArguments),
    /// Inspect an inferred reward, or apply it to a dataset
    Reward(reward::RewardArguments),
    /// Hyperparameter search
    Tune(tune::TuneArguments),
    /// Compare learning methods in an experiment
    Study(study::StudyArguments),
    /// Run the benchmarks
    Bench(bench::BenchArguments),
}

/// Run the program with the command line arguments of the process.
pub fn run() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os()))
}

/// Run the program with these arguments, the first of which is its name; returns the exit code. A binary that adds its own
/// learners calls this after [`register`](crate::learn::register).
pub fn run_with<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    let given: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    exit::check_output(run_given(&given))
}

/// Refuse an argument that is not UTF-8. Results, settings and policies hold paths as text.
fn check_utf8(given: &[OsString]) -> Result<(), Failure> {
    match given.iter().find(|argument| argument.to_str().is_none()) {
        None => Ok(()),
        Some(argument) => Err(Failure::usage(anyhow::anyhow!(
            "the argument `{}` is not valid UTF-8; rename the file or folder, or start the program inside it",
            argument.display()
        ))),
    }
}

fn run_given(given: &[OsString]) -> u8 {
    if let Err(failure) = check_utf8(given) {
        return failure.report(&Output { json: given.iter().any(|a| a == "--json") });
    }
    let arguments = match Arguments::try_parse_from(given) {
        Ok(arguments) => arguments,
        Err(error) => {
            if error.use_stderr() && given.iter().any(|a| a == "--json") {
                Failure::object_only(&error.to_string());
            }
            // A closed pipe is the only error of printing.
            let _ = error.print();
            // 0 for --help and --version, 2 for usage errors.
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    // Fails where a host program has set its own subscriber, which then stays.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,apprentice=info,wgpu=error,naga=error")),
        )
        .without_time()
        .try_init();
    let output = Output { json: arguments.json };
    let result = match &arguments.command {
        None => play::open(&output),
        Some(Command::Play(a)) => play::run(a, &output),
        Some(Command::Quickstart(a)) => quickstart::run(a, &output),
        Some(Command::Scenes(a)) => scenes::run(a, &output),
        Some(Command::Record(a)) => record::run(a, &output),
        Some(Command::Dataset(a)) => dataset::run(a, &output),
        Some(Command::Train(a)) => train::run(a, &output),
        Some(Command::Eval(a)) => eval::run(a, &output),
        Some(Command::Policy(a)) => policy::run(a, &output),
        Some(Command::Reward(a)) => reward::run(a, &output),
        Some(Command::Tune(a)) => tune::run(a, &output),
        Some(Command::Study(a)) => study::run(a, &output),
        Some(Command::Bench(a)) => bench::run(a, &output),
    };
    match result {
        Ok(()) => 0,
        Err(failure) => failure.report(&output),
    }
}
