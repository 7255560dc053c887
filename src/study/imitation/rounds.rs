//! Few demonstrations, and an expert to ask.

use crate::learn::{LearnerKind, RunOptions, TrainConfig, TrainError, TrainingData, dagger};
use crate::policies::{Policy, resolve_policy_dir};
use crate::rollout::{ask_expert, recording_seeds};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// Scenes, and how many demonstrations of each there are to begin with: so few that cloning them fails often, where it does
/// at all.
const SCENES: [(&str, usize); 3] = [("slalom", 1), ("courtyard", 1), ("parking", 5)];

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let mut config = LearnerKind::BehaviourCloning.defaults();
    config.dagger.rounds = if laboratory.is_quick() { 2 } else { config.dagger.rounds };
    // With a single demonstration there would be nothing left to learn from.
    config.data.validation_fraction = 0.0;
    let mut scenes = Vec::new();
    for (name, demonstrations) in SCENES {
        let scene = find(name)?;
        let data = laboratory.demonstrations(&scene, &[(Skill::Steady, demonstrations)])?;
        scenes.push((scene, demonstrations, data));
    }
    let cells = laboratory.with_each_seed(&scenes, |(scene, _, data), seed| {
        let config = laboratory.sized(&config, seed);
        let name = format!("{}-{seed}", scene.name);
        laboratory.cell(&name, || round_by_round(laboratory, laboratory.run(&name), &config, scene, data))
    })?;
    let keys: Vec<String> = (0..=config.dagger.rounds).map(key).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let row = |((scene, demonstrations, _), cells): (&(Scene, usize, _), &Vec<Numbers>)| {
        Row::of(&format!("{}, {demonstrations} to begin with", scene.name), cells, &keys)
    };
    let rows = scenes.iter().zip(&cells).map(row).collect();
    let columns = (0..=config.dagger.rounds).map(|round| match round {
        0 => "bc".to_owned(),
        1 => "1 round".to_owned(),
        round => format!("{round} rounds"),
    });
    Ok(Report {
        name: "rounds".into(),
        about: format!(
            "Few demonstrations of the steady operator, who is then asked about {} episodes a round that the \
             policy drives. Success after each round.",
            config.dagger.episodes
        ),
        columns: columns.collect(),
        rows,
    })
}

fn key(round: u64) -> String {
    format!("round {round:02}")
}

/// Success after each round.
fn round_by_round(
    laboratory: &Laboratory<'_>,
    options: RunOptions,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
) -> Result<Numbers, StudyError> {
    let mut ask = |policy: &Policy, round: u64| -> Result<_, StudyError> {
        let seeds = recording_seeds(split_seed(config.training.seed, 1000 + round));
        let seeds: Vec<u64> = seeds.take(config.dagger.episodes).collect();
        Ok(ask_expert(scene, policy.clone(), Skill::Steady, &seeds, 0)?)
    };
    let summary = dagger(config, data.clone(), &options, &mut ask, &mut |_| {}, &mut ())?;
    if summary.interrupted {
        return Err(StudyError::Stopped);
    }
    let mut numbers = Numbers::new();
    for round in &summary.rounds {
        let dir = options.dir.join("rounds").join(format!("{:02}", round.index));
        let policy = resolve_policy_dir(&dir).and_then(|dir| Policy::load(&dir)).map_err(TrainError::from)?;
        numbers.insert(key(round.index), laboratory.judge(policy, scene)?.success_rate);
    }
    Ok(numbers)
}
