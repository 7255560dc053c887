//! `apprentice tune`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::exit::interrupted;
use super::train::{Bar, all_read, failure, load_data, said_once};
use super::{Failure, Output, plot, stop};
use crate::learn::{LearnerKind, TrainConfig};
use crate::policies::Policy;
use crate::rollout::{Player, evaluate, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::tune::{Judge, Search, Space, Trial, TuneError};

/// A learner whose settings are searched.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Learner {
    Bc,
    BehaviorPrediction,
    Vae,
    Diffusion,
    Gan,
    FeatureMatching,
    OneShot,
    Act,
}

impl Learner {
    fn kind(self) -> LearnerKind {
        match self {
            Self::Bc => LearnerKind::BehaviourCloning,
            Self::BehaviorPrediction => LearnerKind::BehaviorPrediction,
            Self::Vae => LearnerKind::Vae,
            Self::Diffusion => LearnerKind::Diffusion,
            Self::Gan => LearnerKind::Gan,
            Self::FeatureMatching => LearnerKind::FeatureMatching,
            Self::OneShot => LearnerKind::OneShot,
            Self::Act => LearnerKind::Act,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "The space is TOML, one setting a line:
  \"optimizer.learning_rate\" = { low = 1e-5, high = 1e-2, log = true }
  \"network.history\" = { low = 1, high = 8, integer = true }
  \"network.hidden\" = { choices = [[128, 128], [256, 256]] }

Examples:
  apprentice tune bc --dataset demos/slalom --scene slalom --trials 30 --out tuning/slalom
  apprentice tune bc --dataset demos/slalom --space space.toml --out tuning/slalom
  apprentice train bc --dataset demos/slalom --run runs/best --config tuning/slalom/trials/017/config.toml")]
pub struct TuneArguments {
    /// The learner whose settings are searched
    learner: Learner,
    /// The demonstrations
    #[arg(long = "dataset", value_name = "DATASET", required = true)]
    datasets: Vec<PathBuf>,
    /// Where trials, table and plot go; a search that was stopped there goes on
    #[arg(long)]
    out: PathBuf,
    /// How many trials
    #[arg(long, default_value_t = 20)]
    trials: usize,
    /// A TOML file that says which settings are searched, and between what; without it, the optimiser's usual ones
    #[arg(long)]
    space: Option<PathBuf>,
    /// Judge by episodes in this scene instead of by the action error on demonstrations that were kept back
    #[arg(long)]
    scene: Option<String>,
    /// How many episodes judge a trial
    #[arg(long, default_value_t = 50, requires = "scene")]
    episodes: usize,
    /// A setting of all trials, such as training.steps=3000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A TOML file with settings of all trials
    #[arg(long)]
    config: Option<PathBuf>,
    /// Seed of the search and of each trial's training
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(arguments: &TuneArguments, output: &Output) -> Result<(), Failure> {
    if arguments.trials == 0 || arguments.episodes == 0 {
        return Err(Failure::bad_use(anyhow!("--trials and --episodes have to be at least 1")));
    }
    let space = match &arguments.space {
        None => Space::usual(),
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
            Space::from_toml(&text.map_err(Failure::Failed)?).map_err(Failure::bad_use)?
        }
    };
    let scene = arguments.scene.as_deref().map(find).transpose().map_err(Failure::bad_use)?;
    let mut overrides = arguments.set.clone();
    let kind = arguments.learner.kind();
    all_read(kind, kind.name(), overrides.iter().chain(space.0.keys()))?;
    said_once(&overrides, arguments.seed.is_some(), "--seed", "training.seed")?;
    overrides.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
    let defaults = kind.defaults();
    let config = defaults.changed(arguments.config.as_deref(), &overrides).map_err(Failure::bad_use)?;
    if scene.is_none() && config.data.validation_fraction == 0.0 {
        return Err(Failure::bad_use(anyhow!(
            "nothing is kept back to judge trials by; set data.validation_fraction above 0, or give --scene"
        )));
    }
    if scene.is_some() && config.network.shown > 0 {
        return Err(Failure::bad_use(anyhow!(
            "episodes cannot judge policies that are shown a demonstration; leave --scene out"
        )));
    }
    let data = load_data(&arguments.datasets)?;
    let judge = if scene.is_some() { Judge::Failures } else { Judge::ActionError };
    let stop = stop::on_interrupt();
    let search = Search::new(&arguments.out, space, config.clone(), judge, &data, stop).map_err(problem)?;
    let mut judged = |policy: Policy| match &scene {
        None => Ok(0.0),
        Some(scene) => failures(scene, policy, &config, arguments.episodes),
    };
    let mut heard = |trial: &Trial| output.line(format_args!("{}", line(trial, judge)));
    let mut bar = Bar::new(output);
    let trials = search.run(arguments.trials, &data, &mut judged, &mut heard, &mut bar);
    bar.clear();
    let trials = trials.map_err(problem)?;
    let best = trials.iter().filter(|t| t.cost.is_some()).min_by(|a, b| cost(a).total_cmp(&cost(b)));
    let Some(best) = best else {
        return Err(Failure::failed(anyhow!("every trial diverged; give a space of smaller learning rates")));
    };
    write_table(&arguments.out.join("trials.md"), &trials, judge)?;
    let costs: Vec<(f32, f32)> = trials.iter().map(|t| (t.number as f32, cost(t))).collect();
    let what = if judge == Judge::Failures { "share of episodes that fail" } else { "action error" };
    plot::trials(&arguments.out.join("trials.png"), what, &costs).map_err(Failure::Failed)?;
    let run = search.run_dir(best.number);
    output.line(format_args!("best: {}", line(best, judge)));
    output.line(format_args!("table: {}", arguments.out.join("trials.md").display()));
    output.line(format_args!("policy: {}", run.display()));
    output.object(&json!({ "out": arguments.out, "policy": run, "best": best, "trials": trials }));
    Ok(())
}

fn failures(
    scene: &Scene,
    policy: Policy,
    config: &TrainConfig,
    episodes: usize,
) -> Result<f64, crate::policies::PolicyError> {
    // Never those of `eval`, which would flatter what was chosen by them.
    let seeds: Vec<u64> = recording_seeds(split_seed(config.training.seed, 3000)).take(episodes).collect();
    let evaluation = evaluate(scene, Player::Policy(Box::new(policy)), &seeds, 0, |_| {})?;
    Ok(1.0 - evaluation.success_rate)
}

fn cost(trial: &Trial) -> f32 {
    trial.cost.unwrap_or(f32::INFINITY)
}

fn line(trial: &Trial, judge: Judge) -> String {
    let result = match (trial.cost, judge) {
        (None, _) => "diverged".to_owned(),
        (Some(_), _) if trial.stopped => "stopped early".to_owned(),
        (Some(cost), Judge::Failures) => format!("{:.0} % succeed", 100.0 * (1.0 - cost)),
        (Some(cost), Judge::ActionError) => format!("action error {cost:.4}"),
    };
    format!("trial {:>3}: {result:<20} {}", trial.number, trial.settings.join(" "))
}

fn write_table(path: &Path, trials: &[Trial], judge: Judge) -> Result<(), Failure> {
    let mut sorted: Vec<&Trial> = trials.iter().collect();
    sorted.sort_by(|a, b| (a.stopped, cost(a)).partial_cmp(&(b.stopped, cost(b))).unwrap_or(std::cmp::Ordering::Equal));
    let mut text = String::from("| trial | result | settings |\n|---|---|---|\n");
    for trial in sorted {
        let (head, rest) = (format!("{:03}", trial.number), line(trial, judge));
        let result = rest.split_once(": ").map_or("", |(_, rest)| rest);
        let result = result.split("  ").next().unwrap_or(result).trim();
        text.push_str(&format!("| {head} | {result} | `{}` |\n", trial.settings.join("` `")));
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display())).map_err(Failure::Failed)
}

fn problem(error: TuneError) -> Failure {
    match error {
        TuneError::Stopped => interrupted(error),
        TuneError::Train(error) => failure(error),
        TuneError::Space(_) | TuneError::Settings { .. } => Failure::bad_use(error),
        error => Failure::failed(error),
    }
}
