//! What deep Q-learning learns from: surprises more often or all alike, with demonstrations or without.

use super::acted::until;
use crate::learn::LearnerKind;
use crate::learn::rl::DqnConfig;
use crate::rollout::{Demonstrator, demonstrate, recording_seeds};
use crate::scenes::find;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

const SCENE: &str = "slalom";
const DEMONSTRATIONS: usize = 5;
/// Seed of the demonstrations' seeds.
const SEED: u64 = 11;
/// Success that counts as having learned the task.
const ENOUGH: f32 = 0.8;

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let by = Demonstrator::from(Skill::Steady).by_keys(LearnerKind::Dqn.defaults().head.chunk);
    let demonstrations = recording_seeds(SEED)
        .take(laboratory.few(DEMONSTRATIONS))
        .map(|seed| demonstrate(&scene, by.clone(), seed))
        .collect::<Result<Vec<_>, _>>()?;
    let methods = [
        ("prioritised", true, false),
        ("uniform", false, false),
        ("prioritised, demonstrations", true, true),
        ("uniform, demonstrations", false, true),
    ];
    let cells = laboratory.with_each_seed(&methods, |(label, prioritised, shown), seed| {
        let name = format!("{}-{seed}", label.replace(", ", "-"));
        laboratory.cell(&name, || {
            let mut config = laboratory.sized(&LearnerKind::Dqn.defaults(), seed);
            if !prioritised {
                config.dqn.replay.priority = 0.0;
            }
            if *shown {
                config.dqn.explore_first = DqnConfig::EXPLORE_FIRST_SHOWN;
            }
            let shown = if *shown { &demonstrations[..] } else { &[] };
            let enough = |_, success| success >= ENOUGH;
            let (policy, until) = until(laboratory, laboratory.run(&name), &config, &scene, shown, enough)?;
            let success = laboratory.judge(policy, &scene)?.success_rate;
            Ok(Numbers::from([("success".into(), success), ("until".into(), until)]))
        })
    })?;
    let rows = methods.iter().zip(&cells).map(|((label, ..), cells)| Row::of(label, cells, &["success", "until"]));
    let defaults = laboratory.sized(&LearnerKind::Dqn.defaults(), 0);
    let ticks = defaults.training.steps * (defaults.dqn.arenas * defaults.dqn.ticks) as u64;
    Ok(Report {
        name: "replay".into(),
        about: format!(
            "dqn from the reward of {SCENE} over keys, {} updates, {:.2} million ticks: transitions drawn by how much they \
             surprised, or all alike; with {} demonstrations of the steady operator by keys in the replay, or with none. Success, and \
             the share of the updates until {:.0} % of {} judged episodes succeeded, the whole where that never was.",
            defaults.training.steps,
            ticks as f64 / 1e6,
            demonstrations.len(),
            100.0 * ENOUGH,
            defaults.dqn.judged,
        ),
        columns: ["success", "of the updates until enough"].map(String::from).to_vec(),
        rows: rows.collect(),
    })
}
