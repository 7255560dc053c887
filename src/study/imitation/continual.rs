//! Continual learning of three scenes, and joint training on all of them.

use std::sync::Arc;

use crate::learn::{ContinualConfig, ContinualMethod, RunOptions, TrainConfig, TrainingData, defaults};
use crate::scenes::{Scene, find};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

/// In the order of training.
const SCENES: [&str; 3] = ["slalom", "circuit", "parking"];
const DEMONSTRATIONS: usize = 30;

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let count = runner.scaled_count(DEMONSTRATIONS);
    let mut scenes = Vec::new();
    for name in SCENES {
        let scene = find(name)?;
        let data = runner.demonstrations(&scene, &[(Skill::Steady, count)])?;
        scenes.push((scene, data));
    }
    let config = defaults("bc");
    let methods = [
        ("sequential fine-tuning", ContinualMethod::None),
        ("elastic weight consolidation", ContinualMethod::Ewc),
        ("rehearsal", ContinualMethod::Rehearsal),
    ];
    let cells = runner.with_each_seed(&methods, |(label, method), seed| {
        let mut config = runner.scaled_config(&config, seed);
        config.get_mut::<ContinualConfig>().method = *method;
        sequential(runner, &config, &scenes, label)
    })?;
    let keys = [&SCENES[..], &["forgetting"]].concat();
    let row = |((label, _), cells): (&(&str, _), &Vec<CellMetrics>)| Row::from_cells(label, cells, &keys);
    let mut rows: Vec<Row> = methods.iter().zip(&cells).map(row).collect();
    let cells =
        runner.with_each_seed(&[()], |(), seed| joint(runner, &runner.scaled_config(&config, seed), &scenes))?;
    rows.extend(cells.iter().map(|cells| Row::from_cells("joint training, task-conditioned", cells, &keys)));
    let mut columns = SCENES.map(|name| format!("{name}, final")).to_vec();
    columns.push("forgetting".into());
    Ok(Report {
        name: "continual".into(),
        about: format!(
            "{count} demonstrations each of {}, trained in this order. Final success rate per scene, and forgetting: the drop from \
             the success rate right after training on a scene to the final one, averaged over all scenes but the last.",
            SCENES.join(", ")
        ),
        columns,
        rows,
    })
}

fn sequential(
    runner: &StudyRunner<'_>,
    config: &TrainConfig,
    scenes: &[(Scene, TrainingData)],
    label: &str,
) -> Result<CellMetrics, StudyError> {
    let seed = config.training.seed;
    let name = format!("{}-{seed}", label.replace(' ', "-"));
    runner.cell(&name, || {
        let mut metrics = CellMetrics::new();
        let mut config = config.clone();
        let mut earlier: Option<TrainingData> = None;
        let mut initial = Vec::new();
        for (i, (scene, data)) in scenes.iter().enumerate() {
            let run = format!("{name}-{}", scene.name);
            let options = RunOptions { earlier: earlier.clone().map(Arc::new), ..runner.run(&run) };
            let policy = runner.train_with(options, &config, data)?;
            config.init.from = runner.run(&run).dir.display().to_string();
            match &mut earlier {
                None => earlier = Some(data.clone()),
                Some(earlier) => earlier.concatenate(data)?,
            }
            if i + 1 < scenes.len() {
                initial.push(runner.evaluate(policy, scene)?.success_rate);
                continue;
            }
            for (scene, _) in scenes {
                let evaluation = runner.evaluate(policy.clone(), scene)?;
                metrics.insert(scene.name.clone(), evaluation.success_rate);
            }
        }
        let forgetting =
            initial.iter().zip(scenes).map(|(initial, (scene, _))| initial - metrics[&scene.name]).sum::<f64>();
        metrics.insert("forgetting".into(), forgetting / initial.len() as f64);
        Ok(metrics)
    })
}

fn joint(
    runner: &StudyRunner<'_>,
    config: &TrainConfig,
    scenes: &[(Scene, TrainingData)],
) -> Result<CellMetrics, StudyError> {
    let name = format!("joint-{}", config.training.seed);
    runner.cell(&name, || {
        let mut all = scenes[0].1.clone();
        scenes[1..].iter().try_for_each(|(_, data)| all.concatenate(data))?;
        let policy = runner.train_on_dataset(&name, config, &all)?;
        let mut metrics = CellMetrics::from([("forgetting".into(), 0.0)]);
        for (scene, _) in scenes {
            metrics.insert(scene.name.clone(), runner.evaluate(policy.clone(), scene)?.success_rate);
        }
        Ok(metrics)
    })
}
