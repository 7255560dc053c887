//! `apprentice reward`

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use serde_json::json;

use super::train::{failure, load_data};
use super::{Failure, Output, plot};
use crate::learn::irl::RewardModel;
use crate::rollout::{Moves, Player, evaluation_seeds, moves};
use crate::scenes::find;
use crate::sim::split_seed;
use crate::teleop::Skill;

/// Weights below this are not listed.
const LEAST: f64 = 0.01;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice reward show runs/apprenticeship
  apprentice reward show runs/airl --scene slalom --map airl.png
  apprentice reward rate demos/slalom --reward runs/airl --out ticks.csv")]
pub struct RewardArguments {
    #[command(subcommand)]
    command: RewardCommand,
}

#[derive(Subcommand, Debug)]
enum RewardCommand {
    /// What an inferred reward is made of, and where on the ground it is high
    Show {
        /// The run that inferred it
        run: PathBuf,
        /// Draw it over the ground into this PNG file: its mean where operators and chance get to
        #[arg(long, requires = "scene", value_parser = plot::png)]
        map: Option<PathBuf>,
        /// The scene of the map
        #[arg(long, requires = "map")]
        scene: Option<String>,
        /// Episodes of each operator, and of chance, that the map is made of
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        episodes: u64,
    },
    /// Score a dataset by an inferred reward: every tick but the last of each episode, which leads nowhere
    Rate {
        /// The dataset
        dataset: PathBuf,
        /// The run that inferred the reward
        #[arg(long)]
        reward: PathBuf,
        /// Write every tick's score into this CSV file
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

pub fn run(arguments: &RewardArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        RewardCommand::Show { run, map, scene, episodes } => {
            show(run, map.as_deref().zip(scene.as_deref()), *episodes, output)
        }
        RewardCommand::Rate { dataset, reward, out } => rate(dataset, reward, out.as_deref(), output),
    }
}

fn show(run: &Path, map: Option<(&Path, &str)>, episodes: u64, output: &Output) -> Result<(), Failure> {
    let reward = RewardModel::load(run).map_err(failure)?;
    output.line(format_args!("{}: a reward inferred by {}", run.display(), reward.learner().name()));
    let mut weights = reward.weights();
    weights.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    for (name, weight) in weights.iter().filter(|(_, weight)| weight.abs() >= LEAST) {
        output.line(format_args!("  {weight:>8.4}  {name}"));
    }
    let without = weights.iter().filter(|(_, weight)| weight.abs() < LEAST).count();
    if !weights.is_empty() {
        output.line(format_args!("  {without} more below {LEAST}, or not judged"));
        output.line(
            "the reward of a tick is the sum of weight times feature; a feature is what is observed less its mean in the \
             demonstrations, divided by three of its deviations there and kept within -1 and 1; ^2 marks its square",
        );
    }
    if weights.is_empty() && map.is_none() {
        output.line("a network, which has no weights to read; see where it is high with --map and --scene");
    }
    let mut cells = Vec::new();
    if let Some((path, scene)) = map {
        let scene = find(scene).map_err(Failure::bad_use)?;
        let spaces = scene.blueprint.spaces();
        if spaces.observation.fields != reward.observation().fields {
            return Err(Failure::bad_use(anyhow!("the reward is of another agent than that of scene {}", scene.name)));
        }
        let seeds = |stream: u64| evaluation_seeds(split_seed(0, stream), episodes as usize);
        let mut all = Vec::new();
        let operators = [Skill::Steady, Skill::Hasty, Skill::Sloppy].map(Player::Operator);
        for (stream, player) in operators.into_iter().chain([Player::Random]).enumerate() {
            all.push(moves(&scene, player, &seeds(stream as u64), 0).map_err(Failure::bad_use)?);
        }
        cells = all.iter().flat_map(|moves| rated(&reward, moves)).collect();
        plot::map(path, &format!("{} on {}", run.display(), scene.name), &cells).map_err(Failure::Failed)?;
        output.line(format_args!("map: {}", path.display()));
    }
    let weights: Vec<_> =
        weights.into_iter().map(|(name, weight)| json!({ "feature": name, "weight": weight })).collect();
    output.object(&json!({
        "run": run, "learner": reward.learner().name(), "weights": weights, "ticks_in_map": cells.len(),
    }));
    Ok(())
}

/// Places with what the ticks that led there are worth.
fn rated<'a>(reward: &RewardModel, moves: &'a Moves) -> impl Iterator<Item = (f32, f32, f32)> + use<'a> {
    let worth = reward.worth(&moves.observations, &moves.actions, &moves.next);
    moves.places.iter().zip(worth).map(|((x, z), worth)| (*x, *z, worth))
}

fn rate(dataset: &Path, reward_of: &Path, out: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let reward = RewardModel::load(reward_of).map_err(failure)?;
    let data = load_data(&[dataset.to_path_buf()])?;
    if data.observation.fields != reward.observation().fields {
        return Err(Failure::bad_use(anyhow!(
            "{} was not recorded with the agent that {} is a reward of",
            dataset.display(),
            reward_of.display()
        )));
    }
    let acts = reward.judges_actions();
    if acts && data.action.fields != reward.action().fields {
        return Err(Failure::bad_use(anyhow!(
            "{} judges what is done, and {} does not hold the same actions",
            reward_of.display(),
            dataset.display()
        )));
    }
    let (wide, narrow) = (data.observation.size(), if acts { data.action.size() } else { 0 });
    let mut ticks = Vec::new();
    let mut episodes = Vec::new();
    for (index, rows) in data.episodes().enumerate() {
        // A tick leads to the next row; what the last one led to was not seen.
        let (first, last) = (rows.start, rows.end.saturating_sub(1).max(rows.start));
        let worth = reward.worth(
            &data.observations[first * wide..last * wide],
            &data.actions[first * narrow..last * narrow],
            &data.observations[(first + 1).min(rows.end) * wide..rows.end * wide],
        );
        let total: f32 = worth.iter().sum();
        let mean = total / worth.len().max(1) as f32;
        let success = data.facts.get(index).is_some_and(|facts| facts.success);
        episodes
            .push(json!({ "episode": index, "ticks": worth.len(), "mean": mean, "total": total, "success": success }));
        output.line(format_args!(
            "episode {index}: {mean:.4} a tick, {total:.2} in {} ticks{}",
            worth.len(),
            if success { "" } else { ", not a success" }
        ));
        ticks.extend(worth.into_iter().enumerate().map(|(tick, worth)| (index, tick, worth)));
    }
    if let Some(path) = out {
        write(path, &ticks).with_context(|| format!("cannot write {}", path.display())).map_err(Failure::Failed)?;
        output.line(format_args!("ticks: {}", path.display()));
    }
    output.object(&json!({ "dataset": dataset, "reward": reward_of, "episodes": episodes }));
    Ok(())
}

fn write(path: &Path, ticks: &[(usize, usize, f32)]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::io::BufWriter::new(File::create(path)?);
    writeln!(file, "episode,tick,reward")?;
    for (episode, tick, reward) in ticks {
        writeln!(file, "{episode},{tick},{reward}")?;
    }
    file.flush()
}
