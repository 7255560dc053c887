//! Seeing by a depth image.

use super::{Laboratory, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, TrainConfig};
use crate::scenes::{find, parse};
use crate::teleop::Skill;

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let of = |hidden: &[&str]| {
        let mut config = LearnerKind::BehaviourCloning.defaults();
        config.data.hide = hidden.iter().map(ToString::to_string).collect();
        config
    };
    vec![
        ("depth image and body", of(&["range", "ground", "object*"])),
        ("range rays and body", of(&["depth", "ground", "object*"])),
        ("body alone", of(&["depth", "range", "ground", "object*"])),
    ]
}

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let plain = find("courtyard")?;
    let text = plain.text.replacen("agent:", "camera: (),\n    agent:", 1);
    let scene = parse("courtyard-depth", "the study's courtyard", &text)?;
    let count = laboratory.few(60);
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let mut rows = Vec::new();
    for (label, mut config) in methods() {
        config.training.steps = laboratory.steps(config.training.steps);
        let mut cells = Vec::new();
        for seed in laboratory.seeds() {
            config.training.seed = seed;
            let name = format!("{}-{seed}", label.replace(' ', "-"));
            cells.push(laboratory.success(&name, &config, &data, &scene)?);
        }
        rows.push(Row { label: label.into(), values: vec![Summary::of(&cells)] });
    }
    Ok(Report {
        name: "depth".into(),
        about: format!(
            "{count} demonstrations of crossing the courtyard; the posts are seen in a depth image of 32 by 16 pixels, by \
             21 range rays, or not at all. Success."
        ),
        columns: vec!["success".into()],
        rows,
    })
}
