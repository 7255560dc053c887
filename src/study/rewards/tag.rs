//! A chaser and a runner that learn from playing against each other's past.

use super::acted::resumed;
use crate::learn::self_play::{Games, pool_member, train_sides};
use crate::learn::{LearnerKind, Outcome};
use crate::policies::Policy;
use crate::rollout::{Player, evaluate_side};
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// The scene with two sides.
const SCENE: &str = "tag";

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let cells = laboratory.with_each_seed(&["tag"], |_, seed| {
        let name = format!("tag-{seed}");
        laboratory.cell(&name, || {
            let mut config = laboratory.sized(&LearnerKind::SelfPlay.defaults(), seed);
            config.self_play.generation = laboratory.few(config.self_play.generation as usize) as u64;
            config.self_play.games = laboratory.few(config.self_play.games);
            let options = resumed(laboratory.run(&name));
            // Cells run side by side, one on each core.
            let summary = train_sides(&config, &scene, 1, &options, &mut ())?;
            if summary.outcome == Outcome::Interrupted {
                return Err(StudyError::Stopped);
            }
            laboratory.check_stop()?;
            let games = Games::load(&options.dir)?;
            let mut numbers = Numbers::new();
            for (at, side) in games.sides.iter().enumerate() {
                let newest = games.won.len() - 1;
                let member = |side: &str, player: usize| {
                    let dir = pool_member(&options.dir.join("last"), side, player);
                    Ok::<_, StudyError>(Player::Policy(Box::new(Policy::load(&dir)?)))
                };
                let first = member(&games.sides[1 - at], 0)?;
                let against = |other: Player| wins(laboratory, &scene, at, member(side, newest)?, other);
                let shares = games.shares(at, newest);
                let ratings = &games.ratings()[at];
                numbers.extend(Numbers::from([
                    (format!("{side} first"), against(first)?),
                    (format!("{side} operator"), against(Player::Operator(Skill::Steady))?),
                    (format!("{side} all"), shares.iter().sum::<f64>() / shares.len() as f64),
                    (format!("{side} least"), shares.iter().copied().fold(1.0, f64::min)),
                    (format!("{side} rise"), ratings[newest] - ratings[0]),
                ]));
            }
            Ok(numbers)
        })
    })?;
    let cells = &cells[0];
    let sides = scene.blueprint.sides();
    let row = |side: &&str| {
        let keys = ["first", "operator", "all", "least"].map(|key| format!("{side} {key}"));
        Row::of(&format!("the last {side}"), cells, &keys.each_ref().map(String::as_str))
    };
    let rise = |side: &str| {
        let rises: Vec<f64> = cells.iter().map(|cell| cell[&format!("{side} rise")]).collect();
        let mean = rises.iter().sum::<f64>() / rises.len().max(1) as f64;
        let ends = rises.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        format!("the {side}'s by {mean:.0} ({:.0} to {:.0})", ends.0, ends.1)
    };
    let rises: Vec<String> = sides.iter().map(|side| rise(side)).collect();
    let defaults = laboratory.sized(&LearnerKind::SelfPlay.defaults(), 0);
    Ok(Report {
        name: "tag".into(),
        about: format!(
            "Self-play in {SCENE}, {} updates of both sides, {} games of every new policy against everybody before. Games won \
             by the last of each side: against the first of the other, which knows nothing, and against the steady operator \
             (unseen starts); against everybody of the other side's history, and against the one of them that it does worst \
             against. Ratings (Elo) rose over training: {}.",
            defaults.training.steps,
            laboratory.few(defaults.self_play.games),
            rises.join(", "),
        ),
        columns: ["the first", "steady operator", "all of history", "worst of history"].map(String::from).to_vec(),
        rows: sides.iter().map(row).collect(),
    })
}

/// Share of the games from unseen starts that `own` wins for side `side`.
fn wins(
    laboratory: &Laboratory<'_>,
    scene: &Scene,
    side: usize,
    own: Player,
    other: Player,
) -> Result<f64, StudyError> {
    let players = if side == 0 { vec![own, other] } else { vec![other, own] };
    Ok(evaluate_side(scene, players, side, &laboratory.judged_by(), 1, |_| {})?.success_rate)
}
