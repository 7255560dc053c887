//! Behavioral cloning from observation: demonstrations without actions.

use crate::learn::{BcoConfig, RunOptions, TrainConfig, TrainingData, bco, defaults};
use crate::policies::Policy;
use crate::rollout::{explore, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const SCENES: [&str; 2] = ["circuit", "slalom"];

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let mut config = defaults("bc");
    if runner.is_quick() {
        (config.get_mut::<BcoConfig>().rounds, config.get_mut::<BcoConfig>().episodes_per_round) = (1, 4);
    }
    let count = runner.scaled_count(20);
    let mut scenes = Vec::new();
    for name in SCENES {
        let scene = find(name)?;
        let data = runner.demonstrations(&scene, &[(Skill::Steady, count)])?;
        scenes.push((scene, data));
    }
    let with_actions = runner.with_each_seed(&scenes, |(scene, data), seed| {
        runner.success_rate(&format!("{}-bc-{seed}", scene.name), &runner.scaled_config(&config, seed), data, scene)
    })?;
    let without_actions = runner.with_each_seed(&scenes, |(scene, data), seed| {
        let name = format!("{}-bco-{seed}", scene.name);
        let config = runner.scaled_config(&config, seed);
        let cell = runner.cell(&name, || bco_cell(runner, runner.run(&name), &config, scene, data))?;
        Ok(cell["success"])
    })?;
    Ok(Report {
        name: "bco".into(),
        about: format!(
            "{count} demonstrations of the steady operator; behavioral cloning from observation does not use their actions. It \
             trains an inverse dynamics model on {} rounds of {} exploration episodes. Success rate.",
            config.get::<BcoConfig>().rounds,
            config.get::<BcoConfig>().episodes_per_round
        ),
        columns: SCENES.map(String::from).to_vec(),
        rows: vec![
            Row::from_values("bc, with actions", &with_actions),
            Row::from_values("bco, without actions", &without_actions),
        ],
    })
}

/// The success rate of a policy trained without the demonstrations' actions.
fn bco_cell(
    runner: &StudyRunner<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<CellMetrics, StudyError> {
    let mut explore_round = |policy: Option<&Policy>, round: u64| -> Result<_, StudyError> {
        let seeds = recording_seeds(split_seed(config.training.seed, 2000 + round));
        let seeds: Vec<u64> = seeds.take(config.get::<BcoConfig>().episodes_per_round).collect();
        Ok(explore(scene, policy, config.get::<BcoConfig>().exploration_noise, &seeds, 0)?)
    };
    let action = scene.blueprint.spaces().action;
    let summary = bco(config, data, &action, &options, &mut explore_round, &mut |_, _| {}, &mut ())?;
    if summary.interrupted {
        return Err(StudyError::Stopped);
    }
    let evaluation = runner.evaluate(Policy::load(&summary.policy_dir)?, scene)?;
    Ok(CellMetrics::from([("success".into(), evaluation.success_rate)]))
}
