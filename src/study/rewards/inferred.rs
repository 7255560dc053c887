//! Five demonstrations, and what can be made of them: copying, and acting for what they seem to want.

use super::acted::{imitating, reached};
use crate::learn::LearnerKind;
use crate::rollout::{Player, evaluate};
use crate::scenes::find;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

const DEMONSTRATIONS: usize = 5;
/// How much longer than the longest demonstration an episode lasts that is judged.
const ROOM: f64 = 1.1;

/// What is compared: a learner, and whether it sees the demonstrations.
fn methods() -> Vec<(&'static str, LearnerKind, bool)> {
    vec![
        ("bc", LearnerKind::BehaviourCloning, true),
        ("gail", LearnerKind::Gail, true),
        ("vail", LearnerKind::Vail, true),
        ("airl", LearnerKind::Airl, true),
        ("amp", LearnerKind::Amp, true),
        ("gail without demonstrations", LearnerKind::Gail, false),
    ]
}

/// Each method learns in so many updates, and who sees no actions in the second number of them; more change little.
pub(super) fn run(laboratory: &Laboratory<'_>, scene: &str, updates: (usize, usize)) -> Result<Report, StudyError> {
    let scene = find(scene)?;
    let (updates, blind) = (laboratory.few(updates.0), laboratory.few(updates.1));
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let longest = data.episodes().map(|rows| rows.len()).max().unwrap_or(1);
    let judged = scene.with_horizon((longest as f64 * ROOM) as u64);
    let learning = scene.with_horizon(data.shortest());
    let steady = laboratory.cell("steady", || {
        let seeds = laboratory.judged_by();
        Ok(reached(&evaluate(&judged, Player::Operator(Skill::Steady), &seeds, 0, |_| {})?, 1.0))
    })?;
    let methods = methods();
    let cells = laboratory.with_each_seed(&methods, |(label, kind, shown), seed| {
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        laboratory.cell(&name, || {
            let mut config = laboratory.sized(&kind.defaults(), seed);
            let policy = if *kind == LearnerKind::BehaviourCloning {
                laboratory.train(&name, &config, &data)?
            } else {
                config.training.steps = if *kind == LearnerKind::Amp { blind } else { updates } as u64;
                config.training.validate_every = config.training.steps;
                config.reward.task = 0.0;
                if !shown {
                    config.reward.batches = 0;
                }
                imitating(laboratory, laboratory.run(&name), &config, &learning, &data)?
            };
            Ok(reached(&laboratory.judge(policy, &judged)?, 1.0))
        })
    })?;
    let row = |((label, ..), cells): (&(&str, _, _), &Vec<Numbers>)| {
        let share = |key: &str| -> Vec<f64> { cells.iter().map(|cell| cell[key] / steady[key]).collect() };
        let success = cells.iter().map(|cell| cell["success"]).collect();
        Row::across(label, &[share("return"), success])
    };
    let rows = methods.iter().zip(&cells).map(row).collect();
    let ppo = LearnerKind::Gail.defaults().ppo;
    let ticks = ppo.arenas * ppo.ticks;
    Ok(Report {
        name: format!("inferred-{}", scene.name),
        about: format!(
            "{DEMONSTRATIONS} demonstrations of the steady operator in {}. What learns by acting takes {updates} updates of {ticks} \
             ticks, from chance; `amp`, which sees no actions, nor the task's reward, takes {blind}. All are judged over {} ticks, whatever happens \
             in them, so that an episode's end tells nothing. The return as a share of the steady operator's, \
             which is {:.1}, and success, which the steady operator has in {:.0} %.",
            scene.name,
            judged.tick_limit(),
            steady["return"],
            100.0 * steady["success"],
        ),
        columns: vec!["of the demonstrator's return".into(), "success".into()],
        rows,
    })
}
