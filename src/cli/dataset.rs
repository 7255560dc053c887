//! `apprentice dataset`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::print_error;
use super::load::{read_episode, scene_of};
use super::{Failure, Output, plot};
use crate::demos::{Dataset, Episode};
use crate::learn::{TrainingData, rate_quality};
use crate::rollout::{check_dataset, resimulate, trace_episode};
use crate::scenes::find;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --dataset demos/slalom
  apprentice dataset info demos/slalom
  apprentice dataset check demos/slalom
  apprentice dataset replay demos/slalom 3
  apprentice dataset plot demos/slalom --out slalom.png")]
pub struct DatasetArguments {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Subcommand, Debug)]
enum DatasetCommand {
    /// Print size, operators, success, returns and quality scores of the episodes
    Info {
        /// The dataset's folder
        dir: PathBuf,
    },
    /// Re-simulate every episode and compare the state hash of every tick
    Check {
        /// The dataset's folder
        dir: PathBuf,
    },
    /// Re-simulate one episode without a window (`play --replay DIR:EPISODE` shows it)
    Replay {
        /// The dataset's folder
        dir: PathBuf,
        /// The episode's number, from 0
        episode: usize,
    },
    /// Plot the trajectories of the demonstrations
    Plot {
        /// The dataset's folder
        dir: PathBuf,
        /// The PNG file to write
        #[arg(long, value_parser = plot::png)]
        out: PathBuf,
    },
}

pub fn run(arguments: &DatasetArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        DatasetCommand::Info { dir } => info(dir, output),
        DatasetCommand::Check { dir } => check(dir, output),
        DatasetCommand::Replay { dir, episode } => replay(dir, *episode, output),
        DatasetCommand::Plot { dir, out } => plot_trajectories(dir, out, output),
    }
}

/// Warn when a built-in scene has changed since the recording.
fn warn_of_change(episode: &Episode) {
    if find(&episode.header.scene).is_ok_and(|now| now.hash() != episode.header.scene_hash) {
        bevy::log::warn!(
            "the built-in scene `{}` differs from the recorded one; the copy in the dataset is used",
            episode.header.scene
        );
    }
}

fn info(dir: &PathBuf, output: &Output) -> Result<(), Failure> {
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    let rows = dataset.summaries();
    let successes = rows.iter().filter(|r| r.success).count();
    let seconds = dataset.total_ticks() as f32 * dataset.control_dt();
    output.line(format_args!(
        "{}: {} episodes of a {}, {} ticks ({seconds:.0} s), {successes} successful",
        dir.display(),
        dataset.len(),
        dataset.agent(),
        dataset.total_ticks()
    ));
    output.line(format_args!(
        "observation dimension {}, action dimension {}, reward terms {}",
        dataset.observation().size(),
        dataset.action().size(),
        dataset.terms().join(", ")
    ));
    let qualities = rate_quality(&TrainingData::from_dataset(&dataset).map_err(Failure::failed)?);
    output.line(
        "episode  scene        operator  length  success  return  interventions  action rate  divergence  novelty  quality  seed",
    );
    for (r, q) in rows.iter().zip(&qualities) {
        output.line(format_args!(
            "{:>7}  {:<11}  {:<8}  {:>4.1} s  {:<7}  {:>6.2}  {:>13}  {:>11.2}  {:>10.2}  {:>7.2}  {:>7.2}  {}",
            r.episode,
            r.scene,
            r.operator,
            r.length as f32 * dataset.control_dt(),
            if r.success { "yes" } else { "no" },
            r.total_reward,
            r.interventions,
            q.action_rate,
            q.action_divergence,
            q.state_novelty,
            q.score,
            r.seed
        ));
    }
    let episodes: Vec<_> = rows
        .iter()
        .zip(&qualities)
        .map(|(r, q)| {
            json!({
                "episode_index": r.episode, "scene": r.scene, "operator": r.operator, "length": r.length,
                "success": r.success, "return": r.total_reward, "interventions": r.interventions, "seed": r.seed,
                "quality": q,
            })
        })
        .collect();
    output.object(&json!({
        "dataset": dir,
        "agent": dataset.agent(),
        "total_episodes": dataset.len(),
        "total_ticks": dataset.total_ticks(),
        "successes": successes,
        "episodes": episodes,
    }));
    Ok(())
}

fn check(dir: &PathBuf, output: &Output) -> Result<(), Failure> {
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    if !dataset.is_empty() {
        warn_of_change(&dataset.read(0).map_err(Failure::failed)?);
    }
    let bar = output.bar(dataset.len() as u64, "checking");
    let report = check_dataset(&dataset, scene_of, |n| bar.set_position(n as u64));
    bar.finish_and_clear();
    let report = report.map_err(Failure::failed)?;
    output.line(format_args!(
        "{}: {} episodes, {} ticks, {} of them diverged",
        dir.display(),
        report.episodes,
        report.ticks,
        report.diverged
    ));
    for (episode, tick) in &report.first_divergences {
        output.line(format_args!("  episode {episode} diverges at tick {tick}"));
    }
    output.object(&json!({
        "total_episodes": report.episodes,
        "total_ticks": report.ticks,
        "diverged_ticks": report.diverged,
        "first_divergences": report.first_divergences,
    }));
    if report.diverged > 0 {
        print_error(format_args!(
            "error: {} of {} ticks differ from the recording; it was made by another build of the program",
            report.diverged, report.ticks
        ));
        return Err(Failure::Reported);
    }
    Ok(())
}

fn replay(dir: &Path, number: usize, output: &Output) -> Result<(), Failure> {
    let episode = read_episode(dir, number)?;
    let scene = scene_of(&episode).map_err(Failure::failed)?;
    warn_of_change(&episode);
    let track = resimulate(&scene, &episode).map_err(Failure::failed)?;
    let first = track.first_divergence;
    output.line(format_args!(
        "episode {number}: {} ticks of {} by {}, {}",
        episode.len(),
        episode.header.scene,
        episode.header.operator,
        first.map_or("no divergence".to_owned(), |t| format!("diverges at tick {t}"))
    ));
    output.object(&json!({
        "episode_index": number,
        "length": episode.len(),
        "diverged_ticks": track.divergences,
        "first_divergence": first,
        "success": episode.succeeded(),
        "return": episode.total_reward(),
    }));
    if first.is_some() { Err(Failure::Reported) } else { Ok(()) }
}

fn plot_trajectories(dir: &PathBuf, out: &PathBuf, output: &Output) -> Result<(), Failure> {
    /// More trajectories than this hide each other.
    const MAX_EPISODES: usize = 40;
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    let count = dataset.len().min(MAX_EPISODES);
    let bar = output.bar(count as u64, "re-simulating");
    let mut traces = Vec::new();
    for number in 0..count {
        let episode = dataset.read(number).map_err(Failure::failed)?;
        let scene = scene_of(&episode).map_err(Failure::failed)?;
        traces.push(trace_episode(&scene, &episode).map_err(Failure::failed)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let title = format!("{} of {} episodes", traces.len(), dataset.len());
    plot::trajectories(out, &title, &traces, &[]).map_err(Failure::Failed)?;
    output.line(format_args!("{}: {} trajectories", out.display(), traces.len()));
    output.object(&json!({ "out": out, "episodes": traces.len() }));
    Ok(())
}
