//! `apprentice play`, and the app without a command.

use clap::Args;

use super::{Failure, Output};

#[derive(Args, Debug)]
pub struct PlayArguments {
    /// A built-in scene or the path of a .ron file
    scene: String,
}

pub fn run(arguments: &PlayArguments, _output: &Output) -> Result<(), Failure> {
    Err(Failure::failed(anyhow::anyhow!("no window for {}", arguments.scene)))
}

pub fn open(_output: &Output) -> Result<(), Failure> {
    Err(Failure::failed(anyhow::anyhow!("no window")))
}
