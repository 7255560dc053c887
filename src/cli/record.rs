//! `apprentice record`

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::eval::load_policy;
use super::exit::interrupted_with_result;
use super::sides::{Match, plays};
use super::{Failure, Output, stop};
use crate::demos::{Dataset, DatasetError};
use crate::live::recover_crashed;
use crate::rollout::{Demonstrator, Player, RecordError, record, recording_seeds};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --operator steady --episodes 20 --dataset demos/slalom
  apprentice record --scene my_track.ron --operator sloppy --episodes 5 --dataset demos/mine --seed 7
  apprentice record --scene slalom --policy runs/ppo --episodes 20 --dataset demos/taught
  apprentice record --scene slalom --keys 4 --episodes 5 --dataset demos/keys
  apprentice record --scene tag --side runner --policy runs/tag/last/runner --opponent runs/tag/last/chaser --dataset demos/tag")]
pub struct RecordArguments {
    /// A built-in scene or the path of a .ron file
    #[arg(long)]
    scene: String,
    /// steady, hasty or sloppy
    #[arg(long, default_value = "steady", conflicts_with = "policy")]
    operator: String,
    /// Record what a policy does, in a policy or run folder
    #[arg(long)]
    policy: Option<PathBuf>,
    /// In a scene with sides, such as tag: the side that is recorded, the first without it
    #[arg(long)]
    side: Option<String>,
    /// In a scene with sides: who plays the other one, a policy or an operator (steady, hasty or sloppy); steady without it
    #[arg(long, value_name = "POLICY")]
    opponent: Option<String>,
    /// How many episodes to add
    #[arg(long, default_value_t = 20)]
    episodes: usize,
    /// The dataset's folder; begun where there is none, added to where there is one
    #[arg(long)]
    dataset: PathBuf,
    /// Record what is seen, not what is done: demonstrations for `train bco` and `train amp`
    #[arg(long)]
    states_only: bool,
    /// Drive by keys that are down or up, with nothing between, each held for this many ticks: demonstrations for `train
    /// dqn --dataset`, which holds what it decides for 4
    #[arg(long, value_name = "TICKS", value_parser = clap::value_parser!(u64).range(1..=1000))]
    keys: Option<u64>,
    /// Seed that the episodes' seeds derive from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub fn run(arguments: &RecordArguments, output: &Output) -> Result<(), Failure> {
    let scene = find(&arguments.scene).map_err(Failure::bad_use)?;
    let by = demonstrator(arguments, &scene)?;
    let name = by.name.clone();
    if arguments.episodes == 0 {
        return Err(Failure::bad_use(anyhow!("--episodes is 0; give at least 1")));
    }
    let stop = stop::on_interrupt();
    let recovered = recover_crashed(&arguments.dataset).map_err(Failure::failed)?;
    if recovered > 0 {
        output.line(format_args!("recovered {recovered} episode(s) of a recording that was cut short"));
    }
    let bar = output.bar(arguments.episodes as u64, "recording");
    // What the dataset holds already is not recorded again: the seeds go on after it.
    let known = known_seeds(&arguments.dataset, &scene.name, &name).map_err(Failure::failed)?;
    let seeds = recording_seeds(arguments.seed).filter(|s| !known.contains(s)).take(arguments.episodes);
    let report = record(&scene, by, seeds, &arguments.dataset, &stop, |n| bar.set_position(n as u64));
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        RecordError::NoOperator(_) | RecordError::Policy(_) | RecordError::Dataset(DatasetError::Mismatch { .. }) => {
            Failure::bad_use(error)
        }
        RecordError::Dataset(_) => Failure::failed(error),
    })?;
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
        "recovered": recovered,
        "interrupted": report.stopped,
    }));
    if report.stopped {
        return Err(interrupted_with_result(format_args!("{} episodes are kept", report.episodes)));
    }
    Ok(())
}

/// Who plays, and what is recorded of it.
fn demonstrator(arguments: &RecordArguments, scene: &Scene) -> Result<Demonstrator, Failure> {
    let versus = Match::of(scene, arguments.side.as_deref(), arguments.opponent.as_deref())?;
    if versus.is_random() {
        return Err(Failure::bad_use(anyhow!(
            "--opponent random judges, but does not record; give a policy, steady, hasty or sloppy"
        )));
    }
    let (player, name) = match &arguments.policy {
        Some(path) => {
            let policy = load_policy(path)?;
            plays(&policy, scene, versus.side, path)?;
            let name = format!("policy of {}", policy.config().provenance.learner);
            (Player::Policy(Box::new(policy)), name)
        }
        None => {
            let skill: Skill = arguments.operator.parse().map_err(Failure::bad_use)?;
            (Player::Operator(skill), skill.to_string())
        }
    };
    let (players, side) = (versus.players(player), versus.side);
    let by = Demonstrator { players, side, name, states_only: arguments.states_only, keys: None };
    Ok(match arguments.keys {
        Some(held) => by.by_keys(held as usize),
        None => by,
    })
}

/// Seeds of the episodes that an operator has recorded into a dataset in a scene.
fn known_seeds(dir: &Path, scene: &str, operator: &str) -> Result<HashSet<u64>, DatasetError> {
    match Dataset::open(dir) {
        Ok(dataset) => {
            let rows = dataset.summaries().iter().filter(|r| r.scene == scene && r.operator == operator);
            Ok(rows.map(|r| r.seed).collect())
        }
        Err(DatasetError::NoDataset { .. }) => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}
