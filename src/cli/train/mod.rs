//! `apprentice train`: one path for all learners: settings, inputs, training, report. The learners themselves, with their
//! help texts and the options that they take, come from the registry ([`crate::learn::learners`]).

mod arguments;
mod inputs;
mod progress;
mod report;
mod settings;

use clap::Args;

pub use arguments::{RunArguments, SelectedLearner};
pub use inputs::load_data;
pub use progress::{ProgressReporter, failure, train_with_progress};
pub use settings::refuse_duplicate;

use super::{Failure, Output};
use crate::learn::TrainError;

#[derive(Args, Debug)]
pub struct TrainArguments {
    #[command(subcommand)]
    selected: SelectedLearner,
}

pub fn run(arguments: &TrainArguments, output: &Output) -> Result<(), Failure> {
    let SelectedLearner { learner, arguments } = &arguments.selected;
    inputs::check_options(*learner, arguments)?;
    let config = settings::resolve(*learner, arguments)?;
    if arguments.print_config {
        let text = config.to_documented_toml().map_err(Failure::usage)?;
        output.line(text.trim_end());
        output.object(&serde_json::to_value(config.to_table()).unwrap_or_default());
        return Ok(());
    }
    let run = arguments.run()?;
    if !arguments.resume && run.join("config.toml").exists() {
        // Before anything is loaded.
        return Err(Failure::usage(TrainError::Exists { dir: run.to_path_buf() }));
    }
    let (job, device) = inputs::load(*learner, arguments, config, output)?;
    let report = train_with_progress(run, learner.curve(), output, |progress| learner.train(job, progress))?;
    report::print(&report, run, device, output)
}
