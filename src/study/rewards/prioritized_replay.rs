//! Deep Q-learning with prioritized or uniform replay, with and without demonstrations.

use super::training::train_until;
use crate::learn::reinforcement::DqnConfig;
use crate::learn::{EvalResult, defaults};
use crate::rollout::{Demonstrator, demonstrate, recording_seeds};
use crate::scenes::find;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const SCENE: &str = "slalom";
const DEMONSTRATIONS: usize = 5;
/// Seed of the demonstrations' seeds.
const SEED: u64 = 11;
/// Success rate that counts as having learned the task.
const THRESHOLD: f32 = 0.8;

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let by = Demonstrator::from(Skill::Steady).with_held_keys(defaults("dqn").head.chunk_size);
    let demonstrations = recording_seeds(SEED)
        .take(runner.scaled_count(DEMONSTRATIONS))
        .map(|seed| demonstrate(&scene, by.clone(), seed))
        .collect::<Result<Vec<_>, _>>()?;
    let methods = [
        ("prioritized", true, false),
        ("uniform", false, false),
        ("prioritized, demonstrations", true, true),
        ("uniform, demonstrations", false, true),
    ];
    let cells = runner.with_each_seed(&methods, |(label, prioritized, with_demonstrations), seed| {
        let name = format!("{}-{seed}", label.replace(", ", "-"));
        runner.cell(&name, || {
            let mut config = runner.scaled_config(&defaults("dqn"), seed);
            if !prioritized {
                config.get_mut::<DqnConfig>().replay.alpha = 0.0;
            }
            if *with_demonstrations {
                config.get_mut::<DqnConfig>().exploration_initial_eps = DqnConfig::EXPLORATION_INITIAL_EPS_WITH_DEMOS;
            }
            let demonstrations = if *with_demonstrations { &demonstrations[..] } else { &[] };
            let learned = |result: EvalResult| result.success_rate >= THRESHOLD;
            let (policy, fraction) = train_until(runner, runner.run(&name), &config, &scene, demonstrations, learned)?;
            let success = runner.evaluate(policy, &scene)?.success_rate;
            Ok(CellMetrics::from([("success".into(), success), ("updates".into(), fraction)]))
        })
    })?;
    let rows =
        methods.iter().zip(&cells).map(|((label, ..), cells)| Row::from_cells(label, cells, &["success", "updates"]));
    let defaults = runner.scaled_config(&defaults("dqn"), 0);
    let ticks =
        defaults.training.steps * (defaults.get::<DqnConfig>().n_envs * defaults.get::<DqnConfig>().train_freq) as u64;
    Ok(Report {
        name: "prioritized-replay".into(),
        about: format!(
            "DQN on the reward of {SCENE} with key actions, {} updates, {:.2} million ticks: prioritized or uniform replay, with \
             {} demonstrations of the steady operator in the replay buffer or without. Success rate, and the fraction of the \
             updates until {:.0} % of {} evaluation episodes succeeded (100 % if they never did).",
            defaults.training.steps,
            ticks as f64 / 1e6,
            demonstrations.len(),
            100.0 * THRESHOLD,
            defaults.get::<DqnConfig>().n_eval_episodes,
        ),
        columns: ["success rate", "updates to threshold"].map(String::from).to_vec(),
        rows: rows.collect(),
    })
}
