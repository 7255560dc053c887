//! One scene after the other, or all at once.

use std::sync::Arc;

use crate::learn::{ContinualMethod, LearnerKind, RunOptions, TrainConfig, TrainingData};
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

/// In the order of learning.
const SCENES: [&str; 3] = ["slalom", "circuit", "parking"];
const DEMONSTRATIONS: usize = 30;

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let count = laboratory.few(DEMONSTRATIONS);
    let mut scenes = Vec::new();
    for name in SCENES {
        let scene = find(name)?;
        let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
        scenes.push((scene, data));
    }
    let config = LearnerKind::BehaviourCloning.defaults();
    let methods = [
        ("fine-tuned one after the other", ContinualMethod::None),
        ("elastic weight consolidation", ContinualMethod::Ewc),
        ("rehearsal", ContinualMethod::Rehearsal),
    ];
    let cells = laboratory.with_each_seed(&methods, |(label, method), seed| {
        let mut config = laboratory.sized(&config, seed);
        config.continual.method = *method;
        one_after_the_other(laboratory, &config, &scenes, label)
    })?;
    let keys = [&SCENES[..], &["forgotten"]].concat();
    let row = |((label, _), cells): (&(&str, _), &Vec<Numbers>)| Row::of(label, cells, &keys);
    let mut rows: Vec<Row> = methods.iter().zip(&cells).map(row).collect();
    let cells =
        laboratory.with_each_seed(&[()], |(), seed| together(laboratory, &laboratory.sized(&config, seed), &scenes))?;
    rows.extend(cells.iter().map(|cells| Row::of("all at once, told the task", cells, &keys)));
    let mut columns = SCENES.map(|name| format!("{name} at the end")).to_vec();
    columns.push("forgotten".into());
    Ok(Report {
        name: "sequence".into(),
        about: format!(
            "{count} demonstrations each of {}, learned in this order. Success at the end, and how much less that is than \
             just after a scene was learned, a mean over the scenes before the last.",
            SCENES.join(", ")
        ),
        columns,
        rows,
    })
}

fn one_after_the_other(
    laboratory: &Laboratory<'_>,
    config: &TrainConfig,
    scenes: &[(Scene, TrainingData)],
    label: &str,
) -> Result<Numbers, StudyError> {
    let seed = config.training.seed;
    let name = format!("{}-{seed}", label.replace(' ', "-"));
    laboratory.cell(&name, || {
        let mut numbers = Numbers::new();
        let mut config = config.clone();
        let mut earlier: Option<TrainingData> = None;
        let mut fresh = Vec::new();
        for (i, (scene, data)) in scenes.iter().enumerate() {
            let run = format!("{name}-{}", scene.name);
            let options = RunOptions { earlier: earlier.clone().map(Arc::new), ..laboratory.run(&run) };
            let policy = laboratory.train_with(options, &config, data)?;
            config.init.from = laboratory.run(&run).dir.display().to_string();
            match &mut earlier {
                None => earlier = Some(data.clone()),
                Some(earlier) => earlier.join(data)?,
            }
            if i + 1 < scenes.len() {
                fresh.push(laboratory.judge(policy, scene)?.success_rate);
                continue;
            }
            for (scene, _) in scenes {
                let evaluation = laboratory.judge(policy.clone(), scene)?;
                numbers.insert(scene.name.clone(), evaluation.success_rate);
            }
        }
        let lost = fresh.iter().zip(scenes).map(|(fresh, (scene, _))| fresh - numbers[&scene.name]).sum::<f64>();
        numbers.insert("forgotten".into(), lost / fresh.len() as f64);
        Ok(numbers)
    })
}

fn together(
    laboratory: &Laboratory<'_>,
    config: &TrainConfig,
    scenes: &[(Scene, TrainingData)],
) -> Result<Numbers, StudyError> {
    let name = format!("together-{}", config.training.seed);
    laboratory.cell(&name, || {
        let mut all = scenes[0].1.clone();
        scenes[1..].iter().try_for_each(|(_, data)| all.join(data))?;
        let policy = laboratory.train(&name, config, &all)?;
        let mut numbers = Numbers::from([("forgotten".into(), 0.0)]);
        for (scene, _) in scenes {
            numbers.insert(scene.name.clone(), laboratory.judge(policy.clone(), scene)?.success_rate);
        }
        Ok(numbers)
    })
}
