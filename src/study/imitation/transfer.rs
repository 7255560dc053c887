//! What a trained policy saves when a new course or another car is to be learned.

use crate::learn::{LearnerKind, TrainConfig};
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Report, Row, StudyError};
use crate::teleop::Skill;

/// Where the first policy was trained, and what follows.
const FROM: &str = "circuit";
const TO: [&str; 2] = ["hairpins", "truck"];
/// Demonstrations of what follows.
const COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
/// Rank of the adapters: 4 % of the weights of the network.
const RANK: usize = 5;
/// Observations side by side: how far the wheels are turned is not seen, only what comes of it, and in the truck that lasts.
const HISTORY: usize = 8;
const FROM_SCRATCH: &str = "from scratch";

fn original() -> TrainConfig {
    let mut config = LearnerKind::BehaviourCloning.defaults();
    config.network.history = HISTORY;
    config
}

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let scratch = original();
    let mut tuned = scratch.clone();
    tuned.training.steps = 4_000;
    let mut adapted = tuned.clone();
    adapted.init.lora_rank = RANK;
    adapted.optimizer.learning_rate = 1e-3;
    vec![(FROM_SCRATCH, scratch), ("fine-tuned", tuned), ("low-rank adapters", adapted)]
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let from = find(FROM)?;
    let first = laboratory.few(40);
    let data = laboratory.demonstrations(&from, &[(Skill::Steady, first)])?;
    let counts: Vec<usize> = if laboratory.is_quick() { COUNTS[..2].to_vec() } else { COUNTS.to_vec() };
    let base = original();
    laboratory.with_each_seed(&[()], |(), seed| {
        laboratory.train(&base_name(seed), &laboratory.sized(&base, seed), &data)?;
        Ok(())
    })?;
    let mut scenes = Vec::new();
    for name in TO {
        let scene = find(name)?;
        let all = laboratory.demonstrations(&scene, &[(Skill::Steady, *counts.last().unwrap_or(&1))])?;
        scenes.push((scene, all));
    }
    let methods = methods();
    let rows: Vec<_> = scenes.iter().flat_map(|scene| methods.iter().map(move |method| (scene, method))).collect();
    let items: Vec<_> = rows.iter().flat_map(|row| counts.iter().map(move |count| (*row, *count))).collect();
    let cells = laboratory.with_each_seed(&items, |(((scene, all), (label, config)), count), seed| {
        let mut config = laboratory.sized(config, seed);
        if *label != FROM_SCRATCH {
            config.init.from = laboratory.run(&base_name(seed)).dir.display().to_string();
        }
        // With a single demonstration there would be nothing left to learn from.
        config.data.validation_fraction = if *count < 4 { 0.0 } else { config.data.validation_fraction };
        let name = format!("{}-{}-{count}-{seed}", scene.name, label.replace(' ', "-"));
        laboratory.success(&name, &config, &all.first_episodes(*count), scene)
    })?;
    let row = |(((scene, _), (label, _)), cells): (&(&(Scene, _), &(&str, _)), &[Vec<f64>])| {
        Row::across(&format!("{}, {label}", scene.name), cells)
    };
    let rows = rows.iter().zip(cells.chunks(counts.len())).map(row).collect();
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

fn base_name(seed: u64) -> String {
    format!("base-{seed}")
}
