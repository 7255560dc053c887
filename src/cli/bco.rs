//! `apprentice train bco`

use clap::Args;
use serde_json::json;

use super::exit::interrupted;
use super::train::{Bar, RunArguments, failure, prepare, scene_of, settings};
use super::{Failure, Output};
use crate::learn::{BcoRound, LearnerKind, TrainError, bco};
use crate::policies::{Policy, PolicyError};
use crate::rollout::{explore, recording_seeds};
use crate::sim::split_seed;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene circuit --episodes 20 --dataset demos/seen --states-only
  apprentice train bco --dataset demos/seen --run runs/seen
  apprentice train bco --dataset demos/seen --run runs/seen --set bco.rounds=3 --set bco.episodes=50")]
pub struct BcoArguments {
    #[command(flatten)]
    run: RunArguments,
    /// The scene to act in; without it, that of the demonstrations
    #[arg(long)]
    scene: Option<String>,
}

/// Why a round failed.
enum RoundError {
    Train(TrainError),
    Policy(PolicyError),
}

impl From<TrainError> for RoundError {
    fn from(error: TrainError) -> Self {
        Self::Train(error)
    }
}

pub fn run(arguments: &BcoArguments, output: &Output) -> Result<(), Failure> {
    let rounds_dir = arguments.run.settings.run.join("rounds");
    let own = rounds_dir.join("00").join("policy").join("config.toml");
    let config = settings(LearnerKind::BehaviourCloning.defaults(), "bco", &arguments.run.settings, &own)?;
    if rounds_dir.exists() && !arguments.run.settings.resume {
        return Err(Failure::bad_use(TrainError::Exists { dir: arguments.run.settings.run.clone() }));
    }
    let (data, options, _) = prepare(&config, &arguments.run, output)?;
    let scene = scene_of(arguments.scene.as_deref(), &data)?;
    let spaces = scene.blueprint.spaces();
    if let Err(differences) = spaces.observation.columns_of(&data.observation) {
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        return Err(Failure::bad_use(anyhow::anyhow!(
            "the demonstrations do not fit the agent of scene {}: they {}; name another scene with --scene",
            scene.name,
            differences.join("; they ")
        )));
    }
    let mut act = |policy: Option<&Policy>, round: u64| {
        let seeds: Vec<u64> =
            recording_seeds(split_seed(config.training.seed, 2000 + round)).take(config.bco.episodes).collect();
        explore(&scene, policy, config.bco.noise, &seeds, 0).map_err(RoundError::Policy)
    };
    let mut heard = |round: &BcoRound| {
        let told =
            round.action_error.map_or(String::new(), |e| format!("actions told to {e:.2} standard deviations, "));
        output.line(format_args!(
            "round {}: {} ticks of experience, {told}{:.0} % of its own episodes succeed",
            round.index,
            round.ticks,
            100.0 * round.success
        ));
    };
    let mut bar = Bar::new(output);
    let summary = bco(&config, &data, &spaces.action, &options, &mut act, &mut heard, &mut bar);
    bar.clear();
    let summary = summary.map_err(|error| match error {
        RoundError::Train(error) => failure(error),
        RoundError::Policy(error) => Failure::bad_use(error),
    })?;
    if summary.interrupted {
        return Err(interrupted("go on with --resume"));
    }
    output.line(format_args!("policy: {}", summary.policy_dir.display()));
    let rounds: Vec<_> = summary
        .rounds
        .iter()
        .map(|round| {
            json!({
                "round": round.index, "ticks": round.ticks, "action_error": round.action_error,
                "success": round.success,
            })
        })
        .collect();
    output.object(&json!({ "run": arguments.run.settings.run, "policy": summary.policy_dir, "rounds": rounds }));
    Ok(())
}
