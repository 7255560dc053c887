//! `apprentice scenes`

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Output};
use crate::scenes::{SceneError, builtin_names, find};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  apprentice scenes list\n  apprentice scenes check my_track.ron")]
pub struct ScenesArguments {
    #[command(subcommand)]
    command: ScenesCommand,
}

#[derive(Subcommand, Debug)]
enum ScenesCommand {
    /// List the built-in scenes
    List,
    /// Validate a scene file; an error names the file, line and column
    Check {
        /// The .ron file, or the name of a built-in scene
        file: String,
    },
}

pub fn run(arguments: &ScenesArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        ScenesCommand::List => list(output),
        ScenesCommand::Check { file } => {
            let scene = find(file).map_err(|error| match error {
                SceneError::Unknown { .. } => Failure::usage(error),
                SceneError::Read { .. } | SceneError::Invalid { .. } => Failure::failed(error),
            })?;
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
