//! `apprentice train dagger`

use std::str::FromStr;

use clap::Args;
use serde_json::json;

use super::exit::interrupted;
use super::train::{Bar, RunArguments, failure, prepare, scene_of, settings};
use super::{Failure, Output};
use crate::learn::{LearnerKind, TrainError, dagger};
use crate::rollout::{AskError, ask_expert, recording_seeds};
use crate::sim::split_seed;
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice train dagger --dataset demos/slalom --run runs/slalom
  apprentice train dagger --dataset demos/slalom --run runs/slalom --set dagger.rounds=4 --set dagger.episodes=10
  apprentice train dagger --dataset demos/slalom --run runs/slalom --resume")]
pub struct DaggerArguments {
    #[command(flatten)]
    run: RunArguments,
    /// Who is asked what to do: steady, hasty or sloppy
    #[arg(long, default_value = "steady", value_parser = Skill::from_str)]
    expert: Skill,
    /// The scene to drive in; without it, that of the demonstrations
    #[arg(long)]
    scene: Option<String>,
}

/// Why a round failed.
enum RoundError {
    Train(TrainError),
    Ask(AskError),
}

impl From<TrainError> for RoundError {
    fn from(error: TrainError) -> Self {
        Self::Train(error)
    }
}

pub fn run(arguments: &DaggerArguments, output: &Output) -> Result<(), Failure> {
    let rounds_dir = arguments.run.settings.run.join("rounds");
    let config = settings(
        LearnerKind::BehaviourCloning.defaults(),
        "dagger",
        &arguments.run.settings,
        &rounds_dir.join("00").join("config.toml"),
    )?;
    if rounds_dir.exists() && !arguments.run.settings.resume {
        return Err(Failure::bad_use(TrainError::Exists { dir: arguments.run.settings.run.clone() }));
    }
    let (data, options, _) = prepare(&config, &arguments.run, output)?;
    let scene = scene_of(arguments.scene.as_deref(), &data)?;
    let mut ask = |policy: &crate::policies::Policy, round: u64| {
        let seeds: Vec<u64> =
            recording_seeds(split_seed(config.training.seed, 1000 + round)).take(config.dagger.episodes).collect();
        ask_expert(&scene, policy.clone(), arguments.expert, &seeds, 0).map_err(RoundError::Ask)
    };
    let mut heard = |round: &crate::learn::Round| {
        let success = round.success.map_or(String::new(), |s| format!(", {:.0} % of its episodes succeed", 100.0 * s));
        output.line(format_args!("round {}: trained on {} ticks{success}", round.index, round.ticks));
    };
    let mut bar = Bar::new(output);
    let summary = dagger(&config, data, &options, &mut ask, &mut heard, &mut bar);
    bar.clear();
    let summary = summary.map_err(|error| match error {
        RoundError::Train(error) => failure(error),
        RoundError::Ask(error) => Failure::bad_use(error),
    })?;
    if summary.interrupted {
        return Err(interrupted("go on with --resume"));
    }
    output.line(format_args!("policy: {}", summary.policy_dir.display()));
    let rounds: Vec<_> = summary
        .rounds
        .iter()
        .map(|round| json!({ "round": round.index, "ticks": round.ticks, "success": round.success }))
        .collect();
    output.object(&json!({ "run": arguments.run.settings.run, "policy": summary.policy_dir, "rounds": rounds }));
    Ok(())
}
