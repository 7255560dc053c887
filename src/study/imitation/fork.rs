//! Multimodal demonstrations: a post that demonstrators pass on either side.

use crate::learn::{TrainConfig, TrainingData, defaults};
use crate::policies::{HeadKind, Policy};
use crate::rollout::trace_policy;
use crate::scenes::{Scene, find};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// Nominal position of the post along z, m.
const POST: f32 = -30.0;

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let mut mixture = defaults("bc");
    mixture.head.kind = HeadKind::MIXTURE;
    mixture.network.n_obs_steps = 8;
    // Action chunks: a mode that is sampled anew at every tick would not be followed.
    (mixture.head.chunk_size, mixture.head.n_action_steps) = (8, 4);
    mixture.optimizer.learning_rate = 3e-4;
    let mut with_history = defaults("bc");
    with_history.network.n_obs_steps = mixture.network.n_obs_steps;
    let mut act = defaults("act");
    act.training.steps = 5_000;
    vec![
        ("squared error", defaults("bc")),
        ("squared error over 8 ticks", with_history),
        ("mixture of Gaussians", mixture),
        ("vae", defaults("vae")),
        ("gan", defaults("gan")),
        ("diffusion", defaults("diffusion")),
        ("act", act),
    ]
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find("fork")?;
    let demonstrations = runner.scaled_count(120);
    // Enough to select half of `demonstrations` from each side.
    let data = runner.demonstrations(&scene, &[(Skill::Steady, 2 * demonstrations)])?;
    let data = balanced(&data, demonstrations);
    let methods = methods();
    let cells = runner.with_each_seed(&methods, |(label, config), seed| {
        let config = runner.scaled_config(config, seed);
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        runner.cell(&name, || {
            let policy = runner.train_on_dataset(&name, &config, &data)?;
            sides(runner, &policy, &scene)
        })
    })?;
    let row = |((label, _), cells): (&(&str, _), &Vec<CellMetrics>)| {
        Row::from_cells(label, cells, &["success", "left", "right"])
    };
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "fork".into(),
        about: format!(
            "{demonstrations} demonstrations of the steady operator pass a post, half of them on the left and half on the right. \
             Success rate, and the fraction of all episodes that succeed on each side."
        ),
        columns: ["success rate", "passed on the left", "passed on the right"].map(String::from).to_vec(),
        rows,
    })
}

/// The first `count` demonstrations, half of which swing out to the left of the road's center and half to the right.
fn balanced(data: &TrainingData, count: usize) -> TrainingData {
    let offset = data.observation.range("course_offset").map_or(0, |range| range.start);
    let size = data.observation.size();
    let mut remaining = [count.div_ceil(2), count / 2];
    let mut chosen = Vec::new();
    for (episode, rows) in data.episodes().enumerate() {
        let offsets = rows.map(|row| data.observations[row * size + offset]);
        let farthest = offsets.fold(0.0f32, |most, x| if x.abs() > most.abs() { x } else { most });
        let left = &mut remaining[usize::from(farthest < 0.0)];
        if *left > 0 {
            *left -= 1;
            chosen.push(episode);
        }
    }
    data.select_episodes(chosen.into_iter())
}

/// Success rate, and the fraction of episodes that succeed on each side of the post.
fn sides(runner: &StudyRunner<'_>, policy: &Policy, scene: &Scene) -> Result<CellMetrics, StudyError> {
    let seeds = runner.evaluation_seeds();
    let [mut success, mut left, mut right] = [0.0; 3];
    for seed in &seeds {
        let trace = trace_policy(scene, policy.clone(), *seed)?;
        if !trace.success {
            continue;
        }
        success += 1.0;
        // The course runs along -z: left is at smaller x.
        let x_at_post = trace.path.positions.iter().find(|(_, z)| *z < POST).map_or(0.0, |(x, _)| *x);
        *(if x_at_post < 0.0 { &mut left } else { &mut right }) += 1.0;
    }
    let count = seeds.len() as f64;
    Ok([("success", success), ("left", left), ("right", right)].map(|(key, n)| (key.into(), n / count)).into())
}
