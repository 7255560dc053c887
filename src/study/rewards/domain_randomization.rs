//! Domain randomization: training with fixed or per-episode random grip and mass.

use super::training::train_on_reward;
use crate::learn::defaults;
use crate::learn::reinforcement::PpoConfig;
use crate::scenes::{Scene, find};
use crate::sim::{ConditionRanges, ParamDistribution};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};

/// A scene with ranges of conditions.
const SCENE: &str = "slippery";
/// Ranges of the evaluation. The scene's own training ranges are larger: few episodes lie near the ends of a range, and a
/// policy that maximizes return sacrifices them by driving too fast for them.
const GRIP: ParamDistribution = ParamDistribution::Uniform(0.6, 1.4);
const MASS: ParamDistribution = ParamDistribution::Uniform(0.7, 1.8);
/// Evaluation episodes that select a run's best policy. Twenty rarely reach the ends of the ranges.
const N_EVAL_EPISODES: usize = 100;
/// Discount factor with a horizon of half a minute, about a lap. With the default horizon of eleven seconds, policies learn
/// to drive too fast on slippery ground and leave the road.
const GAMMA: f32 = 0.999;

/// Nine fixed conditions: the minimum, midpoint and maximum of both ranges.
fn fixed_conditions() -> Vec<ConditionRanges> {
    let three = |distribution: ParamDistribution| {
        let (low, high) = distribution.bounds();
        [low, f32::midpoint(low, high), high].map(ParamDistribution::Constant)
    };
    let one =
        |grip: ParamDistribution| three(MASS).map(|mass| ConditionRanges { grip, mass, ..ConditionRanges::default() });
    three(GRIP).into_iter().flat_map(one).collect()
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let ranges = scene.conditions();
    let methods = [("fixed", scene.with_conditions(ConditionRanges::default())), ("randomized", scene.clone())];
    let cells = runner.with_each_seed(&methods, |(label, train_scene), seed| {
        let name = format!("{label}-{seed}");
        runner.cell(&name, || {
            let mut config = runner.scaled_config(&defaults("ppo"), seed);
            (config.get_mut::<PpoConfig>().n_eval_episodes, config.get_mut::<PpoConfig>().gamma) =
                (runner.scaled_count(N_EVAL_EPISODES), GAMMA);
            let policy = train_on_reward(runner, runner.run(&name), &config, train_scene, &mut ())?;
            let success_rate =
                |scene: &Scene| -> Result<f64, StudyError> { Ok(runner.evaluate(policy.clone(), scene)?.success_rate) };
            let all: Vec<f64> = fixed_conditions()
                .into_iter()
                .map(|conditions| success_rate(&scene.with_conditions(conditions)))
                .collect::<Result<_, _>>()?;
            Ok(CellMetrics::from([
                ("default".into(), success_rate(&scene.with_conditions(ConditionRanges::default()))?),
                ("mean".into(), all.iter().sum::<f64>() / all.len() as f64),
                ("worst".into(), all.iter().copied().fold(1.0, f64::min)),
            ]))
        })
    })?;
    let rows = methods.iter().zip(&cells).map(|((label, _), cells)| {
        Row::from_cells(&format!("{label} conditions"), cells, &["default", "mean", "worst"])
    });
    let range = |distribution: ParamDistribution| format!("{} to {}", distribution.bounds().0, distribution.bounds().1);
    Ok(Report {
        name: "domain-randomization".into(),
        about: format!(
            "PPO from scratch on {SCENE}, {} updates with a discount factor of {GAMMA}; the best policy is selected by {} \
             evaluation episodes. Training with the default grip and mass, and with values drawn per episode (factors: grip {}, \
             mass {}). Success rate under default conditions, and over nine fixed conditions with the minimum, midpoint and \
             maximum of grip {} and mass {}: mean and worst case.",
            runner.scaled_config(&defaults("ppo"), 0).training.steps,
            runner.scaled_count(N_EVAL_EPISODES),
            range(ranges.grip),
            range(ranges.mass),
            range(GRIP),
            range(MASS),
        ),
        columns: ["default grip and mass", "nine conditions, mean", "nine conditions, worst"]
            .map(String::from)
            .to_vec(),
        rows: rows.collect(),
    })
}
