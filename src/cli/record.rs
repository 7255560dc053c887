//! `apprentice record`

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::exit::interrupted_with_result;
use super::load::load_policy;
use super::sides::{Matchup, check_side};
use super::{Failure, Output, recovery, stop};
use crate::rollout::{Demonstrator, Player, record_new, recording_seeds};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --operator steady --episodes 20 --dataset demos/slalom
  apprentice record --scene slalom --keys 4 --episodes 5 --dataset demos/keys
  apprentice scenes show slalom > my_track.ron
  apprentice record --scene my_track.ron --operator sloppy --episodes 5 --dataset demos/mine --seed 7
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice record --scene slalom --policy runs/slalom --episodes 20 --dataset demos/policy
  apprentice train self-play --scene tag --run runs/tag
  apprentice record --scene tag --side runner --policy runs/tag/last/runner --opponent runs/tag/last/chaser --dataset demos/tag")]
pub struct RecordArguments {
    /// A built-in scene or the path of a .ron file
    #[arg(long)]
    scene: String,
    /// The scripted operator that demonstrates: steady, hasty or sloppy
    #[arg(long, default_value = "steady", conflicts_with = "policy")]
    operator: String,
    /// Record a policy instead of an operator: a policy folder, or a run folder (its best policy)
    #[arg(long)]
    policy: Option<PathBuf>,
    /// In a scene with two sides, such as tag: the side that is recorded [default: the scene's first side]
    #[arg(long)]
    side: Option<String>,
    /// In a scene with two sides: the opponent, which is a policy or an operator (steady, hasty or sloppy) [default: steady]
    #[arg(long, value_name = "POLICY")]
    opponent: Option<String>,
    /// Number of episodes to add
    #[arg(long, default_value_t = 20)]
    episodes: usize,
    /// The dataset's folder; created if missing, otherwise appended to
    #[arg(long)]
    dataset: PathBuf,
    /// Record observations without actions, for imitation from observation (`train bco`, `train amp`)
    #[arg(long)]
    states_only: bool,
    /// Quantize the actions to key presses (each key fully down or up), each held for this many ticks. Demonstrations for
    /// `train dqn --dataset` must be held for its head.chunk_size, 4 by default
    #[arg(long, value_name = "TICKS", value_parser = clap::value_parser!(u64).range(1..=1000))]
    keys: Option<u64>,
    /// Seed that the episodes' seeds are derived from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub fn run(arguments: &RecordArguments, output: &Output) -> Result<(), Failure> {
    let scene = find(&arguments.scene).map_err(Failure::usage)?;
    let demonstrator = demonstrator(arguments, &scene)?;
    let name = demonstrator.name.clone();
    if arguments.episodes == 0 {
        return Err(Failure::usage(anyhow!("--episodes is 0; give at least 1")));
    }
    let stop = stop::on_interrupt();
    let recovery = recovery::recover(&arguments.dataset, output)?;
    let bar = output.bar(arguments.episodes as u64, "recording");
    let seeds = recording_seeds(arguments.seed);
    let progress = |n| bar.set_position(n as u64);
    let report = record_new(&scene, demonstrator, seeds, arguments.episodes, &arguments.dataset, &stop, progress);
    bar.finish_and_clear();
    let report = report.map_err(Failure::failed)?;
    output.line(format_args!(
        "{}: {} episodes of {} by {name}, {} ticks, {} successful",
        arguments.dataset.display(),
        report.episodes,
        scene.name,
        report.ticks,
        report.successes
    ));
    output.object(&json!({
        "dataset": arguments.dataset,
        "scene": scene.name,
        "operator": name,
        "episodes": report.episodes,
        "ticks": report.ticks,
        "successes": report.successes,
        "recovered_episodes": recovery.appended.len(),
        "waiting_takes": recovery.waiting,
        "interrupted": report.stopped,
    }));
    if report.stopped {
        return Err(interrupted_with_result(format_args!("{} episodes were recorded", report.episodes)));
    }
    Ok(())
}

/// The players, the recorded side and the recorded data.
fn demonstrator(arguments: &RecordArguments, scene: &Scene) -> Result<Demonstrator, Failure> {
    let matchup = Matchup::new(scene, arguments.side.as_deref(), arguments.opponent.as_deref())?;
    if matchup.has_random_opponent() {
        return Err(Failure::usage(anyhow!(
            "--opponent random is for evaluation only; give a policy, steady, hasty or sloppy"
        )));
    }
    let (player, name) = match &arguments.policy {
        Some(path) => {
            let policy = load_policy(path)?;
            check_side(&policy, scene, matchup.side, path)?;
            let name = format!("policy of {}", policy.config().provenance.learner);
            (Player::Policy(Box::new(policy)), name)
        }
        None => {
            let skill: Skill = arguments.operator.parse().map_err(Failure::usage)?;
            (Player::Operator(skill), skill.to_string())
        }
    };
    let (players, side) = (matchup.players(player), matchup.side);
    let demonstrator = Demonstrator { players, side, name, states_only: arguments.states_only, hold_ticks: None };
    Ok(match arguments.keys {
        Some(ticks) => demonstrator.with_held_keys(ticks as usize),
        None => demonstrator,
    })
}
