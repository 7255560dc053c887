//! The arguments of `apprentice play`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice play circuit
  apprentice play traffic --agents 3
  apprentice record --scene slalom --dataset demos/slalom
  apprentice play --replay demos/slalom:3
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice play slalom --policy runs/slalom
  apprentice train self-play --scene tag --run runs/tag
  apprentice play tag --side runner --opponent runs/tag/last/chaser
  apprentice scenes show slalom > my_track.ron
  apprentice play my_track.ron --datasets demos --runs runs")]
pub struct PlayArguments {
    /// A built-in scene or the path of a .ron file
    #[arg(required_unless_present = "replay")]
    pub(super) scene: Option<String>,
    /// The policy that drives: a policy folder, or a run folder (its best policy). Press P to take over
    #[arg(long, conflicts_with = "replay")]
    pub(super) policy: Option<PathBuf>,
    /// Replay a recorded episode: a dataset's folder and the episode's number
    #[arg(long, value_name = "DATASET:EPISODE", conflicts_with = "scene")]
    pub(super) replay: Option<String>,
    /// Number of agents; you drive the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(super) agents: u8,
    /// In a scene with two sides, such as tag: the side that you play [default: the scene's first side]
    #[arg(long, requires = "scene")]
    pub(super) side: Option<String>,
    /// In a scene with two sides: the policy that is your opponent [default: a scripted operator]
    #[arg(long, value_name = "POLICY", requires = "scene")]
    pub(super) opponent: Option<PathBuf>,
    /// Folder of the datasets, one per scene
    #[arg(long, default_value = "demos")]
    pub(super) datasets: PathBuf,
    /// Folder of the training runs
    #[arg(long, default_value = "runs")]
    pub(super) runs: PathBuf,
    /// Close after this many frames; for benchmarks
    #[arg(long, hide = true)]
    pub(super) frames: Option<u32>,
}
