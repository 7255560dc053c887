//! `apprentice train ppo` and its like: learning by acting in a scene.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::plot::Curve;
use super::train::{SettingArguments, base_of, names, said_once, settings, told, told_base, with_bar};
use super::{Failure, Output, stop};
use crate::demos::{Dataset, Episode};
use crate::learn::rl::{Arenas, DqnConfig, train_shown};
use crate::learn::{DeviceChoice, LearnerKind, RunOptions, TrainConfig, TrainSummary};
use crate::rollout::VecEnvOptions;
use crate::scenes::{Scene, find};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice train ppo --scene slalom --run runs/ppo
  apprentice train ppo --scene circuit --run runs/ppo --set ppo.arenas=128 --set training.steps=500
  apprentice train ppo --scene slalom --init-from runs/cloned --run runs/better
  apprentice train ppo --scene hairpins --reward runs/airl --run runs/elsewhere
  apprentice train dqn --scene slalom --dataset demos/keys --run runs/dqn
  apprentice train ppo --scene slalom --run runs/ppo --resume
  tensorboard --logdir runs")]
pub struct ActingArguments {
    /// A built-in scene or the path of a .ron file, to act in
    #[arg(long)]
    scene: String,
    /// Learn from the reward that this run of train gail, airl, maxent-irl or another inferred, in place of the task's
    /// (ppo and reinforce)
    #[arg(long, value_name = "RUN")]
    reward: Option<PathBuf>,
    /// Demonstrations in this scene by keys (record --keys 4) that stay in the replay, and are learned from first (dqn); may be
    /// given several times
    #[arg(long = "dataset", value_name = "DATASET")]
    datasets: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArguments,
}

/// The episodes of some datasets of `scene`.
fn episodes(datasets: &[PathBuf], scene: &Scene) -> Result<Vec<Episode>, Failure> {
    let mut all = Vec::new();
    for dir in datasets {
        let dataset = Dataset::open(dir).map_err(Failure::failed)?;
        for (at, facts) in dataset.summaries().iter().enumerate() {
            if facts.scene != scene.name {
                return Err(Failure::bad_use(anyhow!(
                    "{} was demonstrated in {}, not in {}: its rewards are of another task",
                    dir.display(),
                    facts.scene,
                    scene.name
                )));
            }
            let episode = dataset.read(at).map_err(Failure::failed)?;
            if episode.header.scene_hash != scene.hash() {
                return Err(Failure::bad_use(anyhow!(
                    "episode {at} of {} was demonstrated in another version of {}: its rewards may be of another task; \
                     record it again",
                    dir.display(),
                    scene.name
                )));
            }
            all.push(episode);
        }
    }
    if all.is_empty() {
        return Err(Failure::failed(anyhow!("the demonstrations have no episodes; record some first")));
    }
    Ok(all)
}

/// Whether nobody plays against who acts.
pub fn alone(scene: &Scene) -> Result<(), Failure> {
    if scene.blueprint.sides().is_empty() {
        return Ok(());
    }
    Err(Failure::bad_use(anyhow!("two play against each other in {}; use train self-play", scene.name)))
}

/// Learning by acting stays on the CPU.
pub fn on_cpu(arguments: &SettingArguments) -> Result<(), Failure> {
    if arguments.device == DeviceChoice::Gpu {
        return Err(Failure::bad_use(anyhow!(
            "learning by acting decides for a few agents at every tick, which a GPU is slow at; leave --device out"
        )));
    }
    Ok(())
}

/// As many arenas of the scene as the settings want.
pub fn arenas(scene: &Scene, config: &TrainConfig) -> Box<Arenas> {
    let arenas = if config.training.learner == LearnerKind::Dqn { config.dqn.arenas } else { config.ppo.arenas };
    Box::new(Arenas::new(scene, VecEnvOptions { arenas, agents: 1, threads: 0 }))
}

pub fn run(kind: LearnerKind, arguments: &ActingArguments, output: &Output) -> Result<(), Failure> {
    let own = &arguments.settings;
    let scene = find(&arguments.scene).map_err(Failure::bad_use)?;
    let mut defaults = kind.defaults();
    let reward = arguments
        .reward
        .as_ref()
        .map(|from| fs::canonicalize(from).unwrap_or_else(|_| from.clone()).display().to_string());
    if let Some(from) = &reward {
        if kind == LearnerKind::Dqn {
            return Err(Failure::bad_use(anyhow!(
                "train dqn learns from the task's reward alone; use train ppo --reward"
            )));
        }
        defaults = defaults.rewarded_by(from);
    }
    if !arguments.datasets.is_empty() {
        if kind != LearnerKind::Dqn {
            return Err(Failure::bad_use(anyhow!(
                "train {} learns from the scene's reward alone; clone the demonstrations with train bc and give that run by \
                 --init-from, or use train dqn --dataset",
                kind.name()
            )));
        }
        defaults.dqn.explore_first = DqnConfig::EXPLORE_FIRST_SHOWN;
    }
    said_once(&own.set, reward.is_some(), "--reward", "reward.from")?;
    let mut config = settings(defaults, kind.name(), own, &own.run.join("config.toml"))?;
    if reward.is_none() && names(&own.set, "reward.from") && !own.resume {
        return Err(Failure::bad_use(anyhow!("name the reward by --reward, which sets what goes with it, too")));
    }
    if let Some(from) = reward {
        if own.resume && config.reward.from != from {
            return Err(Failure::bad_use(anyhow!(
                "the run began with another reward; leave --reward out to go on with it"
            )));
        }
        config.reward.from = from;
    }
    on_cpu(own)?;
    alone(&scene)?;
    // An inferred reward may be below zero everywhere, and would be best served by a quick end.
    let scene = if config.reward.from.is_empty() {
        scene
    } else {
        at_horizon(&scene, if config.reward.horizon > 0 { config.reward.horizon } else { scene.tick_limit() }, output)
    };
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
    let shown = if arguments.datasets.is_empty() { Vec::new() } else { episodes(&arguments.datasets, &scene)? };
    let failed = shown.iter().filter(|episode| !episode.succeeded()).count();
    if failed > 0 {
        output.line(format_args!("{failed} of {} demonstrations failed and are left out", shown.len()));
    }
    let summary = with_bar(Some(Curve::Return), &options, output, |bar| {
        train_shown(&config, environment, &shown, &options, bar)
    })?;
    told_return(&summary, &config, &own.run, output)
}

/// Say what came of it, and the return by the task's reward of the policy that was chosen.
pub fn told_return(summary: &TrainSummary, config: &TrainConfig, run: &Path, output: &Output) -> Result<(), Failure> {
    // By an inferred reward the newest policy is taken, whatever the task's own score says of it.
    let newest = config.training.select_from >= 1.0;
    let which = if newest { "the newest policy's" } else { "best" };
    // What is least is minus the return.
    let judged = summary.best_loss.map(|loss| -loss);
    let words = match judged {
        Some(judged) => format!("{which} return by the task's reward {judged:.3} after update {}", summary.best_step),
        None if newest => "the newest policy counts, and is judged after the last update".to_owned(),
        None => "not judged yet".to_owned(),
    };
    let numbers = json!({ "best_return": judged, "best_step": summary.best_step });
    told(summary, (&words, numbers), run, &DeviceChoice::Cpu, output)
}

/// The scene, in which every episode lasts `ticks`; says so.
pub fn at_horizon(scene: &Scene, ticks: u64, output: &Output) -> Scene {
    output.line(format_args!(
        "every episode lasts {ticks} ticks ({:.1} s), so that its end tells nothing",
        ticks as f32 * scene.blueprint.control_dt()
    ));
    scene.with_horizon(ticks)
}
