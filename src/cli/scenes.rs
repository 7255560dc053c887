//! `apprentice scenes`

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Output};
use crate::scenes::{builtin_names, find};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice scenes list
  apprentice scenes show slalom > my_track.ron   copy a scene, to change it
  apprentice scenes check my_track.ron")]
pub struct ScenesArguments {
    #[command(subcommand)]
    command: ScenesCommand,
}

#[derive(Subcommand, Debug)]
enum ScenesCommand {
    /// List the built-in scenes
    List,
    /// Print the text of a scene, which begins a scene file of your own
    Show {
        /// The name of a built-in scene, or a .ron file
        name: String,
    },
    /// Validate a scene file; an error names the file, line and column
    Check {
        /// The .ron file, or the name of a built-in scene
        file: String,
    },
}

pub fn run(arguments: &ScenesArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        ScenesCommand::List => list(output),
        ScenesCommand::Show { name } => {
            let scene = find(name).map_err(Failure::failed)?;
            output.line(scene.text.trim_end());
            output.object(&json!({ "name": scene.name, "text": scene.text }));
            Ok(())
        }
        ScenesCommand::Check { file } => {
            let scene = find(file).map_err(Failure::failed)?;
            let agent = scene.blueprint.spaces().agent;
            output.line(format_args!("{file}: valid, agent {agent}"));
            output.object(&json!({ "file": file, "name": scene.name, "agent": &*agent, "valid": true }));
            Ok(())
        }
    }
}

fn list(output: &Output) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for name in builtin_names() {
        let scene = find(name).map_err(Failure::failed)?;
        let agent = scene.blueprint.spaces().agent;
        let limit = scene.blueprint.time_limit();
        output.line(format_args!("{name:<10} {agent:<9} {limit:>3.0} s  {}", scene.title()));
        rows.push(json!({
            "name": name,
            "agent": &*agent,
            "title": scene.title(),
            "time_limit_seconds": limit,
            "reward_terms": scene.blueprint.terms().into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
        }));
    }
    output.object(&json!({ "scenes": rows }));
    Ok(())
}
