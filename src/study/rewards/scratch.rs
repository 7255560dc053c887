//! Reinforcement learning on the task's reward, from scratch and with a warm start from a cloned policy.

use super::training::{evaluation_metrics, train_until};
use crate::learn::reinforcement::PpoConfig;
use crate::learn::{EvalResult, defaults};
use crate::rollout::{Player, evaluate};
use crate::scenes::find;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// Too few for behavioral cloning alone.
const DEMONSTRATIONS: usize = 5;
/// Updates between evaluations.
const EVAL_FREQ: u64 = 5;
/// Fraction of the steady operator's return that counts as having learned the task.
const THRESHOLD: f64 = 0.95;

pub(super) fn run(runner: &StudyRunner<'_>, scene: &str) -> Result<Report, StudyError> {
    let scene = find(scene)?;
    let data = runner.demonstrations(&scene, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let steady = runner.cell("steady", || {
        let evaluation = evaluate(&scene, Player::Operator(Skill::Steady), &runner.evaluation_seeds(), 0, |_| {})?;
        Ok(CellMetrics::from([("return".into(), evaluation.return_mean)]))
    })?["return"];
    let methods = ["bc", "ppo from scratch", "ppo with warm start"];
    let cells = runner.with_each_seed(&methods, |label, seed| {
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        runner.cell(&name, || {
            let mut bc = runner.scaled_config(&defaults("bc"), seed);
            let clone = format!("{name}-clone");
            let mut config = runner.scaled_config(&defaults("ppo"), seed);
            config.training.eval_freq = EVAL_FREQ;
            bc.network = config.network.clone();
            if *label == "bc" {
                let evaluation = runner.evaluate(runner.train_on_dataset(&clone, &bc, &data)?, &scene)?;
                return Ok(evaluation_metrics(&evaluation, steady));
            }
            if *label == "ppo with warm start" {
                runner.train_on_dataset(&clone, &bc, &data)?;
                config.init.from = runner.run(&clone).dir.display().to_string();
            }
            let learned = |result: EvalResult| f64::from(result.mean_reward) >= THRESHOLD * steady;
            let (policy, fraction) = train_until(runner, runner.run(&name), &config, &scene, &[], learned)?;
            let mut metrics = evaluation_metrics(&runner.evaluate(policy, &scene)?, steady);
            metrics.insert("updates".into(), fraction);
            Ok(metrics)
        })
    })?;
    let rows = methods
        .iter()
        .zip(&cells)
        .map(|(label, cells)| Row::from_cells(label, cells, &["return", "success", "updates"]));
    let ppo = runner.scaled_config(&defaults("ppo"), 0);
    let ticks = ppo.training.steps * (ppo.get::<PpoConfig>().n_envs * ppo.get::<PpoConfig>().n_steps) as u64;
    Ok(Report {
        name: format!("scratch-{}", scene.name),
        about: format!(
            "PPO on the reward of {} with default settings: {} updates, {:.1} million ticks. Mean return as a fraction of the \
             steady operator's ({steady:.1}), success rate, and the fraction of the updates until the mean return of an \
             evaluation reached {:.0} % of the operator's (100 % if it never did).",
            scene.name,
            ppo.training.steps,
            ticks as f64 / 1e6,
            100.0 * THRESHOLD,
        ),
        columns: ["return / operator's return", "success rate", "updates to threshold"].map(String::from).to_vec(),
        rows: rows.collect(),
    })
}
