//! `apprentice tune`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::exit::interrupted;
use super::load::load_data;
use super::overrides::{refuse_duplicate, training_seed};
use super::progress::{ProgressReporter, failure};
use super::{Failure, Output, plot, stop};
use crate::learn::{DataConfig, LearnerSpec, Need, TrainConfig, find_learner, learners};
use crate::policies::Policy;
use crate::rollout::{Player, evaluate, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::tune::{Objective, Search, SearchSpace, Trial, TuneError};

/// The learners whose settings can be searched: those that are trained on a dataset alone.
fn tunable() -> PossibleValuesParser {
    let trained_on_dataset = |learner: &&dyn LearnerSpec| learner.requirements().scene == Need::No;
    PossibleValuesParser::new(learners().into_iter().filter(trained_on_dataset).map(LearnerSpec::name))
}

#[derive(Args, Debug)]
#[command(after_help = "The search space is TOML, one setting per line:
  \"optimizer.learning_rate\" = { low = 1e-5, high = 1e-2, log = true }
  \"network.n_obs_steps\" = { low = 1, high = 8, integer = true }
  \"network.hidden_sizes\" = { choices = [[128, 128], [256, 256]] }

Examples:
  apprentice record --scene slalom --dataset demos/slalom
  apprentice tune bc --dataset demos/slalom --scene slalom --trials 30 --out tuning/slalom
  apprentice train bc --dataset demos/slalom --run runs/trial --config tuning/slalom/trials/000/config.toml
  echo '\"optimizer.learning_rate\" = { low = 1e-5, high = 1e-2, log = true }' > space.toml
  apprentice tune bc --dataset demos/slalom --space space.toml --out tuning/space")]
pub struct TuneArguments {
    /// The learner whose settings are searched
    #[arg(value_parser = tunable())]
    learner: String,
    /// The demonstrations
    #[arg(long = "dataset", value_name = "DATASET", required = true)]
    datasets: Vec<PathBuf>,
    /// Folder of trials, table and plot; a search that was stopped there is resumed
    #[arg(long)]
    out: PathBuf,
    /// Number of trials
    #[arg(long, default_value_t = 20)]
    trials: usize,
    /// A TOML file with the search space; without it, a default space of optimizer settings
    #[arg(long)]
    space: Option<PathBuf>,
    /// Compare trials by the success rate in this scene instead of by the action error on validation demonstrations
    #[arg(long)]
    scene: Option<String>,
    /// Evaluation episodes of each trial
    #[arg(long, default_value_t = 50, requires = "scene")]
    episodes: usize,
    /// A setting of all trials, such as training.steps=3000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// A TOML file with settings of all trials
    #[arg(long)]
    config: Option<PathBuf>,
    /// Seed of the search and of each trial's training
    #[arg(long, value_parser = training_seed())]
    seed: Option<u64>,
}

pub fn run(arguments: &TuneArguments, output: &Output) -> Result<(), Failure> {
    if arguments.trials == 0 || arguments.episodes == 0 {
        return Err(Failure::usage(anyhow!("--trials and --episodes must be at least 1")));
    }
    let space = match &arguments.space {
        None => SearchSpace::default_space(),
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
            SearchSpace::from_toml(&text.map_err(Failure::Failed)?).map_err(Failure::usage)?
        }
    };
    let scene = arguments.scene.as_deref().map(find).transpose().map_err(Failure::usage)?;
    let mut overrides = arguments.set.clone();
    let learner = find_learner(&arguments.learner).map_err(Failure::usage)?;
    refuse_duplicate(&overrides, arguments.seed.is_some(), "--seed", "training.seed")?;
    overrides.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
    let config = TrainConfig::load(learner, arguments.config.as_deref(), &overrides).map_err(Failure::usage)?;
    if scene.is_none() && config.get::<DataConfig>().validation_fraction == 0.0 {
        return Err(Failure::usage(anyhow!(
            "there is no validation data to compare trials by; set data.validation_fraction above 0, or give --scene"
        )));
    }
    if scene.is_some() && config.network.n_demonstration_frames > 0 {
        return Err(Failure::usage(anyhow!(
            "one-shot policies cannot be evaluated in episodes here; leave --scene out"
        )));
    }
    let data = load_data(&arguments.datasets)?;
    let objective = if scene.is_some() { Objective::FailureRate } else { Objective::ActionError };
    let stop = stop::on_interrupt();
    let search = Search::new(&arguments.out, space, config.clone(), objective, &data, stop).map_err(tune_failure)?;
    let mut evaluate_trial = |policy: Policy| match &scene {
        None => Ok(0.0),
        Some(scene) => failure_rate(scene, policy, &config, arguments.episodes),
    };
    let mut on_trial = |trial: &Trial| output.line(format_args!("{}", line(trial, objective)));
    let mut bar = ProgressReporter::new(output);
    let trials = search.run(arguments.trials, &data, &mut evaluate_trial, &mut on_trial, &mut bar);
    bar.clear();
    let trials = trials.map_err(tune_failure)?;
    let best = trials.iter().filter(|t| t.cost.is_some()).min_by(|a, b| cost(a).total_cmp(&cost(b)));
    let Some(best) = best else {
        return Err(Failure::failed(anyhow!("every trial diverged; give a search space of smaller learning rates")));
    };
    write_table(&arguments.out.join("trials.md"), &trials, objective)?;
    let costs: Vec<(f32, f32)> = trials.iter().map(|t| (t.number as f32, cost(t))).collect();
    let label = if objective == Objective::FailureRate { "failure rate" } else { "action error" };
    plot::trials(&arguments.out.join("trials.png"), label, &costs).map_err(Failure::Failed)?;
    let run = search.run_dir(best.number);
    output.line(format_args!("best: {}", line(best, objective)));
    output.line(format_args!("table: {}", arguments.out.join("trials.md").display()));
    output.line(format_args!("policy: {}", run.display()));
    output.object(&json!({ "out": arguments.out, "policy": run, "best": best, "trials": trials }));
    Ok(())
}

fn failure_rate(
    scene: &Scene,
    policy: Policy,
    config: &TrainConfig,
    episodes: usize,
) -> Result<f64, crate::policies::PolicyError> {
    // Other seeds than those of `eval`, which would overestimate a policy that was selected on them.
    let seeds: Vec<u64> = recording_seeds(split_seed(config.training.seed, 3000)).take(episodes).collect();
    let evaluation = evaluate(scene, Player::Policy(Box::new(policy)), &seeds, 0, |_| {})?;
    Ok(1.0 - evaluation.success_rate)
}

fn cost(trial: &Trial) -> f32 {
    trial.cost.unwrap_or(f32::INFINITY)
}

fn line(trial: &Trial, objective: Objective) -> String {
    let result = match (trial.cost, objective) {
        (None, _) => "diverged".to_owned(),
        (Some(_), _) if trial.pruned => "pruned".to_owned(),
        (Some(cost), Objective::FailureRate) => format!("success rate {:.0} %", 100.0 * (1.0 - cost)),
        (Some(cost), Objective::ActionError) => format!("action error {cost:.4}"),
    };
    format!("trial {:>3}: {result:<20} {}", trial.number, trial.settings.join(" "))
}

fn write_table(path: &Path, trials: &[Trial], objective: Objective) -> Result<(), Failure> {
    let mut sorted: Vec<&Trial> = trials.iter().collect();
    sorted.sort_by(|a, b| (a.pruned, cost(a)).partial_cmp(&(b.pruned, cost(b))).unwrap_or(std::cmp::Ordering::Equal));
    let mut text = String::from("| trial | result | settings |\n|---|---|---|\n");
    for trial in sorted {
        let (head, rest) = (format!("{:03}", trial.number), line(trial, objective));
        let result = rest.split_once(": ").map_or("", |(_, rest)| rest);
        let result = result.split("  ").next().unwrap_or(result).trim();
        text.push_str(&format!("| {head} | {result} | `{}` |\n", trial.settings.join("` `")));
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display())).map_err(Failure::Failed)
}

fn tune_failure(error: TuneError) -> Failure {
    match error {
        TuneError::Stopped => interrupted(error),
        TuneError::Train(error) => failure(error),
        TuneError::SearchSpace(_) | TuneError::Settings { .. } => Failure::usage(error),
        error => Failure::failed(error),
    }
}
