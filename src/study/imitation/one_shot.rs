//! One-shot imitation: a policy conditioned on one demonstration of the task.

use std::collections::BTreeSet;

use crate::learn::{DataConfig, TrainingData, defaults};
use crate::policies::{Policy, PolicyError};
use crate::rollout::{Player, demonstrate, evaluate};
use crate::scenes::{Scene, find, parse};
use crate::sim::split_seed;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;
use crate::world::COLORS;

/// Observations excluded from the policy's input: those unrelated to the posts, those that reveal the goal, and those that
/// reveal the previous action, which would let the policy copy it instead of using the demonstration.
const EXCLUDED: [&str; 12] =
    ["joint_*", "up", "velocity", "spin", "contact", "height", "phase", "down", "goal*", "object*", "ground", "range"];
/// Every so many-th order is held out for evaluation.
const HELD_OUT_EVERY: usize = 5;

/// All orders of `visits` different posts out of `posts`.
fn orders(posts: usize, visits: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..visits {
        let extend = |order: &Vec<usize>| {
            let free: Vec<usize> = (0..posts).filter(|post| !order.contains(post)).collect();
            let order = order.clone();
            free.into_iter().map(move |post| [order.clone(), vec![post]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(extend).collect();
    }
    all
}

fn task_name(order: &[usize]) -> String {
    let colors: Vec<&str> = order.iter().map(|post| COLORS[*post].0).collect();
    format!("visit {}", colors.join(", "))
}

/// The scene with a fixed order.
fn with_order(scene: &Scene, order: &[usize]) -> Result<Scene, StudyError> {
    let text = scene.text.replace("spread: 0.5)", &format!("spread: 0.5, order: {order:?})"));
    Ok(parse(&scene.name, "the study's relay", &text)?)
}

/// The demonstrations whose task is not in `held_out`.
fn without(data: &TrainingData, held_out: &BTreeSet<String>) -> TrainingData {
    let is_training = |episode: usize| !held_out.contains(&data.episode_info[episode].task);
    data.select_episodes((0..data.episode_info.len()).filter(|episode| is_training(*episode)))
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find("relay")?;
    let mut config = defaults("one-shot");
    config.get_mut::<DataConfig>().exclude = EXCLUDED.map(String::from).to_vec();
    config.get_mut::<DataConfig>().permutable = vec!["post_*".into()];
    let count = runner.scaled_count(800);
    let data = runner.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let all = orders(6, 4);
    let held_out: Vec<Vec<usize>> = all.iter().skip(1).step_by(HELD_OUT_EVERY).cloned().collect();
    let names: BTreeSet<String> = held_out.iter().map(|order| task_name(order)).collect();
    let data = without(&data, &names);
    let cells = runner.with_each_seed(&[config], |config, seed| {
        let name = format!("relay-{seed}");
        runner.cell(&name, || {
            let policy = runner.train_on_dataset(&name, &runner.scaled_config(config, seed), &data)?;
            evaluate_held_out(runner, &policy, &scene, &held_out)
        })
    })?;
    Ok(Report {
        name: "one-shot".into(),
        about: format!(
            "A policy trained on {count} demonstrations of visiting 4 of 6 colored posts, with random orders and layouts, is \
             evaluated on {} held-out orders. It is conditioned on one demonstration of the order in another layout, or of \
             another order. Success rate.",
            held_out.len()
        ),
        columns: vec!["demonstration of the order".into(), "of another order".into()],
        rows: cells.iter().map(|cells| Row::from_cells("one-shot", cells, &["same_order", "other_order"])).collect(),
    })
}

/// Success rates on held-out orders, with a demonstration of the same and of another order.
fn evaluate_held_out(
    runner: &StudyRunner<'_>,
    policy: &Policy,
    scene: &Scene,
    held_out: &[Vec<usize>],
) -> Result<CellMetrics, StudyError> {
    let seeds = runner.evaluation_seeds();
    let layout = &policy.config().observation;
    let mut successes = [0.0; 2];
    for (i, seed) in seeds.iter().enumerate() {
        let order = &held_out[i % held_out.len()];
        let eval_scene = with_order(scene, order)?;
        for (is_other, successes) in successes.iter_mut().enumerate() {
            // The same order, then another one; the layout differs in both.
            let demonstrated = &held_out[(i + is_other * (1 + held_out.len() / 2)) % held_out.len()];
            let demonstration = demonstrate(&with_order(scene, demonstrated)?, Skill::Steady, split_seed(*seed, 7))?;
            let observations = demonstration.observations_as(layout).map_err(|differences| {
                let message = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                PolicyError::InvalidDemonstration { message }
            })?;
            let policy = policy.clone().with_demonstration(&observations)?;
            let evaluation = evaluate(&eval_scene, Player::Policy(Box::new(policy)), &[*seed], 1, |_| {})?;
            *successes += evaluation.success_rate;
        }
    }
    let count = seeds.len() as f64;
    let [same, other] = successes;
    Ok([("same_order", same), ("other_order", other)].map(|(key, n)| (key.into(), n / count)).into())
}
