//! `apprentice quickstart`: record, train and evaluate.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::evaluation::evaluate_with_bar;
use super::exit::interrupted;
use super::load::{load_data, load_policy};
use super::overrides::training_seed;
use super::progress::train_with_progress;
use super::sides::Matchup;
use super::{Failure, Output, plot, stop};
use crate::demos::Dataset;
use crate::learn::{Curve, DeviceChoice, Outcome, RunOptions, defaults, select, train_on_dataset};
use crate::rollout::{Player, evaluation_seeds, record, recording_seeds, trace_episode, trace_policy};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::teleop::Skill;

/// The scene.
const SCENE: &str = "circuit";
/// Operators and their numbers of episodes.
const DEMONSTRATIONS: [(Skill, usize); 2] = [(Skill::Steady, 48), (Skill::Hasty, 12)];
/// Number of evaluation episodes, with seeds that no demonstration has.
const N_EVAL_EPISODES: usize = 50;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  apprentice quickstart\n  apprentice quickstart --out mine --seed 2 --device auto")]
pub struct QuickstartArguments {
    /// Folder for the dataset, the run and the plots
    #[arg(long, default_value = "quickstart")]
    out: PathBuf,
    /// Seed of the recordings, the training and the evaluation
    #[arg(long, default_value_t = 1, value_parser = training_seed())]
    seed: u64,
    /// cpu, gpu, or auto (benchmarks both and chooses the faster)
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub fn run(arguments: &QuickstartArguments, output: &Output) -> Result<(), Failure> {
    let start = Instant::now();
    let stop = stop::on_interrupt();
    let scene = find(SCENE).map_err(Failure::failed)?;
    let out = &arguments.out;
    let (demos, run) = (out.join("dataset"), out.join("run"));
    for dir in [&demos, &run] {
        if dir.exists() {
            return Err(Failure::usage(anyhow!(
                "{} exists already; choose another folder with --out, or remove it",
                dir.display()
            )));
        }
    }

    record_demonstrations(&scene, arguments, &demos, &stop, output)?;
    output.line("2/3 training");
    let data = load_data(std::slice::from_ref(&demos))?;
    let mut config = defaults("bc");
    config.training.seed = arguments.seed;
    let device = select(arguments.device, &config, &data, None).map_err(Failure::failed)?;
    output.line(format_args!("    {}", device.reason));
    let scene_name = scene.name.clone();
    let options = RunOptions { stop, device: device.device, scene: scene_name, ..RunOptions::new(run.clone()) };
    let summary = train_with_progress(&run, Some(Curve::Loss), output, |progress| {
        train_on_dataset(&config, &data, &options, progress)
    })?;
    if summary.outcome == Outcome::Interrupted {
        return Err(interrupted(format_args!(
            "continue with: apprentice train bc --dataset {} --run {} --resume",
            demos.display(),
            run.display()
        )));
    }
    output.line(format_args!("    {} steps in {:.0} s", summary.steps, summary.seconds));

    output.line(format_args!("3/3 evaluating on {N_EVAL_EPISODES} unseen seeds"));
    let seeds = evaluation_seeds(arguments.seed, N_EVAL_EPISODES);
    let policy = load_policy(&run)?;
    let evaluate = |player: Player, label: &'static str| {
        evaluate_with_bar(&scene, &Matchup::single_player(), player, &seeds, output, label)
    };
    let result = evaluate(Player::Policy(Box::new(policy)), "policy")?;
    let operator = evaluate(Player::Operator(Skill::Steady), "operator")?;
    plot_trajectories(&scene, &demos, &run, &out.join("trajectories.png"), &seeds[..3])?;

    output.line("");
    output.line("                    success rate   mean lap time   mean reward");
    for (name, e) in [("policy", &result), ("steady operator", &operator)] {
        output.line(format_args!(
            "  {name:<16} {:>12.0} %  {:>12.1} s  {:>11.2}",
            100.0 * e.success_rate,
            e.seconds_mean,
            e.return_mean
        ));
    }
    let seconds = start.elapsed().as_secs_f64();
    output.line("");
    output.line(format_args!("done in {seconds:.0} s. In {}:", out.display()));
    output.line("  dataset/          the demonstrations (LeRobotDataset v3.0)");
    output.line("  run/              the policy (best/), checkpoints, TensorBoard file, loss.png");
    output.line("  trajectories.png  trajectories of demonstrations and of the policy");
    output.line("");
    output.line(format_args!("Watch the policy:   apprentice play {SCENE} --policy {}", run.display()));
    output.line(format_args!("Drive yourself:     apprentice play {SCENE}"));
    output.line(format_args!("Check the replays:  apprentice dataset check {}", demos.display()));
    output.object(&json!({
        "success_rate": result.success_rate,
        "success_rate_ci95": result.success_ci95,
        "n_eval_episodes": result.episodes,
        "mean_reward": result.return_mean,
        "operator_success_rate": operator.success_rate,
        "training_steps": summary.steps,
        "device": device.choice.to_string(),
        "wall_seconds": seconds,
        "dataset": demos,
        "run": run,
    }));
    Ok(())
}

/// Record the demonstrations of all operators.
fn record_demonstrations(
    scene: &Scene,
    arguments: &QuickstartArguments,
    demos: &Path,
    stop: &AtomicBool,
    output: &Output,
) -> Result<(), Failure> {
    output.line("1/3 recording demonstrations");
    for (skill, episodes) in DEMONSTRATIONS {
        let bar = output.bar(episodes as u64, skill.name());
        let seeds = recording_seeds(split_seed(arguments.seed, skill as u64)).take(episodes);
        let report = record(scene, skill, seeds, demos, stop, |n| bar.set_position(n as u64));
        bar.finish_and_clear();
        let report = report.map_err(Failure::failed)?;
        output.line(format_args!("    {skill:<7} {episodes:>3} laps, {} ticks", report.ticks));
        if report.stopped {
            return Err(interrupted(format_args!("remove {} to start again", arguments.out.display())));
        }
    }
    Ok(())
}

/// Plot the trajectories of some demonstrations and of the policy.
fn plot_trajectories(scene: &Scene, demos: &Path, run: &Path, path: &Path, seeds: &[u64]) -> Result<(), Failure> {
    let dataset = Dataset::open(demos).map_err(Failure::failed)?;
    let mut demonstrations = Vec::new();
    for number in 0..dataset.len().min(3) {
        let episode = dataset.read(number).map_err(Failure::failed)?;
        demonstrations.push(trace_episode(scene, &episode).map_err(Failure::failed)?);
    }
    let mut trajectories = Vec::new();
    for seed in seeds {
        trajectories.push(trace_policy(scene, load_policy(run)?, *seed).map_err(Failure::usage)?);
    }
    plot::trajectories(path, "Laps on the circuit", &demonstrations, &trajectories).map_err(Failure::Failed)
}
