//! Demonstrations of which only what was seen is known.

use crate::learn::{LearnerKind, RunOptions, TrainConfig, TrainingData, bco};
use crate::policies::Policy;
use crate::rollout::{explore, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

const SCENES: [&str; 2] = ["circuit", "slalom"];

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let mut config = LearnerKind::BehaviourCloning.defaults();
    if laboratory.is_quick() {
        (config.bco.rounds, config.bco.episodes) = (1, 4);
    }
    let count = laboratory.few(20);
    let mut scenes = Vec::new();
    for name in SCENES {
        let scene = find(name)?;
        let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
        scenes.push((scene, data));
    }
    let with = laboratory.with_each_seed(&scenes, |(scene, data), seed| {
        laboratory.success(&format!("{}-bc-{seed}", scene.name), &laboratory.sized(&config, seed), data, scene)
    })?;
    let without = laboratory.with_each_seed(&scenes, |(scene, data), seed| {
        let name = format!("{}-bco-{seed}", scene.name);
        let config = laboratory.sized(&config, seed);
        let cell = laboratory.cell(&name, || found_out(laboratory, laboratory.run(&name), &config, scene, data))?;
        Ok(cell["success"])
    })?;
    Ok(Report {
        name: "observed".into(),
        about: format!(
            "{count} demonstrations of the steady operator; behavioural cloning from observation sees no actions and finds \
             out what they do in {} rounds of {} episodes of its own. Success.",
            config.bco.rounds, config.bco.episodes
        ),
        columns: SCENES.map(String::from).to_vec(),
        rows: vec![Row::across("bc, with actions", &with), Row::across("bco, without actions", &without)],
    })
}

/// Success of a policy that sees no actions.
fn found_out(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<Numbers, StudyError> {
    let mut act = |policy: Option<&Policy>, round: u64| -> Result<_, StudyError> {
        let seeds = recording_seeds(split_seed(config.training.seed, 2000 + round));
        let seeds: Vec<u64> = seeds.take(config.bco.episodes).collect();
        Ok(explore(scene, policy, config.bco.noise, &seeds, 0)?)
    };
    let action = scene.blueprint.spaces().action;
    let summary = bco(config, data, &action, &options, &mut act, &mut |_| {}, &mut ())?;
    if summary.interrupted {
        return Err(StudyError::Stopped);
    }
    let evaluation = laboratory.judge(Policy::load(&summary.policy_dir)?, scene)?;
    Ok(Numbers::from([("success".into(), evaluation.success_rate)]))
}
