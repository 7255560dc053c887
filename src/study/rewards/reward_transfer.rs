//! Reward transfer: rewards inferred on one course are correlated with the task's reward, and used to train on another.

use super::training::{evaluation_metrics, train_on_demonstrations, train_on_reward};
use crate::learn::rewards::{RewardConfig, RewardModel};
use crate::learn::{TrainConfig, defaults};
use crate::rollout::{Player, collect_transitions, evaluate, evaluation_seeds};
use crate::scenes::{Scene, find};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// The course of the demonstrations, and the course of the transfer.
const COURSES: [&str; 2] = ["hairpins", "circuit"];
const DEMONSTRATIONS: usize = 5;
/// Updates of reward inference, and of the training on the inferred reward.
const UPDATES: usize = 120;
/// Inputs of the inferred reward: the car's motion and its pose on the road. The observed course ahead is left out, since
/// it does not transfer to another course.
const FEATURES: [&str; 3] = ["velocity_*", "course_offset", "course_heading_*"];
/// Episode length of the training on the inferred reward, ticks.
const HORIZON: u64 = 600;
/// Episodes per player for the rank correlation, disjoint from all training episodes.
const CORRELATION_EPISODES: usize = 10;
/// Seed of those episodes.
const CORRELATION_SEED: u64 = 77;

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let [source, target] = [find(COURSES[0])?, find(COURSES[1])?];
    let data = runner.demonstrations(&source, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let source_fixed = source.with_horizon(data.reward_horizon());
    // A fixed horizon: where an inferred reward is negative everywhere, ending the episode early would maximize it.
    let target_fixed = target.with_horizon(HORIZON);
    let methods = [Some("airl"), Some("maxent-irl"), None];
    let cells = runner.with_each_seed(&methods, |method, seed| {
        let name = format!("{}-{seed}", method.unwrap_or("task-reward"));
        runner.cell(&name, || {
            let mut config = short_config(runner, "ppo", seed);
            let mut metrics = CellMetrics::new();
            let options = runner.run(&format!("{name}-target"));
            let policy = if let Some(learner) = method {
                let source_run = format!("{name}-source");
                let mut inference = short_config(runner, learner, seed);
                inference.get_mut::<RewardConfig>().features = FEATURES.map(String::from).to_vec();
                train_on_demonstrations(runner, runner.run(&source_run), &inference, &source_fixed, &data)?;
                let reward_dir = runner.run(&source_run).dir;
                let reward = RewardModel::load(&reward_dir)?;
                config.set_learned_reward(&reward_dir.display().to_string());
                metrics.insert("rank_correlation".into(), rank_correlation(runner, &reward, &source)?);
                train_on_reward(runner, options, &config, &target_fixed, &mut ())?
            } else {
                train_on_reward(runner, options, &config, &target, &mut ())?
            };
            let evaluation = runner.evaluate(policy, &target)?;
            metrics.extend(evaluation_metrics(&evaluation, 1.0));
            Ok(metrics)
        })
    })?;
    let mean = |cells: &[CellMetrics]| cells.iter().map(|cell| cell["return"]).sum::<f64>() / cells.len().max(1) as f64;
    let task_return = mean(&cells[2]);
    let steady = runner.cell("steady", || {
        let evaluation = evaluate(&target, Player::Operator(Skill::Steady), &runner.evaluation_seeds(), 0, |_| {})?;
        Ok(CellMetrics::from([("return".into(), evaluation.return_mean)]))
    })?["return"];
    let row = |(method, cells): (&Option<&'static str>, &Vec<CellMetrics>)| {
        let label = method.unwrap_or("task reward");
        let relative = cells.iter().map(|cell| cell["return"] / task_return).collect();
        let success = cells.iter().map(|cell| cell["success"]).collect();
        let correlation = cells.iter().map(|cell| cell.get("rank_correlation").copied().unwrap_or(1.0)).collect();
        Row::from_values(label, &[correlation, relative, success])
    };
    Ok(Report {
        name: "reward-transfer".into(),
        about: format!(
            "Rewards inferred from {DEMONSTRATIONS} demonstrations of the steady operator on {}, {} updates from scratch, with \
             the features {}. Rank correlation (Spearman) with the task's reward there, over the ticks of \
             {CORRELATION_EPISODES} unseen episodes each of the three operators and of random actions. Then PPO from scratch \
             on {}, which has no demonstrations, for as many updates on the inferred reward alone: mean task return as a \
             fraction of what PPO reaches on the task's reward ({task_return:.1}; steady operator: {steady:.1}), and success \
             rate.",
            COURSES[0],
            runner.scaled_count(UPDATES),
            FEATURES.join(", "),
            COURSES[1],
        ),
        columns: ["rank correlation", "return / return of ppo on the task reward", "success rate"]
            .map(String::from)
            .to_vec(),
        rows: methods.iter().zip(&cells).map(row).collect(),
    })
}

/// A method's default settings with fewer updates; methods that infer a reward are evaluated at the end only.
fn short_config(runner: &StudyRunner<'_>, learner: &str, seed: u64) -> TrainConfig {
    let mut config = runner.scaled_config(&defaults(learner), seed);
    config.training.steps = runner.scaled_count(UPDATES) as u64;
    if learner != "ppo" {
        config.training.eval_freq = config.training.steps;
    }
    config
}

/// Rank correlation of an inferred reward with the task's reward, over ticks of good and bad players.
fn rank_correlation(runner: &StudyRunner<'_>, reward: &RewardModel, scene: &Scene) -> Result<f64, StudyError> {
    let seeds = evaluation_seeds(CORRELATION_SEED, runner.scaled_count(CORRELATION_EPISODES));
    let (mut inferred, mut task) = (Vec::new(), Vec::new());
    let operators = Skill::ALL.map(Player::Operator);
    for player in operators.into_iter().chain([Player::Random]) {
        let collected = collect_transitions(scene, player, &seeds, 1)?;
        let transitions = &collected.transitions;
        inferred.extend(reward.predict(
            &transitions.observations,
            &transitions.actions,
            &transitions.next_observations,
        ));
        task.extend(collected.rewards);
    }
    Ok(spearman(&inferred, &task))
}

/// Spearman's rank correlation (Spearman 1904): the Pearson correlation of the ranks, where ties get their mean rank.
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
    for ties in order.chunk_by(|a, b| values[*a] == values[*b]) {
        for index in ties {
            ranks[*index] = first as f64 + 0.5 * (ties.len() - 1) as f64;
        }
        first += ties.len();
    }
    ranks
}
