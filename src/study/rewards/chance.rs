//! The task's own reward: from chance, and from a clone of few demonstrations.

use super::acted::rewarded;
use crate::learn::{LearnerKind, Progress, RunOptions, TrainConfig, ValidationReport};
use crate::policies::Policy;
use crate::rollout::{Player, evaluate};
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// Too few to clone well.
const DEMONSTRATIONS: usize = 2;
/// Share of the steady operator's return that counts as having learned the task.
const ENOUGH: f64 = 0.95;

/// Notes when the judged return was enough for the first time.
struct Reached {
    wanted: f64,
    at: Option<u64>,
}

impl Progress for Reached {
    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        let enough = report.validation.episodes.is_some_and(|(total, _)| f64::from(total) >= self.wanted);
        if enough && self.at.is_none() {
            self.at = Some(report.step);
        }
    }
}

pub(super) fn run(laboratory: &Laboratory<'_>, scene: &str) -> Result<Report, StudyError> {
    let scene = find(scene)?;
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let steady = laboratory.cell("steady", || {
        let evaluation = evaluate(&scene, Player::Operator(Skill::Steady), &laboratory.judged_by(), 0, |_| {})?;
        Ok(Numbers::from([("return".into(), evaluation.return_mean)]))
    })?["return"];
    let methods = ["bc, 2 demonstrations", "ppo from chance", "ppo from that clone"];
    let cells = laboratory.with_each_seed(&methods, |label, seed| {
        let name = format!("{}-{seed}", label.replace([' ', ','], "-"));
        laboratory.cell(&name, || {
            let bc = laboratory.sized(&LearnerKind::BehaviourCloning.defaults(), seed);
            let clone = format!("{name}-clone");
            let mut config = laboratory.sized(&LearnerKind::Ppo.defaults(), seed);
            let (policy, at) = match *label {
                "bc, 2 demonstrations" => (laboratory.train(&clone, &bc, &data)?, None),
                label => {
                    if label == "ppo from that clone" {
                        laboratory.train(&clone, &bc, &data)?;
                        config.network = bc.network;
                        config.init.from = laboratory.run(&clone).dir.display().to_string();
                    }
                    act(laboratory, laboratory.run(&name), &config, &scene, ENOUGH * steady)?
                }
            };
            let evaluation = laboratory.judge(policy, &scene)?;
            let updates = config.training.steps as f64;
            Ok(Numbers::from([
                ("return".into(), evaluation.return_mean / steady),
                ("success".into(), evaluation.success_rate),
                ("until".into(), at.map_or(1.0, |at| at as f64 / updates)),
            ]))
        })
    })?;
    let rows = methods.iter().zip(&cells).map(|(label, cells)| Row::of(label, cells, &["return", "success", "until"]));
    let ppo = LearnerKind::Ppo.defaults();
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

/// A policy that acted for the task's reward, and the update after which it was good enough.
fn act(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    wanted: f64,
) -> Result<(Policy, Option<u64>), StudyError> {
    if options.dir.exists() {
        // When it was good enough is known of a whole run alone.
        std::fs::remove_dir_all(&options.dir).map_err(|source| StudyError::Io {
            action: "remove",
            path: options.dir.clone(),
            source,
        })?;
    }
    let mut reached = Reached { wanted, at: None };
    let policy = rewarded(laboratory, options, config, scene, &mut reached)?;
    Ok((policy, reached.at))
}
