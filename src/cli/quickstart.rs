//! `apprentice quickstart`: the main job, from nothing to a policy that drives.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::exit::interrupted;
use super::sides::Match;
use super::{Failure, Output, eval, plot, stop, train};
use crate::demos::Dataset;
use crate::learn::{DeviceChoice, Outcome, RunOptions, TrainConfig, select, train as learn};
use crate::rollout::{Player, evaluation_seeds, record, recording_seeds, trace_episode, trace_policy};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::teleop::Skill;

/// The scene that is learned.
const SCENE: &str = "circuit";
/// Who demonstrates, and how many episodes.
const DEMONSTRATIONS: [(Skill, usize); 2] = [(Skill::Steady, 48), (Skill::Hasty, 12)];
/// Unseen seeds that the policy is judged on.
const EPISODES: usize = 50;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  apprentice quickstart\n  apprentice quickstart --out mine --seed 2 --device auto")]
pub struct QuickstartArguments {
    /// Folder for the dataset, the run and the plots
    #[arg(long, default_value = "quickstart")]
    out: PathBuf,
    /// Seed of everything
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// cpu, gpu, or auto (measures both and takes the faster)
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub fn run(arguments: &QuickstartArguments, output: &Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let stop = stop::on_interrupt();
    let scene = find(SCENE).map_err(Failure::failed)?;
    let out = &arguments.out;
    let (demos, run) = (out.join("dataset"), out.join("run"));
    for taken in [&demos, &run] {
        if taken.exists() {
            return Err(Failure::bad_use(anyhow!(
                "{} is there already; give another folder with --out, or remove it",
                taken.display()
            )));
        }
    }

    output.line("1/3 recording demonstrations");
    for (skill, episodes) in DEMONSTRATIONS {
        let bar = output.bar(episodes as u64, skill.name());
        let seeds = recording_seeds(split_seed(arguments.seed, skill as u64)).take(episodes);
        let report = record(&scene, skill, seeds, &demos, &stop, |n| bar.set_position(n as u64));
        bar.finish_and_clear();
        let report = report.map_err(Failure::failed)?;
        output.line(format_args!("    {skill:<7} {episodes:>3} laps, {} ticks", report.ticks));
        if report.stopped {
            return Err(interrupted(format_args!("remove {} to begin again", out.display())));
        }
    }

    output.line("2/3 training");
    let data = train::load_data(std::slice::from_ref(&demos))?;
    let mut config = TrainConfig::default();
    config.training.seed = arguments.seed;
    let device = select(arguments.device, &config, &data).map_err(Failure::failed)?;
    output.line(format_args!("    {}", device.reason));
    let scene_name = scene.name.clone();
    let options = RunOptions { stop, device: device.device, scene: scene_name, ..RunOptions::new(run.clone()) };
    let summary =
        train::with_bar(Some(super::plot::Curve::Loss), &options, output, |bar| learn(&config, &data, &options, bar))?;
    if summary.outcome == Outcome::Interrupted {
        return Err(interrupted(format_args!(
            "go on with: apprentice train bc --dataset {} --run {} --resume",
            demos.display(),
            run.display()
        )));
    }
    output.line(format_args!("    {} steps in {:.0} s", summary.steps, summary.seconds));

    output.line(format_args!("3/3 evaluating on {EPISODES} unseen seeds"));
    let seeds = evaluation_seeds(arguments.seed, EPISODES);
    let policy = eval::load_policy(&run)?;
    let result = eval::play(&scene, (&Match::alone(), Player::Policy(Box::new(policy))), &seeds, output, "policy")?;
    let steady = eval::play(&scene, (&Match::alone(), Player::Operator(Skill::Steady)), &seeds, output, "operator")?;
    plot_lines(&scene, &demos, &run, &out.join("lines.png"), &seeds[..3])?;

    output.line("");
    output.line("                    success   lap time   return");
    for (who, e) in [("policy", &result), ("steady operator", &steady)] {
        output.line(format_args!(
            "  {who:<16} {:>7.0} %  {:>7.1} s  {:>7.2}",
            100.0 * e.success_rate,
            e.seconds_mean,
            e.return_mean
        ));
    }
    let seconds = begun.elapsed().as_secs_f64();
    output.line("");
    output.line(format_args!("done in {seconds:.0} s. In {}:", out.display()));
    output.line("  dataset/   the demonstrations (LeRobotDataset v3.0)");
    output.line("  run/       the policy (best/), checkpoints, TensorBoard file, loss.png");
    output.line("  lines.png  the demonstrated and the driven line");
    output.line("");
    output.line(format_args!("Watch it drive:   apprentice play {SCENE} --policy {}", run.display()));
    output.line(format_args!("Drive yourself:   apprentice play {SCENE}"));
    output.line(format_args!("Check the replay: apprentice dataset check {}", demos.display()));
    output.object(&json!({
        "success_rate": result.success_rate,
        "success_ci95": result.success_ci95,
        "episodes": result.episodes,
        "return_mean": result.return_mean,
        "operator_success_rate": steady.success_rate,
        "training_steps": summary.steps,
        "device": device.choice.to_string(),
        "wall_seconds": seconds,
        "dataset": demos,
        "run": run,
    }));
    Ok(())
}

/// Draw some demonstrated laps and some that the policy drives.
fn plot_lines(scene: &Scene, demos: &Path, run: &Path, path: &Path, seeds: &[u64]) -> Result<(), Failure> {
    let dataset = Dataset::open(demos).map_err(Failure::failed)?;
    let mut demonstrated = Vec::new();
    for number in 0..dataset.len().min(3) {
        let episode = dataset.read(number).map_err(Failure::failed)?;
        demonstrated.push(trace_episode(scene, &episode).map_err(Failure::failed)?);
    }
    let mut driven = Vec::new();
    for seed in seeds {
        driven.push(trace_policy(scene, eval::load_policy(run)?, *seed).map_err(eval::misfit)?);
    }
    plot::lines(path, "Laps on the circuit", &demonstrated, &driven).map_err(Failure::Failed)
}
