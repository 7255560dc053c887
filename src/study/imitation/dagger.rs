//! DAgger: few demonstrations, and an expert that is queried.

use crate::learn::{DaggerConfig, DataConfig, RunOptions, TrainConfig, TrainError, TrainingData, dagger, defaults};
use crate::policies::{Policy, resolve_policy_dir};
use crate::rollout::{query_expert, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// Scenes, and the number of initial demonstrations: few enough that behavioral cloning often fails, where possible.
const SCENES: [(&str, usize); 3] = [("slalom", 1), ("courtyard", 1), ("parking", 5)];

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let mut config = defaults("bc");
    config.get_mut::<DaggerConfig>().rounds = if runner.is_quick() { 2 } else { config.get::<DaggerConfig>().rounds };
    // A single demonstration cannot be split.
    config.get_mut::<DataConfig>().validation_fraction = 0.0;
    let mut scenes = Vec::new();
    for (name, demonstrations) in SCENES {
        let scene = find(name)?;
        let data = runner.demonstrations(&scene, &[(Skill::Steady, demonstrations)])?;
        scenes.push((scene, demonstrations, data));
    }
    let cells = runner.with_each_seed(&scenes, |(scene, _, data), seed| {
        let config = runner.scaled_config(&config, seed);
        let name = format!("{}-{seed}", scene.name);
        runner.cell(&name, || round_by_round(runner, runner.run(&name), &config, scene, data))
    })?;
    let keys: Vec<String> = (0..=config.get::<DaggerConfig>().rounds).map(key).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let row = |((scene, demonstrations, _), cells): (&(Scene, usize, _), &Vec<CellMetrics>)| {
        Row::from_cells(&format!("{}, {demonstrations} initial", scene.name), cells, &keys)
    };
    let rows = scenes.iter().zip(&cells).map(row).collect();
    let columns = (0..=config.get::<DaggerConfig>().rounds).map(|round| match round {
        0 => "bc".to_owned(),
        1 => "1 round".to_owned(),
        round => format!("{round} rounds"),
    });
    Ok(Report {
        name: "dagger".into(),
        about: format!(
            "Few initial demonstrations of the steady operator, who then labels {} episodes per round that the policy drives. \
             Success rate after each round.",
            config.get::<DaggerConfig>().episodes_per_round
        ),
        columns: columns.collect(),
        rows,
    })
}

fn key(round: u64) -> String {
    format!("round {round:02}")
}

/// The success rate after each round.
fn round_by_round(
    runner: &StudyRunner<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<CellMetrics, StudyError> {
    let mut query = |policy: &Policy, round: u64| -> Result<_, StudyError> {
        let seeds = recording_seeds(split_seed(config.training.seed, 1000 + round));
        let seeds: Vec<u64> = seeds.take(config.get::<DaggerConfig>().episodes_per_round).collect();
        Ok(query_expert(scene, policy.clone(), Skill::Steady, &seeds, 0)?)
    };
    let summary = dagger(config, data.clone(), &options, &mut query, &mut |_, _| {}, &mut ())?;
    if summary.interrupted {
        return Err(StudyError::Stopped);
    }
    let mut metrics = CellMetrics::new();
    for round in &summary.rounds {
        let dir = options.dir.join("rounds").join(format!("{:02}", round.index));
        let policy = resolve_policy_dir(&dir).and_then(|dir| Policy::load(&dir)).map_err(TrainError::from)?;
        metrics.insert(key(round.index), runner.evaluate(policy, scene)?.success_rate);
    }
    Ok(metrics)
}
