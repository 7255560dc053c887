//! `apprentice reward`

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use serde_json::json;

use super::load::load_data;
use super::progress::failure;
use super::{Failure, Output, plot};
use crate::learn::rewards::RewardModel;
use crate::rollout::{Player, TransitionsWithRewards, collect_transitions, evaluation_seeds};
use crate::scenes::find;
use crate::sim::split_seed;
use crate::teleop::Skill;

/// Weights whose absolute value is smaller are not printed.
const MIN_WEIGHT: f64 = 0.01;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --dataset demos/slalom
  apprentice train apprenticeship --dataset demos/slalom --run runs/apprenticeship
  apprentice reward show runs/apprenticeship
  apprentice train airl --dataset demos/slalom --run runs/airl
  apprentice reward show runs/airl --scene slalom --map airl.png
  apprentice reward rate demos/slalom --reward runs/airl --out ticks.csv")]
pub struct RewardArguments {
    #[command(subcommand)]
    command: RewardCommand,
}

#[derive(Subcommand, Debug)]
enum RewardCommand {
    /// Print an inferred reward's weights, and plot it as a map of the ground
    Show {
        /// The run that inferred the reward
        run: PathBuf,
        /// Plot a map of the mean reward into this PNG file, over the states that operators and random actions visit
        #[arg(long, requires = "scene", value_parser = plot::png)]
        map: Option<PathBuf>,
        /// The scene of the map
        #[arg(long, requires = "map")]
        scene: Option<String>,
        /// Number of episodes of each operator, and of random actions, that the map is made of
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        episodes: u64,
    },
    /// Compute an inferred reward for every transition of a dataset
    Rate {
        /// The dataset
        dataset: PathBuf,
        /// The run that inferred the reward
        #[arg(long)]
        reward: PathBuf,
        /// Write the reward of every tick into this CSV file
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
    output.line(format_args!("{}: reward inferred by {}", run.display(), reward.learner()));
    let mut weights = reward.weights();
    weights.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    for (name, weight) in weights.iter().filter(|(_, weight)| weight.abs() >= MIN_WEIGHT) {
        output.line(format_args!("  {weight:>8.4}  {name}"));
    }
    let rest = weights.iter().filter(|(_, weight)| weight.abs() < MIN_WEIGHT).count();
    if !weights.is_empty() {
        output.line(format_args!("  {rest} more weights below {MIN_WEIGHT}, or of unused features"));
        output.line(
            "reward of a tick = sum of weight * feature; a feature is an observed value, minus its mean in the \
             demonstrations, divided by 3 standard deviations, clipped to [-1, 1]; ^2 is its square",
        );
    }
    if weights.is_empty() && map.is_none() {
        output.line("the reward is a neural network; plot it with --map and --scene");
    }
    let mut cells = Vec::new();
    if let Some((path, scene)) = map {
        let scene = find(scene).map_err(Failure::usage)?;
        let spaces = scene.blueprint.spaces();
        if spaces.observation.fields != reward.observation().fields {
            return Err(Failure::usage(anyhow!(
                "the reward was inferred for another agent than that of scene {}",
                scene.name
            )));
        }
        let seeds = |stream: u64| evaluation_seeds(split_seed(0, stream), episodes as usize);
        let mut all = Vec::new();
        let operators = [Skill::Steady, Skill::Hasty, Skill::Sloppy].map(Player::Operator);
        for (stream, player) in operators.into_iter().chain([Player::Random]).enumerate() {
            all.push(collect_transitions(&scene, player, &seeds(stream as u64), 0).map_err(Failure::usage)?);
        }
        cells = all.iter().flat_map(|collected| rewards_at(&reward, collected)).collect();
        plot::map(path, &format!("{} on {}", run.display(), scene.name), &cells).map_err(Failure::Failed)?;
        output.line(format_args!("map: {}", path.display()));
    }
    let weights: Vec<_> =
        weights.into_iter().map(|(name, weight)| json!({ "feature": name, "weight": weight })).collect();
    output.object(&json!({
        "run": run, "learner": reward.learner(), "weights": weights, "ticks_in_map": cells.len(),
    }));
    Ok(())
}

/// For each transition: the position (x, z) that it leads to, m, and its reward.
fn rewards_at<'a>(
    reward: &RewardModel,
    collected: &'a TransitionsWithRewards,
) -> impl Iterator<Item = (f32, f32, f32)> + use<'a> {
    let transitions = &collected.transitions;
    let rewards = reward.predict(&transitions.observations, &transitions.actions, &transitions.next_observations);
    collected.positions.iter().zip(rewards).map(|((x, z), reward)| (*x, *z, reward))
}

fn rate(dataset: &Path, reward_of: &Path, out: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let reward = RewardModel::load(reward_of).map_err(failure)?;
    let data = load_data(&[dataset.to_path_buf()])?;
    if data.observation.fields != reward.observation().fields {
        return Err(Failure::usage(anyhow!(
            "{} was recorded with another agent than the one that the reward in {} was inferred for",
            dataset.display(),
            reward_of.display()
        )));
    }
    let uses_actions = reward.uses_actions();
    if uses_actions && data.action.fields != reward.action().fields {
        return Err(Failure::usage(anyhow!(
            "the reward in {} depends on actions, and {} does not have the same action layout",
            reward_of.display(),
            dataset.display()
        )));
    }
    let obs_dim = data.observation.size();
    let act_dim = if uses_actions { data.action.size() } else { 0 };
    let mut ticks = Vec::new();
    let mut episodes = Vec::new();
    for (index, rows) in data.episodes().enumerate() {
        // The next observation of a transition is the next row; the last row has none.
        let (first, last) = (rows.start, rows.end.saturating_sub(1).max(rows.start));
        let rewards = reward.predict(
            &data.observations[first * obs_dim..last * obs_dim],
            &data.actions[first * act_dim..last * act_dim],
            &data.observations[(first + 1).min(rows.end) * obs_dim..rows.end * obs_dim],
        );
        let total: f32 = rewards.iter().sum();
        let mean = total / rewards.len().max(1) as f32;
        let success = data.episode_info.get(index).is_some_and(|info| info.success);
        episodes.push(json!({
            "episode_index": index, "length": rewards.len(), "mean_tick_reward": mean, "return": total, "success": success,
        }));
        output.line(format_args!(
            "episode {index}: mean reward {mean:.4} per tick, return {total:.2} over {} ticks{}",
            rewards.len(),
            if success { "" } else { ", failed" }
        ));
        ticks.extend(rewards.into_iter().enumerate().map(|(tick, reward)| (index, tick, reward)));
    }
    if let Some(path) = out {
        write_csv(path, &ticks).with_context(|| format!("cannot write {}", path.display())).map_err(Failure::Failed)?;
        output.line(format_args!("rewards: {}", path.display()));
    }
    output.object(&json!({ "dataset": dataset, "reward": reward_of, "episodes": episodes }));
    Ok(())
}

fn write_csv(path: &Path, ticks: &[(usize, usize, f32)]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::io::BufWriter::new(File::create(path)?);
    writeln!(file, "episode,tick,reward")?;
    for (episode, tick, reward) in ticks {
        writeln!(file, "{episode},{tick},{reward}")?;
    }
    file.flush()
}
