//! Evaluation with a progress bar.

use super::exit::{Failure, Output};
use super::sides::Matchup;
use crate::rollout::{Evaluation, Player, evaluate_side};
use crate::scenes::Scene;

/// Evaluate `player` on the matchup's side, with a progress bar that is labeled `label`.
pub fn evaluate_with_bar(
    scene: &Scene,
    matchup: &Matchup,
    player: Player,
    seeds: &[u64],
    output: &Output,
    label: &'static str,
) -> Result<Evaluation, Failure> {
    let bar = output.bar(seeds.len() as u64, label);
    let progress = |n: usize| bar.set_position(n as u64);
    let evaluation = evaluate_side(scene, matchup.players(player), matchup.side, seeds, 0, progress);
    bar.finish_and_clear();
    evaluation.map_err(Failure::usage)
}
