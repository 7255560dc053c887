//! Demonstrations of which only what was seen is known.

use super::{Laboratory, Numbers, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, RunOptions, bco};
use crate::policies::Policy;
use crate::rollout::{explore, recording_seeds};
use crate::scenes::find;
use crate::sim::split_seed;
use crate::teleop::Skill;

const SCENES: [&str; 2] = ["circuit", "slalom"];

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let mut config = LearnerKind::BehaviourCloning.defaults();
    config.training.steps = laboratory.steps(config.training.steps);
    if laboratory.is_quick() {
        (config.bco.rounds, config.bco.episodes) = (1, 4);
    }
    let count = laboratory.few(20);
    let mut values = [Vec::new(), Vec::new()];
    for scene in SCENES {
        let scene = find(scene)?;
        let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
        let mut found = [Vec::new(), Vec::new()];
        for seed in laboratory.seeds() {
            config.training.seed = seed;
            let name = format!("{}-bc-{seed}", scene.name);
            let with = laboratory.success(&name, &config, &data, &scene)?;
            found[0].push(with);
            let name = format!("{}-bco-{seed}", scene.name);
            let without = laboratory.cell(&name, |laboratory| {
                let options = laboratory.run(&name);
                let options = RunOptions { resume: options.dir.exists(), ..options };
                let mut act = |policy: Option<&Policy>, round: u64| -> Result<_, StudyError> {
                    let seeds = recording_seeds(split_seed(seed, 2000 + round));
                    let seeds: Vec<u64> = seeds.take(config.bco.episodes).collect();
                    Ok(explore(&scene, policy, config.bco.noise, &seeds, 0)?)
                };
                let action = scene.blueprint.spaces().action;
                let summary = bco(&config, &data, &action, &options, &mut act, &mut |_| {}, &mut ())?;
                if summary.interrupted {
                    return Err(StudyError::Stopped);
                }
                let evaluation = laboratory.judge(Policy::load(&summary.policy_dir)?, &scene)?;
                Ok(Numbers::from([("success".into(), evaluation.success_rate)]))
            })?;
            found[1].push(without["success"]);
        }
        values.iter_mut().zip(&found).for_each(|(row, cells)| row.push(Summary::of(cells)));
    }
    let [with, without] = values;
    Ok(Report {
        name: "observed".into(),
        about: format!(
            "{count} demonstrations of the steady operator; behavioural cloning from observation sees no actions and finds \
             out what they do in {} rounds of {} episodes of its own. Success.",
            config.bco.rounds, config.bco.episodes
        ),
        columns: SCENES.map(String::from).to_vec(),
        rows: vec![
            Row { label: "bc, with actions".into(), values: with },
            Row { label: "bco, without actions".into(), values: without },
        ],
    })
}
