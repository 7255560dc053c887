//! What was inferred from demonstrations on one course, held against the task's own score, and learned from on another.

use super::acted::{imitating, reached, rewarded};
use crate::learn::irl::RewardModel;
use crate::learn::{LearnerKind, TrainConfig};
use crate::rollout::{Player, evaluate, evaluation_seeds, moves};
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// Where it was demonstrated, and where it never was.
const COURSES: [&str; 2] = ["hairpins", "circuit"];
const DEMONSTRATIONS: usize = 5;
/// Updates of what infers a reward, and as many of what then learns from it.
const UPDATES: usize = 120;
/// What an inferred reward is of: how the car moves, and where on the road. What lies ahead of it is another on every course.
const FIELDS: [&str; 3] = ["velocity_*", "course_offset", "course_heading_*"];
/// Ticks of each episode of who learns from it.
const HORIZON: u64 = 600;
/// Episodes of each player, unlike those of any training, whose ticks are scored.
const SCORED: usize = 10;
/// Seed of those episodes.
const SCORED_SEED: u64 = 77;

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let [demonstrated, other] = [find(COURSES[0])?, find(COURSES[1])?];
    let data = laboratory.demonstrations(&demonstrated, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let learning = demonstrated.with_horizon(data.shortest());
    // An inferred reward may be below zero everywhere, and would be best served by a quick end.
    let lasting = other.with_horizon(HORIZON);
    let methods = [Some(LearnerKind::Airl), Some(LearnerKind::MaxentIrl), None];
    let cells = laboratory.with_each_seed(&methods, |method, seed| {
        let name = format!("{}-{seed}", method.map_or("score", LearnerKind::name));
        laboratory.cell(&name, || {
            let mut config = short(laboratory, LearnerKind::Ppo, seed);
            let mut numbers = Numbers::new();
            let options = laboratory.run(&format!("{name}-elsewhere"));
            let policy = if let Some(kind) = method {
                let inferring = format!("{name}-inferring");
                let mut inference = short(laboratory, *kind, seed);
                inference.reward.fields = FIELDS.map(String::from).to_vec();
                imitating(laboratory, laboratory.run(&inferring), &inference, &learning, &data)?;
                let inferred = laboratory.run(&inferring).dir;
                let reward = RewardModel::load(&inferred)?;
                config = config.rewarded_by(&inferred.display().to_string());
                numbers.insert("order".into(), order(laboratory, &reward, &demonstrated)?);
                rewarded(laboratory, options, &config, &lasting, &mut ())?
            } else {
                rewarded(laboratory, options, &config, &other, &mut ())?
            };
            let evaluation = laboratory.judge(policy, &other)?;
            numbers.extend(reached(&evaluation, 1.0));
            Ok(numbers)
        })
    })?;
    let mean = |cells: &[Numbers]| cells.iter().map(|cell| cell["return"]).sum::<f64>() / cells.len().max(1) as f64;
    let score = mean(&cells[2]);
    let steady = laboratory.cell("steady", || {
        let evaluation = evaluate(&other, Player::Operator(Skill::Steady), &laboratory.judged_by(), 0, |_| {})?;
        Ok(Numbers::from([("return".into(), evaluation.return_mean)]))
    })?["return"];
    let row = |(method, cells): (&Option<LearnerKind>, &Vec<Numbers>)| {
        let label = method.map_or("the task's score", LearnerKind::name);
        let share = cells.iter().map(|cell| cell["return"] / score).collect();
        let success = cells.iter().map(|cell| cell["success"]).collect();
        let order = cells.iter().map(|cell| cell.get("order").copied().unwrap_or(1.0)).collect();
        Row::across(label, &[order, share, success])
    };
    Ok(Report {
        name: "elsewhere".into(),
        about: format!(
            "Rewards inferred from {DEMONSTRATIONS} demonstrations of the steady operator on {}, {} updates from chance, of {}. The \
             rank correlation (Spearman) with the task's score over the ticks of {SCORED} unseen episodes each of the three \
             operators and of chance there. Then ppo from chance on {}, which nobody demonstrated, as many updates, by that reward \
             alone: its return by the task's score, as a share of what ppo reaches by that score itself, {score:.1} (the \
             steady operator: {steady:.1}), and success.",
            COURSES[0],
            laboratory.few(UPDATES),
            FIELDS.join(", "),
            COURSES[1],
        ),
        columns: ["rank correlation", "of ppo's return by the score", "success"].map(String::from).to_vec(),
        rows: methods.iter().zip(&cells).map(row).collect(),
    })
}

/// A method's own settings over fewer updates; who imitates is judged at the end alone.
fn short(laboratory: &Laboratory<'_>, kind: LearnerKind, seed: u64) -> TrainConfig {
    let mut config = laboratory.sized(&kind.defaults(), seed);
    config.training.steps = laboratory.few(UPDATES) as u64;
    if kind != LearnerKind::Ppo {
        config.training.validate_every = config.training.steps;
    }
    config
}

/// Rank correlation of an inferred reward with the task's score, over ticks of good and bad players.
fn order(laboratory: &Laboratory<'_>, reward: &RewardModel, scene: &Scene) -> Result<f64, StudyError> {
    let seeds = evaluation_seeds(SCORED_SEED, laboratory.few(SCORED));
    let (mut inferred, mut score) = (Vec::new(), Vec::new());
    let operators = Skill::ALL.map(Player::Operator);
    for player in operators.into_iter().chain([Player::Random]) {
        let ticks = moves(scene, player, &seeds, 1)?;
        inferred.extend(reward.worth(&ticks.observations, &ticks.actions, &ticks.next));
        score.extend(ticks.rewards);
    }
    Ok(spearman(&inferred, &score))
}

/// Rank correlation (Spearman 1904): that of the ranks, of which equal numbers share the mean.
fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let product =
        |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 { x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum() };
    let both = product(&a, mean_a, &a, mean_a) * product(&b, mean_b, &b, mean_b);
    if both > 0.0 { product(&a, mean_a, &b, mean_b) / both.sqrt() } else { 0.0 }
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for alike in order.chunk_by(|a, b| values[*a] == values[*b]) {
        for at in alike {
            ranks[*at] = first as f64 + 0.5 * (alike.len() - 1) as f64;
        }
        first += alike.len();
    }
    ranks
}
