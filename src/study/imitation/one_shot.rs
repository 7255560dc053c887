//! A policy that is shown one demonstration of what to do.

use std::collections::BTreeSet;

use crate::learn::{LearnerKind, TrainingData};
use crate::policies::{Policy, PolicyError};
use crate::rollout::{Player, demonstrate, evaluate};
use crate::scenes::{COLOURS, Scene, find, parse};
use crate::sim::split_seed;
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// What tells the policy nothing about the posts, what would tell it where to go, and what would tell it what it has just
/// been doing, which is nearly always what it is to do next.
const HIDDEN: [&str; 12] =
    ["joint_*", "up", "velocity", "spin", "contact", "height", "phase", "down", "goal*", "object*", "ground", "range"];
/// Every so many-th order is kept for the judgement.
const KEPT_BACK: usize = 5;

/// All orders of some of some posts.
fn orders(posts: usize, visits: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..visits {
        let longer = |order: &Vec<usize>| {
            let free: Vec<usize> = (0..posts).filter(|post| !order.contains(post)).collect();
            let order = order.clone();
            free.into_iter().map(move |post| [order.clone(), vec![post]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

fn words(order: &[usize]) -> String {
    let named: Vec<&str> = order.iter().map(|post| COLOURS[*post].0).collect();
    format!("visit {}", named.join(", "))
}

/// The scene with an order of its own.
fn with_order(scene: &Scene, order: &[usize]) -> Result<Scene, StudyError> {
    let text = scene.text.replace("spread: 0.5)", &format!("spread: 0.5, order: {order:?})"));
    Ok(parse(&scene.name, "the study's relay", &text)?)
}

/// The demonstrations whose task is none of `kept`.
fn without(data: &TrainingData, kept: &BTreeSet<String>) -> TrainingData {
    let wanted = |episode: usize| !kept.contains(&data.facts[episode].task);
    data.chosen((0..data.facts.len()).filter(|episode| wanted(*episode)))
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find("relay")?;
    let mut config = LearnerKind::OneShot.defaults();
    config.data.hide = HIDDEN.map(String::from).to_vec();
    config.data.interchangeable = vec!["post_*".into()];
    let count = laboratory.few(800);
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let all = orders(6, 4);
    let kept: Vec<Vec<usize>> = all.iter().skip(1).step_by(KEPT_BACK).cloned().collect();
    let names: BTreeSet<String> = kept.iter().map(|order| words(order)).collect();
    let data = without(&data, &names);
    let cells = laboratory.with_each_seed(&[config], |config, seed| {
        let name = format!("relay-{seed}");
        laboratory.cell(&name, || {
            let policy = laboratory.train(&name, &laboratory.sized(config, seed), &data)?;
            judge(laboratory, &policy, &scene, &kept)
        })
    })?;
    Ok(Report {
        name: "one-shot".into(),
        about: format!(
            "A policy trained on {count} demonstrations of visiting 4 of 6 coloured posts, each in an order and a layout of \
             its own, is judged on {} orders that it never saw. It is shown one demonstration of the order in another \
             layout, or one of another order. Success.",
            kept.len()
        ),
        columns: vec!["shown the order".into(), "shown another order".into()],
        rows: cells.iter().map(|cells| Row::of("one-shot", cells, &["shown", "misled"])).collect(),
    })
}

fn judge(
    laboratory: &Laboratory<'_>,
    policy: &Policy,
    scene: &Scene,
    kept: &[Vec<usize>],
) -> Result<Numbers, StudyError> {
    let seeds = laboratory.judged_by();
    let layout = &policy.config().observation;
    let mut successes = [0.0; 2];
    for (i, seed) in seeds.iter().enumerate() {
        let order = &kept[i % kept.len()];
        let played = with_order(scene, order)?;
        for (wrong, successes) in successes.iter_mut().enumerate() {
            // Another order, or the same in another layout.
            let other = &kept[(i + wrong * (1 + kept.len() / 2)) % kept.len()];
            let shown = demonstrate(&with_order(scene, other)?, Skill::Steady, split_seed(*seed, 7))?;
            let seen = shown.seen_as(layout).map_err(|differences| {
                let message = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                PolicyError::Shown { message }
            })?;
            let policy = policy.clone().shown(&seen)?;
            let evaluation = evaluate(&played, Player::Policy(Box::new(policy)), &[*seed], 1, |_| {})?;
            *successes += evaluation.success_rate;
        }
    }
    let count = seeds.len() as f64;
    let [shown, misled] = successes;
    Ok([("shown", shown), ("misled", misled)].map(|(key, n)| (key.into(), n / count)).into())
}
