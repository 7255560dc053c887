//! `apprentice play`, and the app without a command.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Output};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice play circuit
  apprentice play slalom --policy runs/slalom
  apprentice play traffic --agents 3
  apprentice play tag --side runner --opponent runs/tag/last/chaser
  apprentice play --replay demos/slalom:3
  apprentice play my_track.ron --datasets demos --runs runs")]
pub struct PlayArguments {
    /// A built-in scene or the path of a .ron file
    #[arg(required_unless_present = "replay")]
    scene: Option<String>,
    /// A policy folder, or a run folder (its best policy), that drives; P takes over
    #[arg(long, conflicts_with = "replay")]
    policy: Option<PathBuf>,
    /// Show a recorded episode in the scene that it was recorded in: a dataset's folder and the episode's number
    #[arg(long, value_name = "DATASET:EPISODE", conflicts_with = "scene")]
    replay: Option<String>,
    /// Agents in the scene; you drive the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    agents: u8,
    /// In a scene with sides, such as tag: the side that you play, the first without it
    #[arg(long, requires = "scene")]
    side: Option<String>,
    /// In a scene with sides: the policy that plays the other one; a scripted operator without it
    #[arg(long, value_name = "POLICY", requires = "scene")]
    opponent: Option<PathBuf>,
    /// Folder that holds a dataset for each scene
    #[arg(long, default_value = "datasets")]
    datasets: PathBuf,
    /// Folder that holds the training runs
    #[arg(long, default_value = "runs")]
    runs: PathBuf,
    /// Close after so many frames, for measurements
    #[arg(long, hide = true)]
    frames: Option<u32>,
}

#[cfg(feature = "desktop")]
pub use window::{open, run};

#[cfg(feature = "desktop")]
mod window {
    use super::{Failure, Output, PlayArguments};
    use crate::cli::dataset::{episode_of, scene_of};
    use crate::cli::{eval, sides};
    use crate::demos::Episode;
    use crate::live::SessionOptions;
    use crate::scenes::{Scene, find};
    use crate::ui::{AppOptions, run_app};

    pub fn run(arguments: &PlayArguments, output: &Output) -> Result<(), Failure> {
        let scene = arguments.scene.as_deref().map(find).transpose().map_err(Failure::bad_use)?;
        if let (Some(scene), Some(path)) = (&scene, &arguments.policy) {
            let policy = eval::load_policy(path)?;
            if !scene.blueprint.sides().is_empty() {
                let side = sides::side_of(scene, arguments.side.as_deref())?;
                sides::plays(&policy, scene, side, path)?;
            }
            policy.fitted(&scene.blueprint.spaces(), &scene.name).map_err(eval::misfit)?;
        }
        let asked = arguments.side.is_some() || arguments.opponent.is_some();
        if let Some(scene) = scene.as_ref().filter(|_| asked) {
            let (side, opponent) = (arguments.side.as_deref(), arguments.opponent.as_deref());
            let side = sides::side_of(scene, side)?;
            if let Some(path) = opponent {
                let policy = eval::load_policy(path)?;
                sides::plays(&policy, scene, 1 - side, path)?;
                policy.fitted(&scene.blueprint.spaces(), &scene.name).map_err(eval::misfit)?;
            }
        }
        let replay = arguments.replay.as_deref().map(recorded).transpose()?;
        let shown = replay.as_ref().map(|(episode, scene)| {
            let side = scene.blueprint.sides().get(episode.header.slot).map(|side| (*side).to_owned());
            (episode.players(), side)
        });
        let (agents, side) = shown.unwrap_or((usize::from(arguments.agents), arguments.side.clone()));
        let session = SessionOptions {
            agents,
            side,
            opponent: arguments.opponent.clone(),
            datasets: arguments.datasets.clone(),
            runs: arguments.runs.clone(),
            ..SessionOptions::default()
        };
        let policy = arguments.policy.clone();
        show(AppOptions { scene, policy, replay, session, frames: arguments.frames }, output)
    }

    pub fn open(output: &Output) -> Result<(), Failure> {
        show(AppOptions::default(), output)
    }

    fn show(options: AppOptions, output: &Output) -> Result<(), Failure> {
        let report = run_app(options).map_err(Failure::failed)?;
        output.object(&serde_json::json!({ "closed": true, "first_frame_s": report.first_frame }));
        Ok(())
    }

    /// The episode that `DATASET:EPISODE` names, and its scene.
    fn recorded(name: &str) -> Result<(Episode, Scene), Failure> {
        let episode = episode_of("--replay", name)?;
        let scene = scene_of(&episode).map_err(Failure::failed)?;
        Ok((episode, scene))
    }
}

/// What a build without a window says.
#[cfg(not(feature = "desktop"))]
fn no_window() -> Failure {
    Failure::failed(anyhow::anyhow!(
        "this build has no window; build one with `cargo build --release` (the `desktop` feature is on by default), or \
         use the commands that need none, such as `apprentice quickstart`"
    ))
}

#[cfg(not(feature = "desktop"))]
pub fn run(_arguments: &PlayArguments, _output: &Output) -> Result<(), Failure> {
    Err(no_window())
}

#[cfg(not(feature = "desktop"))]
pub fn open(_output: &Output) -> Result<(), Failure> {
    Err(no_window())
}
