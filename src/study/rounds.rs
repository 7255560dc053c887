//! Few demonstrations, and an expert to ask.

use super::{Laboratory, Numbers, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, RunOptions, TrainError, dagger};
use crate::policies::{Policy, resolve_policy_dir};
use crate::rollout::{ask_expert, recording_seeds};
use crate::scenes::find;
use crate::sim::split_seed;
use crate::teleop::Skill;

/// Scenes, and how many demonstrations of each there are to begin with: so few that cloning them fails often, where it does
/// at all.
const SCENES: [(&str, usize); 3] = [("slalom", 1), ("courtyard", 1), ("parking", 5)];

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let mut config = LearnerKind::BehaviourCloning.defaults();
    config.training.steps = laboratory.steps(config.training.steps);
    config.dagger.rounds = if laboratory.is_quick() { 2 } else { config.dagger.rounds };
    let mut rows = Vec::new();
    // With a single demonstration there would be nothing left to learn from.
    config.data.validation_fraction = 0.0;
    for (scene, demonstrations) in SCENES {
        let scene = find(scene)?;
        let data = laboratory.demonstrations(&scene, &[(Skill::Steady, demonstrations)])?;
        let mut cells = Vec::new();
        for seed in laboratory.seeds() {
            config.training.seed = seed;
            let name = format!("{}-{seed}", scene.name);
            cells.push(laboratory.cell(&name, |laboratory| {
                let options = laboratory.run(&name);
                let options = RunOptions { resume: options.dir.exists(), ..options };
                let episodes = config.dagger.episodes;
                let mut ask = |policy: &Policy, round: u64| -> Result<_, StudyError> {
                    let seeds: Vec<u64> = recording_seeds(split_seed(seed, 1000 + round)).take(episodes).collect();
                    Ok(ask_expert(&scene, policy.clone(), Skill::Steady, &seeds, 0)?)
                };
                let summary = dagger(&config, data.clone(), &options, &mut ask, &mut |_| {}, &mut ())?;
                if summary.interrupted {
                    return Err(StudyError::Stopped);
                }
                let mut numbers = Numbers::new();
                for round in &summary.rounds {
                    let dir = options.dir.join("rounds").join(format!("{:02}", round.index));
                    let policy =
                        resolve_policy_dir(&dir).and_then(|dir| Policy::load(&dir)).map_err(TrainError::from)?;
                    let evaluation = laboratory.judge(policy, &scene)?;
                    numbers.insert(format!("round {:02}", round.index), evaluation.success_rate);
                }
                Ok(numbers)
            })?);
        }
        let rounds = 0..=config.dagger.rounds;
        let value =
            |round| Summary::of(&cells.iter().map(|cell| cell[&format!("round {round:02}")]).collect::<Vec<_>>());
        let label = format!("{}, {demonstrations} to begin with", scene.name);
        rows.push(Row { label, values: rounds.map(value).collect() });
    }
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
