//! `apprentice play`, and the app that opens without a command.

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
    /// The policy that drives: a policy folder, or a run folder (its best policy). Press P to take over
    #[arg(long, conflicts_with = "replay")]
    policy: Option<PathBuf>,
    /// Replay a recorded episode: a dataset's folder and the episode's number
    #[arg(long, value_name = "DATASET:EPISODE", conflicts_with = "scene")]
    replay: Option<String>,
    /// Number of agents; you drive the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    agents: u8,
    /// In a scene with two sides, such as tag: the side that you play [default: the scene's first side]
    #[arg(long, requires = "scene")]
    side: Option<String>,
    /// In a scene with two sides: the policy that is your opponent [default: a scripted operator]
    #[arg(long, value_name = "POLICY", requires = "scene")]
    opponent: Option<PathBuf>,
    /// Folder of the datasets, one per scene
    #[arg(long, default_value = "datasets")]
    datasets: PathBuf,
    /// Folder of the training runs
    #[arg(long, default_value = "runs")]
    runs: PathBuf,
    /// Close after this many frames; for benchmarks
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
        let scene = arguments.scene.as_deref().map(find).transpose().map_err(Failure::usage)?;
        if let (Some(scene), Some(path)) = (&scene, &arguments.policy) {
            let policy = eval::load_policy(path)?;
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
                let policy = eval::load_policy(path)?;
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
        Ok((episode, scene))
    }
}

/// The error of a build without the `desktop` feature.
#[cfg(not(feature = "desktop"))]
fn no_window() -> Failure {
    Failure::failed(anyhow::anyhow!(
        "this build has no window; run `cargo build --release` (the feature `desktop` is enabled by default), or use a \
         command that needs no window, such as `apprentice quickstart`"
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
