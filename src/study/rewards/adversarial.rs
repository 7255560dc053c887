//! Adversarial imitation learning from five demonstrations, compared with behavioral cloning.

use super::training::{evaluation_metrics, train_on_demonstrations};
use crate::learn::defaults;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::rewards::RewardConfig;
use crate::rollout::{Player, evaluate};
use crate::scenes::find;
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const DEMONSTRATIONS: usize = 5;
/// Length of an evaluation episode, as a multiple of the longest demonstration.
const EVAL_LENGTH: f64 = 1.1;

/// Label, learner, and whether the discriminator is trained on the demonstrations.
fn methods() -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("bc", "bc", true),
        ("gail", "gail", true),
        ("vail", "vail", true),
        ("airl", "airl", true),
        ("amp", "amp", true),
        ("gail without demonstrations", "gail", false),
    ]
}

/// `updates` holds the updates of the methods that see actions and those of `amp`, which does not; further training
/// changes the results little.
pub(super) fn run(runner: &StudyRunner<'_>, scene: &str, updates: (usize, usize)) -> Result<Report, StudyError> {
    let scene = find(scene)?;
    let (updates, amp_updates) = (runner.scaled_count(updates.0), runner.scaled_count(updates.1));
    let data = runner.demonstrations(&scene, &[(Skill::Steady, DEMONSTRATIONS)])?;
    let longest = data.episodes().map(|rows| rows.len()).max().unwrap_or(1);
    let eval_scene = scene.with_horizon((longest as f64 * EVAL_LENGTH) as u64);
    let train_scene = scene.with_horizon(data.reward_horizon());
    let steady = runner.cell("steady", || {
        let seeds = runner.evaluation_seeds();
        Ok(evaluation_metrics(&evaluate(&eval_scene, Player::Operator(Skill::Steady), &seeds, 0, |_| {})?, 1.0))
    })?;
    let methods = methods();
    let cells = runner.with_each_seed(&methods, |(label, learner, with_demonstrations), seed| {
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        runner.cell(&name, || {
            let mut config = runner.scaled_config(&defaults(learner), seed);
            let policy = if *learner == "bc" {
                runner.train_on_dataset(&name, &config, &data)?
            } else {
                config.training.steps = if *learner == "amp" { amp_updates } else { updates } as u64;
                config.training.eval_freq = config.training.steps;
                config.get_mut::<RewardConfig>().task_reward_weight = 0.0;
                if !with_demonstrations {
                    config.get_mut::<RewardConfig>().n_disc_updates = 0;
                }
                train_on_demonstrations(runner, runner.run(&name), &config, &train_scene, &data)?
            };
            Ok(evaluation_metrics(&runner.evaluate(policy, &eval_scene)?, 1.0))
        })
    })?;
    let row = |((label, ..), cells): (&(&str, _, _), &Vec<CellMetrics>)| {
        let relative = |key: &str| -> Vec<f64> { cells.iter().map(|cell| cell[key] / steady[key]).collect() };
        let success = cells.iter().map(|cell| cell["success"]).collect();
        Row::from_values(label, &[relative("return"), success])
    };
    let rows = methods.iter().zip(&cells).map(row).collect();
    let defaults = defaults("gail");
    let ppo = defaults.get::<PpoConfig>();
    let ticks = ppo.n_envs * ppo.n_steps;
    Ok(Report {
        name: format!("adversarial-{}", scene.name),
        about: format!(
            "{DEMONSTRATIONS} demonstrations of the steady operator in {}. The adversarial methods train from scratch for \
             {updates} updates of {ticks} ticks; `amp`, which uses neither actions nor the task's reward, for {amp_updates}. \
             Evaluation episodes have a fixed length of {} ticks, so that their end carries no information. Mean return as a \
             fraction of the steady operator's ({:.1}), and success rate (steady operator: {:.0} %).",
            scene.name,
            eval_scene.tick_limit(),
            steady["return"],
            100.0 * steady["success"],
        ),
        columns: vec!["return / operator's return".into(), "success rate".into()],
        rows,
    })
}
