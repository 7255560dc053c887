//! Demonstrators of mixed skill.

use super::{Laboratory, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, QualityUse, TrainConfig};
use crate::policies::{HeadKind, NetworkKind};
use crate::scenes::find;
use crate::teleop::Skill;

const SCENES: [&str; 3] = ["slalom", "courtyard", "crates"];

fn gru(config: &mut TrainConfig) {
    config.network.kind = NetworkKind::Gru;
    config.network.history = 16;
    config.training.batch_size = 1024;
    config.optimizer.learning_rate = 5e-4;
}

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
        ("gru", of(gru)),
        (
            "gru, mixture",
            of(|c| {
                gru(c);
                c.head.kind = HeadKind::Mixture;
            }),
        ),
        (
            "transformer",
            of(|c| {
                c.network.kind = NetworkKind::Transformer;
                c.network.history = 8;
                c.network.width = 64;
                c.training.batch_size = 512;
                c.training.steps = 5_000;
            }),
        ),
    ]
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let each = laboratory.few(20);
    let mut scenes = Vec::new();
    for name in SCENES {
        let scene = find(name)?;
        let data = laboratory.demonstrations(&scene, &Skill::ALL.map(|skill| (skill, each)))?;
        scenes.push((scene, data));
    }
    let methods = methods();
    let items: Vec<_> = methods.iter().flat_map(|method| scenes.iter().map(move |scene| (method, scene))).collect();
    let cells = laboratory.with_each_seed(&items, |((label, config), (scene, data)), seed| {
        let name = format!("{}-{}-{seed}", scene.name, label.replace([' ', ','], "-"));
        laboratory.success(&name, &laboratory.sized(config, seed), data, scene)
    })?;
    let row = |((label, _), cells): (&(&str, _), &[Vec<f64>])| Row {
        label: (*label).into(),
        values: cells.iter().map(|cells| Summary::of(cells)).collect(),
    };
    let rows = methods.iter().zip(cells.chunks(SCENES.len())).map(row).collect();
    Ok(Report {
        name: "operators".into(),
        about: format!("{each} demonstrations each of the steady, the hasty and the sloppy operator. Success."),
        columns: SCENES.map(String::from).to_vec(),
        rows,
    })
}
