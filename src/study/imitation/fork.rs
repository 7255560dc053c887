//! A post in the way that demonstrators pass on either side.

use crate::learn::{LearnerKind, TrainConfig, TrainingData};
use crate::policies::{HeadKind, Policy};
use crate::rollout::trace_policy;
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// Where the post stands, up to its spread, m along -z.
const POST: f32 = -30.0;

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let mut mixture = LearnerKind::BehaviourCloning.defaults();
    mixture.head.kind = HeadKind::Mixture;
    mixture.network.history = 8;
    // Drawn anew at every tick, a component would be left as soon as it is taken.
    (mixture.head.chunk, mixture.head.execute) = (8, 4);
    mixture.optimizer.learning_rate = 3e-4;
    let mut remembering = LearnerKind::BehaviourCloning.defaults();
    remembering.network.history = mixture.network.history;
    let mut act = LearnerKind::Act.defaults();
    act.training.steps = 5_000;
    vec![
        ("squared error", LearnerKind::BehaviourCloning.defaults()),
        ("squared error over 8 ticks", remembering),
        ("mixture of Gaussians", mixture),
        ("vae", LearnerKind::Vae.defaults()),
        ("gan", LearnerKind::Gan.defaults()),
        ("diffusion", LearnerKind::Diffusion.defaults()),
        ("act", act),
    ]
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find("fork")?;
    let demonstrations = laboratory.few(120);
    // Enough to choose as many of either side from.
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, 2 * demonstrations)])?;
    let data = half_and_half(&data, demonstrations);
    let methods = methods();
    let cells = laboratory.with_each_seed(&methods, |(label, config), seed| {
        let config = laboratory.sized(config, seed);
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        laboratory.cell(&name, || {
            let policy = laboratory.train(&name, &config, &data)?;
            sides(laboratory, &policy, &scene)
        })
    })?;
    let row = |((label, _), cells): (&(&str, _), &Vec<Numbers>)| Row::of(label, cells, &["success", "left", "right"]);
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "fork".into(),
        about: format!(
            "A post stands in the way; {demonstrations} demonstrations of the steady operator pass it on the left and on \
             the right, half of them each. Success, and the share of all episodes that pass on each side."
        ),
        columns: ["success", "pass on the left", "pass on the right"].map(String::from).to_vec(),
        rows,
    })
}

/// The first `count` demonstrations, as many of which swing out to the left of the road's middle as to its right.
fn half_and_half(data: &TrainingData, count: usize) -> TrainingData {
    let offset = data.observation.range("course_offset").map_or(0, |range| range.start);
    let size = data.observation.size();
    let mut wanted = [count.div_ceil(2), count / 2];
    let mut chosen = Vec::new();
    for (episode, rows) in data.episodes().enumerate() {
        let offsets = rows.map(|row| data.observations[row * size + offset]);
        let farthest = offsets.fold(0.0f32, |most, x| if x.abs() > most.abs() { x } else { most });
        let left = &mut wanted[usize::from(farthest < 0.0)];
        if *left > 0 {
            *left -= 1;
            chosen.push(episode);
        }
    }
    data.chosen(chosen.into_iter())
}

/// Success, and on which side of the post the successful episodes pass.
fn sides(laboratory: &Laboratory<'_>, policy: &Policy, scene: &Scene) -> Result<Numbers, StudyError> {
    let seeds = laboratory.judged_by();
    let [mut success, mut left, mut right] = [0.0; 3];
    for seed in &seeds {
        let trace = trace_policy(scene, policy.clone(), *seed)?;
        if !trace.success {
            continue;
        }
        success += 1.0;
        // Left of the way along -z is at smaller x.
        let beside = trace.line.iter().find(|(_, z)| *z < POST).map_or(0.0, |(x, _)| *x);
        *(if beside < 0.0 { &mut left } else { &mut right }) += 1.0;
    }
    let count = seeds.len() as f64;
    Ok([("success", success), ("left", left), ("right", right)].map(|(key, n)| (key.into(), n / count)).into())
}
