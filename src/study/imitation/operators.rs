//! Demonstrators of mixed skill.

use crate::learn::{LearnerKind, QualityUse, TrainConfig};
use crate::policies::NetworkKind;
use crate::scenes::find;
use crate::study::{Laboratory, Report, Row, StudyError};
use crate::teleop::Skill;

const SCENES: [&str; 3] = ["slalom", "courtyard", "crates"];

/// Demonstrations of each operator: few, where it counts who they are from, and plenty.
const EACH: [usize; 2] = [4, 20];

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let of = |change: fn(&mut TrainConfig)| {
        let mut config = LearnerKind::BehaviourCloning.defaults();
        change(&mut config);
        config
    };
    vec![
        ("mlp", of(|_| {})),
        ("mlp, weighted by quality", of(|c| c.data.quality = QualityUse::Weight)),
        ("mlp, better half", of(|c| c.data.quality = QualityUse::Filter)),
        ("mlp over 8 ticks", of(|c| c.network.history = 8)),
        (
            "mlp over 8 ticks, weighted by quality",
            of(|c| {
                c.network.history = 8;
                c.data.quality = QualityUse::Weight;
            }),
        ),
        (
            "gru",
            of(|c| {
                c.network.kind = NetworkKind::Gru;
                c.network.history = 16;
                c.training.batch_size = 1024;
                c.training.steps = 3_000;
                c.optimizer.learning_rate = 1e-3;
            }),
        ),
    ]
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let mut tasks = Vec::new();
    for each in EACH.map(|each| laboratory.few(each)) {
        for name in SCENES {
            let scene = find(name)?;
            let data = laboratory.demonstrations(&scene, &Skill::ALL.map(|skill| (skill, each)))?;
            tasks.push((scene, each * Skill::ALL.len(), data));
        }
    }
    let methods = methods();
    let items: Vec<_> = methods.iter().flat_map(|method| tasks.iter().map(move |task| (method, task))).collect();
    let cells = laboratory.with_each_seed(&items, |((label, config), (scene, count, data)), seed| {
        let name = format!("{}-{count}-{}-{seed}", scene.name, label.replace([' ', ','], "-"));
        laboratory.success(&name, &laboratory.sized(config, seed), data, scene)
    })?;
    let rows = methods.iter().zip(cells.chunks(tasks.len())).map(|((label, _), cells)| Row::across(label, cells));
    Ok(Report {
        name: "operators".into(),
        about: "Demonstrations of the steady, the hasty and the sloppy operator in equal parts: how many, and where. Success."
            .into(),
        rows: rows.collect(),
        columns: tasks.iter().map(|(scene, count, _)| format!("{count}, {}", scene.name)).collect(),
    })
}
