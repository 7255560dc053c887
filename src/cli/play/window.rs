//! `apprentice play` in a build with a window.

use anyhow::Context;

use super::arguments::PlayArguments;
use crate::cli::load::{episode_of, load_policy, scene_of};
use crate::cli::{Failure, Output, sides};
use crate::demos::Episode;
use crate::live::SessionOptions;
use crate::rollout::check_replay;
use crate::scenes::{Scene, find};
use crate::ui::{AppOptions, run_app};

pub fn run(arguments: &PlayArguments, output: &Output) -> Result<(), Failure> {
    let scene = arguments.scene.as_deref().map(find).transpose().map_err(Failure::usage)?;
    if let (Some(scene), Some(path)) = (&scene, &arguments.policy) {
        let policy = load_policy(path)?;
        if !scene.blueprint.sides().is_empty() {
            let side = sides::side_of(scene, arguments.side.as_deref())?;
            sides::check_side(&policy, scene, side, path)?;
        }
        policy.for_agent(&scene.blueprint.spaces(), &scene.name).map_err(Failure::usage)?;
    }
    let two_player = arguments.side.is_some() || arguments.opponent.is_some();
    if let Some(scene) = scene.as_ref().filter(|_| two_player) {
        let (side, opponent) = (arguments.side.as_deref(), arguments.opponent.as_deref());
        let side = sides::side_of(scene, side)?;
        if let Some(path) = opponent {
            let policy = load_policy(path)?;
            sides::check_side(&policy, scene, 1 - side, path)?;
            policy.for_agent(&scene.blueprint.spaces(), &scene.name).map_err(Failure::usage)?;
        }
    }
    let replay = arguments.replay.as_deref().map(recorded_episode).transpose()?;
    let replayed = replay.as_ref().map(|(episode, scene)| {
        let side = scene.blueprint.sides().get(episode.header.agent_index).map(|side| (*side).to_owned());
        (episode.n_agents(), side)
    });
    let (agents, side) = replayed.unwrap_or((usize::from(arguments.agents), arguments.side.clone()));
    let session = SessionOptions {
        agents,
        side,
        opponent: arguments.opponent.clone(),
        datasets: arguments.datasets.clone(),
        runs: arguments.runs.clone(),
        ..SessionOptions::default()
    };
    let policy = arguments.policy.clone();
    run_window(AppOptions { scene, policy, replay, session, frames: arguments.frames }, output)
}

pub fn open(output: &Output) -> Result<(), Failure> {
    run_window(AppOptions::default(), output)
}

fn run_window(options: AppOptions, output: &Output) -> Result<(), Failure> {
    let report = run_app(options).map_err(Failure::failed)?;
    output.object(&serde_json::json!({ "closed": true, "first_frame_seconds": report.first_frame }));
    Ok(())
}

/// The episode that `DATASET:EPISODE` names, and its scene.
fn recorded_episode(name: &str) -> Result<(Episode, Scene), Failure> {
    let episode = episode_of("--replay", name)?;
    let scene = scene_of(&episode).map_err(Failure::failed)?;
    let number = name.rsplit_once(':').map_or("", |(_, number)| number);
    check_replay(&scene, &episode).with_context(|| format!("episode {number}")).map_err(Failure::failed)?;
    Ok((episode, scene))
}
