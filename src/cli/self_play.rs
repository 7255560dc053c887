//! `apprentice train self-play`: two sides that learn against each other.

use clap::Args;
use serde_json::json;

use super::acting::on_cpu;
use super::plot::{cross_play, ratings};
use super::train::{SettingArguments, settings, told, with_bar};
use super::{Failure, Output, stop};
use crate::learn::self_play::{Games, train_sides};
use crate::learn::{DeviceChoice, LearnerKind, RunOptions};
use crate::scenes::find;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice train self-play --scene tag --run runs/tag
  apprentice train self-play --scene playground --run runs/playground --set training.steps=300
  apprentice train self-play --scene tag --run runs/tag --resume
  apprentice eval --scene tag --policy runs/tag/last/runner --side runner --opponent runs/tag/last/chaser
  apprentice eval --scene tag --policy runs/tag/last/chaser --opponent runs/tag/last/pool/runner-000")]
pub struct SelfPlayArguments {
    /// A scene with two sides: tag, playground, or the path of a .ron file
    #[arg(long)]
    scene: String,
    #[command(flatten)]
    settings: SettingArguments,
}

pub fn run(arguments: &SelfPlayArguments, output: &Output) -> Result<(), Failure> {
    let own = &arguments.settings;
    let scene = find(&arguments.scene).map_err(Failure::bad_use)?;
    let config = settings(LearnerKind::SelfPlay.defaults(), "self-play", own, &own.run.join("config.toml"))?;
    on_cpu(own)?;
    let options = RunOptions {
        resume: own.resume,
        stop: stop::on_interrupt(),
        scene: scene.name.clone(),
        ..RunOptions::new(&own.run)
    };
    let summary = with_bar(None, &options, output, |bar| train_sides(&config, &scene, 0, &options, bar))?;
    let games = Games::load(&own.run).map_err(Failure::failed)?;
    print(output, &games);
    let played = !games.won.is_empty();
    if played {
        for drawn in [ratings(&own.run.join("ratings.png"), &games), cross_play(&own.run.join("games.png"), &games)] {
            if let Err(error) = drawn {
                bevy::log::warn!("no plot of the games: {error:#}");
            }
        }
    }
    for side in &games.sides {
        output.line(format_args!("{side}: {}", own.run.join("last").join(side).display()));
    }
    let numbers = json!({
        "sides": games.sides,
        "policies": games.sides.clone().map(|side| own.run.join("last").join(side)),
        "updates": games.updates,
        "ratings": games.ratings(),
    });
    let words = if played { "rated by the games of all players" } else { "no game was played yet" };
    told(&summary, (words, numbers), &own.run, &DeviceChoice::Cpu, output)
}

fn print(output: &Output, games: &Games) {
    if games.won.is_empty() {
        return;
    }
    let [first, second] = &games.sides;
    output
        .line(format_args!("Elo of each player, and the share of its games that it won against all of the other side"));
    output.line(format_args!("  {:>7}  {first:>16}  {second:>16}", "updates"));
    let [first_ratings, second_ratings] = games.ratings();
    for (player, ratings) in first_ratings.into_iter().zip(second_ratings).enumerate() {
        let of = |side: usize, rating: f64| {
            let shares = games.shares(side, player);
            let mean = 100.0 * shares.iter().sum::<f64>() / shares.len() as f64;
            format!("{rating:.0} ({mean:.0} %)")
        };
        let (first, second) = (of(0, ratings.0), of(1, ratings.1));
        output.line(format_args!("  {:>7}  {first:>16}  {second:>16}", games.updates[player]));
    }
}
