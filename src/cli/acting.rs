//! `apprentice train ppo` and its like: learning by acting in a scene.

use clap::Args;

use super::plot::Curve;
use super::train::{SettingArguments, settings, told, with_bar};
use super::{Failure, Output, stop};
use crate::learn::rl::{Arenas, train_in};
use crate::learn::{DeviceChoice, LearnerKind, RunOptions};
use crate::rollout::{VecEnv, VecEnvOptions};
use crate::scenes::find;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice train ppo --scene slalom --run runs/ppo
  apprentice train ppo --scene circuit --run runs/ppo --set ppo.arenas=128 --set training.steps=500
  apprentice train ppo --scene slalom --init-from runs/cloned --run runs/better
  apprentice train ppo --scene slalom --run runs/ppo --resume
  tensorboard --logdir runs")]
pub struct ActingArguments {
    /// A built-in scene or the path of a .ron file, to act in
    #[arg(long)]
    scene: String,
    #[command(flatten)]
    settings: SettingArguments,
}

pub fn run(kind: LearnerKind, arguments: &ActingArguments, output: &Output) -> Result<(), Failure> {
    let own = &arguments.settings;
    let scene = find(&arguments.scene).map_err(Failure::bad_use)?;
    let config = settings(kind, own, &own.run.join("config.toml"))?;
    if own.device == DeviceChoice::Gpu {
        return Err(Failure::bad_use(anyhow::anyhow!(
            "learning by acting decides for a few agents at every tick, which a GPU is slow at; leave --device out"
        )));
    }
    let options = RunOptions {
        resume: own.resume,
        stop: stop::on_interrupt(),
        scene: scene.name.clone(),
        ..RunOptions::new(&own.run)
    };
    let arenas = if kind == LearnerKind::Dqn { config.dqn.arenas } else { config.ppo.arenas };
    let arenas = VecEnv::new(&scene, VecEnvOptions { arenas, agents: 1, threads: 0 });
    let environment = Box::new(Arenas::new(arenas));
    let summary = with_bar(Curve::Return, &options, output, |bar| train_in(&config, environment, &options, bar))?;
    // What is least is minus the return.
    let best = summary.best_loss.map_or("not measured".to_owned(), |loss| format!("{:.3}", -loss));
    told(&summary, &format!("best return {best}"), &own.run, &DeviceChoice::Cpu, output)
}
