//! Self-play: a chaser and a runner, each trained against a pool of the other's past policies.

use super::training::resumed;
use crate::learn::self_play::{Games, SelfPlayConfig, pool_member_dir, train_self_play};
use crate::learn::{Outcome, defaults};
use crate::policies::Policy;
use crate::rollout::{Player, evaluate_side};
use crate::scenes::{Scene, find};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// The scene with two sides.
const SCENE: &str = "tag";

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let cells = runner.with_each_seed(&["tag"], |_, seed| {
        let name = format!("tag-{seed}");
        runner.cell(&name, || {
            let mut config = runner.scaled_config(&defaults("self-play"), seed);
            config.get_mut::<SelfPlayConfig>().snapshot_interval =
                runner.scaled_count(config.get::<SelfPlayConfig>().snapshot_interval as usize) as u64;
            config.get_mut::<SelfPlayConfig>().n_rating_games =
                runner.scaled_count(config.get::<SelfPlayConfig>().n_rating_games);
            let options = resumed(runner.run(&name));
            // One thread, since cells run in parallel on all cores.
            let summary = train_self_play(&config, &scene, 1, &options, &mut ())?;
            if summary.outcome == Outcome::Interrupted {
                return Err(StudyError::Stopped);
            }
            runner.check_stop()?;
            let games = Games::load(&options.dir)?;
            let mut metrics = CellMetrics::new();
            for (index, side) in games.sides.iter().enumerate() {
                let newest = games.won.len() - 1;
                let member = |side: &str, player: usize| {
                    let dir = pool_member_dir(&options.dir.join("last"), side, player);
                    Ok::<_, StudyError>(Player::Policy(Box::new(Policy::load(&dir)?)))
                };
                let initial = member(&games.sides[1 - index], 0)?;
                let against = |opponent: Player| win_rate(runner, &scene, index, member(side, newest)?, opponent);
                let win_rates = games.win_rates(index, newest);
                let ratings = &games.ratings()[index];
                metrics.extend(CellMetrics::from([
                    (format!("{side} initial"), against(initial)?),
                    (format!("{side} operator"), against(Player::Operator(Skill::Steady))?),
                    (format!("{side} mean"), win_rates.iter().sum::<f64>() / win_rates.len() as f64),
                    (format!("{side} worst"), win_rates.iter().copied().fold(1.0, f64::min)),
                    (format!("{side} elo_gain"), ratings[newest] - ratings[0]),
                ]));
            }
            Ok(metrics)
        })
    })?;
    let cells = &cells[0];
    let sides = scene.blueprint.sides();
    let row = |side: &&str| {
        let keys = ["initial", "operator", "mean", "worst"].map(|key| format!("{side} {key}"));
        Row::from_cells(&format!("final {side}"), cells, &keys.each_ref().map(String::as_str))
    };
    let gain = |side: &str| {
        let gains: Vec<f64> = cells.iter().map(|cell| cell[&format!("{side} elo_gain")]).collect();
        let mean = gains.iter().sum::<f64>() / gains.len().max(1) as f64;
        let (min, max) = gains.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        format!("{side} {mean:.0} ({min:.0} to {max:.0})")
    };
    let gains: Vec<String> = sides.iter().map(|side| gain(side)).collect();
    let defaults = runner.scaled_config(&defaults("self-play"), 0);
    Ok(Report {
        name: "tag".into(),
        about: format!(
            "Self-play in {SCENE}, {} updates of both sides, {} rating games of every new policy against each policy of the \
             opponent pool. Win rate of the final policy of each side: against the initial (untrained) policy of the other \
             side and against the steady operator (unseen seeds); against the opponent pool, mean and worst case. Gain in \
             Elo rating over training: {}.",
            defaults.training.steps,
            runner.scaled_count(defaults.get::<SelfPlayConfig>().n_rating_games),
            gains.join(", "),
        ),
        columns: ["initial policy", "steady operator", "pool, mean", "pool, worst"].map(String::from).to_vec(),
        rows: sides.iter().map(row).collect(),
    })
}

/// The fraction of games on unseen seeds that `player` wins as side `side`.
fn win_rate(
    runner: &StudyRunner<'_>,
    scene: &Scene,
    side: usize,
    player: Player,
    opponent: Player,
) -> Result<f64, StudyError> {
    let players = if side == 0 { vec![player, opponent] } else { vec![opponent, player] };
    Ok(evaluate_side(scene, players, side, &runner.evaluation_seeds(), 1, |_| {})?.success_rate)
}
