//! `apprentice train gail` and its like: learning by acting for what the demonstrations seem to want.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::acting::{arenas, at_horizon, on_cpu, told_return};
use super::plot::Curve;
use super::train::{SettingArguments, base_of, load_data, scene_of, settings, told_base, with_bar};
use super::{Failure, Output, stop};
use crate::learn::irl::imitate_in;
use crate::learn::{LearnerKind, RunOptions};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --episodes 5 --dataset demos/five
  apprentice train gail --dataset demos/five --run runs/gail
  apprentice train bc --dataset demos/five --run runs/bc
  apprentice train gail --dataset demos/five --init-from runs/bc --run runs/better
  apprentice record --scene slalom --episodes 5 --states-only --dataset demos/seen
  apprentice train amp --dataset demos/seen --run runs/amp --set reward.task=0
  apprentice train airl --dataset demos/five --run runs/airl
  apprentice reward show runs/airl --scene slalom --map airl.png
  apprentice train ppo --scene slalom --reward runs/airl --run runs/anew
  apprentice eval --policy runs/gail --scene slalom --horizon 22")]
pub struct InferringArguments {
    /// The demonstrations; may be given several times
    #[arg(long = "dataset", value_name = "DATASET", required = true)]
    datasets: Vec<PathBuf>,
    /// The scene of the demonstrations, where it is a file: its path
    #[arg(long)]
    scene: Option<String>,
    #[command(flatten)]
    settings: SettingArguments,
}

pub fn run(kind: LearnerKind, arguments: &InferringArguments, output: &Output) -> Result<(), Failure> {
    let own = &arguments.settings;
    let config = settings(kind.defaults(), kind.name(), own, &own.run.join("config.toml"))?;
    on_cpu(own)?;
    let data = load_data(&arguments.datasets)?;
    let shown_in: BTreeSet<&str> = data.facts.iter().map(|facts| facts.scene.as_str()).collect();
    if shown_in.len() > 1 {
        return Err(Failure::bad_use(anyhow!(
            "these demonstrations are of several scenes ({}); what is wanted is inferred in one: give those of one scene",
            shown_in.into_iter().collect::<Vec<_>>().join(", ")
        )));
    }
    let scene = scene_of(arguments.scene.as_deref(), &data)?;
    if let Some(elsewhere) = shown_in.into_iter().find(|shown_in| *shown_in != scene.name) {
        return Err(Failure::bad_use(anyhow!(
            "{} was demonstrated in {elsewhere}, and is to be imitated in {}: what is wanted there cannot be told from it",
            data.source,
            scene.name
        )));
    }
    if !data.facts.iter().any(|facts| facts.success) {
        output.line("none of these demonstrations succeeded: what failed will be imitated");
    }
    let horizon = if config.reward.horizon > 0 { config.reward.horizon } else { data.shortest() };
    let scene = at_horizon(&scene, horizon, output);
    let options = RunOptions {
        resume: own.resume,
        stop: stop::on_interrupt(),
        scene: scene.name.clone(),
        ..RunOptions::new(&own.run)
    };
    let environment = arenas(&scene, &config);
    if let Some(base) = base_of(&config, own)? {
        let spaces = scene.blueprint.spaces();
        told_base(&base, &config, (&spaces.observation, &spaces.action), output);
    }
    let summary =
        with_bar(Some(Curve::Return), &options, output, |bar| imitate_in(&config, environment, &data, &options, bar))?;
    told_return(&summary, &config, &own.run, output)
}
