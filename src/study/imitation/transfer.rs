//! Transfer: fine-tuning a trained policy on another course and another vehicle, compared with training from scratch.

use crate::learn::{DataConfig, TrainConfig, defaults};
use crate::scenes::{Scene, find};
use crate::study::{Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// The scene of pretraining, and the target scenes.
const FROM: &str = "circuit";
const TO: [&str; 2] = ["hairpins", "truck"];
/// Numbers of demonstrations on a target scene.
const COUNTS: [usize; 5] = [1, 2, 4, 8, 16];
/// Rank of the low-rank adapters: 4 % of the network's weights.
const RANK: usize = 5;
/// Stacked observations: the steering angle is not observed, only its effect, which takes longer to appear in the truck.
const HISTORY: usize = 8;
const FROM_SCRATCH: &str = "from scratch";

fn base_config() -> TrainConfig {
    let mut config = defaults("bc");
    config.network.n_obs_steps = HISTORY;
    config
}

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let scratch = base_config();
    let mut fine_tuned = scratch.clone();
    fine_tuned.training.steps = 4_000;
    let mut adapted = fine_tuned.clone();
    adapted.init.lora_rank = RANK;
    adapted.optimizer.learning_rate = 1e-3;
    vec![(FROM_SCRATCH, scratch), ("fine-tuned", fine_tuned), ("low-rank adapters", adapted)]
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let from = find(FROM)?;
    let count = runner.scaled_count(40);
    let data = runner.demonstrations(&from, &[(Skill::Steady, count)])?;
    let counts: Vec<usize> = if runner.is_quick() { COUNTS[..2].to_vec() } else { COUNTS.to_vec() };
    let base = base_config();
    runner.with_each_seed(&[()], |(), seed| {
        runner.train_on_dataset(&base_name(seed), &runner.scaled_config(&base, seed), &data)?;
        Ok(())
    })?;
    let mut scenes = Vec::new();
    for name in TO {
        let scene = find(name)?;
        let all = runner.demonstrations(&scene, &[(Skill::Steady, *counts.last().unwrap_or(&1))])?;
        scenes.push((scene, all));
    }
    let methods = methods();
    let rows: Vec<_> = scenes.iter().flat_map(|scene| methods.iter().map(move |method| (scene, method))).collect();
    let items: Vec<_> = rows.iter().flat_map(|row| counts.iter().map(move |count| (*row, *count))).collect();
    let cells = runner.with_each_seed(&items, |(((scene, all), (label, config)), count), seed| {
        let mut config = runner.scaled_config(config, seed);
        if *label != FROM_SCRATCH {
            config.init.from = runner.run(&base_name(seed)).dir.display().to_string();
        }
        // Too few demonstrations to split.
        config.get_mut::<DataConfig>().validation_fraction =
            if *count < 4 { 0.0 } else { config.get::<DataConfig>().validation_fraction };
        let name = format!("{}-{}-{count}-{seed}", scene.name, label.replace(' ', "-"));
        runner.success_rate(&name, &config, &all.take_episodes(*count), scene)
    })?;
    let row = |(((scene, _), (label, _)), cells): (&(&(Scene, _), &(&str, _)), &[Vec<f64>])| {
        Row::from_values(&format!("{}, {label}", scene.name), cells)
    };
    let rows = rows.iter().zip(cells.chunks(counts.len())).map(row).collect();
    Ok(Report {
        name: "transfer".into(),
        about: format!(
            "A policy pretrained on {count} demonstrations on {FROM} is fine-tuned with a few demonstrations on another course or \
             with a truck. Low-rank adapters of rank {RANK} have 4 % of the weights. Success rate."
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
