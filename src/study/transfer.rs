//! What a trained policy saves when a new course or another car is to be learned.

use super::{Laboratory, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, TrainConfig, TrainingData};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

/// Where the first policy was trained, and what follows.
const FROM: &str = "circuit";
const TO: [&str; 2] = ["hairpins", "truck"];
/// Demonstrations of what follows.
const COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
/// Rank of the adapters: 4 % of the weights of the default network.
const RANK: usize = 3;

fn methods(laboratory: &Laboratory<'_>) -> Vec<(&'static str, TrainConfig)> {
    let mut scratch = LearnerKind::BehaviourCloning.defaults();
    scratch.training.steps = laboratory.steps(scratch.training.steps);
    let mut tuned = scratch.clone();
    tuned.training.steps = laboratory.steps(4_000);
    let mut adapted = tuned.clone();
    adapted.init.lora_rank = RANK;
    adapted.optimizer.learning_rate = 1e-3;
    vec![("from scratch", scratch), ("fine-tuned", tuned), ("low-rank adapters", adapted)]
}

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let from = find(FROM)?;
    let first = laboratory.few(40);
    let data = laboratory.demonstrations(&from, &[(Skill::Steady, first)])?;
    let counts: Vec<usize> = if laboratory.is_quick() { COUNTS[..2].to_vec() } else { COUNTS.to_vec() };
    let mut rows = Vec::new();
    for to in TO {
        let scene = find(to)?;
        let all = laboratory.demonstrations(&scene, &[(Skill::Steady, *counts.last().unwrap_or(&1))])?;
        for (label, config) in methods(laboratory) {
            let mut values = Vec::new();
            for count in &counts {
                let mut cells = Vec::new();
                for seed in laboratory.seeds() {
                    cells.push(cell(laboratory, (label, &config), (&scene, &all, *count), &data, seed)?);
                }
                values.push(Summary::of(&cells));
            }
            rows.push(Row { label: format!("{to}, {label}"), values });
        }
    }
    Ok(Report {
        name: "transfer".into(),
        about: format!(
            "A policy of {first} demonstrations on {FROM} goes on with a few on another course, or in a truck. The adapters \
             of rank {RANK} have 4 % of the weights. Success."
        ),
        columns: counts
            .iter()
            .map(|n| if *n == 1 { "1 demonstration".into() } else { format!("{n} demonstrations") })
            .collect(),
        rows,
    })
}

fn cell(
    laboratory: &mut Laboratory<'_>,
    (label, config): (&str, &TrainConfig),
    (scene, all, count): (&Scene, &TrainingData, usize),
    before: &TrainingData,
    seed: u64,
) -> Result<f64, StudyError> {
    let mut config = config.clone();
    config.training.seed = seed;
    if label != "from scratch" {
        let mut base = LearnerKind::BehaviourCloning.defaults();
        base.training.steps = laboratory.steps(base.training.steps);
        base.training.seed = seed;
        let name = format!("base-{seed}");
        laboratory.train(&name, &base, before)?;
        config.init.from = laboratory.run(&name).dir.display().to_string();
    }
    // With a single demonstration there would be nothing left to learn from.
    config.data.validation_fraction = if count < 4 { 0.0 } else { config.data.validation_fraction };
    let name = format!("{}-{}-{count}-{seed}", scene.name, label.replace(' ', "-"));
    laboratory.success(&name, &config, &all.first_episodes(count), scene)
}
