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

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let each = laboratory.few(20);
    let mut rows = Vec::new();
    for (label, mut config) in methods() {
        config.training.steps = laboratory.steps(config.training.steps);
        let mut values = Vec::new();
        for scene in SCENES {
            let scene = find(scene)?;
            let data = laboratory.demonstrations(&scene, &Skill::ALL.map(|skill| (skill, each)))?;
            let mut cells = Vec::new();
            for seed in laboratory.seeds() {
                config.training.seed = seed;
                let name = format!("{}-{}-{seed}", scene.name, label.replace([' ', ','], "-"));
                cells.push(laboratory.success(&name, &config, &data, &scene)?);
            }
            values.push(Summary::of(&cells));
        }
        rows.push(Row { label: label.into(), values });
    }
    Ok(Report {
        name: "operators".into(),
        about: format!("{each} demonstrations each of the steady, the hasty and the sloppy operator. Success."),
        columns: SCENES.map(String::from).to_vec(),
        rows,
    })
}
