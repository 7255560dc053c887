//! The task's own reward: from chance, and from a clone of a few demonstrations.

use super::acted::{reached, until};
use crate::learn::LearnerKind;
use crate::rollout::{Player, evaluate};
use crate::scenes::find;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// Too few to clone well.
const DEMONSTRATIONS: usize = 5;
/// Updates between the judgements that tell when it was learned.
const JUDGED_EVERY: u64 = 5;
/// Share of the steady operator's return that counts as having learned the task.
const ENOUGH: f64 = 0.95;

pub(super) fn run(laboratory: &Laboratory<'_>, scene: &str) -> Result<Report, StudyError> {
    let scene = find(scene)?;
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let steady = laboratory.cell("steady", || {
        let evaluation = evaluate(&scene, Player::Operator(Skill::Steady), &laboratory.judged_by(), 0, |_| {})?;
        Ok(Numbers::from([("return".into(), evaluation.return_mean)]))
    })?["return"];
    let methods = ["bc", "ppo from chance", "ppo from that clone"];
    let cells = laboratory.with_each_seed(&methods, |label, seed| {
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        laboratory.cell(&name, || {
            let mut bc = laboratory.sized(&LearnerKind::BehaviourCloning.defaults(), seed);
            let clone = format!("{name}-clone");
            let mut config = laboratory.sized(&LearnerKind::Ppo.defaults(), seed);
            config.training.validate_every = JUDGED_EVERY;
            bc.network = config.network.clone();
            if *label == "bc" {
                let evaluation = laboratory.judge(laboratory.train(&clone, &bc, &data)?, &scene)?;
                return Ok(reached(&evaluation, steady));
            }
            if *label == "ppo from that clone" {
                laboratory.train(&clone, &bc, &data)?;
                config.init.from = laboratory.run(&clone).dir.display().to_string();
            }
            let enough = |total: f32, _| f64::from(total) >= ENOUGH * steady;
            let (policy, until) = until(laboratory, laboratory.run(&name), &config, &scene, &[], enough)?;
            let mut numbers = reached(&laboratory.judge(policy, &scene)?, steady);
            numbers.insert("until".into(), until);
            Ok(numbers)
        })
    })?;
    let rows = methods.iter().zip(&cells).map(|(label, cells)| Row::of(label, cells, &["return", "success", "until"]));
    let ppo = laboratory.sized(&LearnerKind::Ppo.defaults(), 0);
    let ticks = ppo.training.steps * (ppo.ppo.arenas * ppo.ppo.ticks) as u64;
    Ok(Report {
        name: format!("chance-{}", scene.name),
        about: format!(
            "The reward of {} alone, with ppo's defaults: {} updates, {:.1} million ticks. The return as a share of the steady \
             operator's, which is {steady:.1}, success, and the share of the updates until the judged return was {:.0} % of \
             the operator's, the whole where it never was.",
            scene.name,
            ppo.training.steps,
            ticks as f64 / 1e6,
            100.0 * ENOUGH,
        ),
        columns: ["of the operator's return", "success", "of the updates until enough"].map(String::from).to_vec(),
        rows: rows.collect(),
    })
}
