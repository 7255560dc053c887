//! Seeing by a depth image.

use crate::learn::{LearnerKind, TrainConfig};
use crate::scenes::{find, parse};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
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

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let plain = find("courtyard")?;
    let text = plain.text.replacen("agent:", "camera: (),\n    agent:", 1);
    let scene = parse("courtyard-depth", "the study's courtyard", &text)?;
    let count = laboratory.few(60);
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let methods = methods();
    let cells = laboratory.with_each_seed(&methods, |(label, config), seed| {
        let config = laboratory.sized(config, seed);
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        laboratory.cell(&name, || {
            let policy = laboratory.train(&name, &config, &data)?;
            let evaluation = laboratory.judge(policy, &scene)?;
            let contact = evaluation.terms.iter().position(|term| term.name == "contact").unwrap_or(0);
            let free = evaluation.results.iter().filter(|r| r.success && r.terms[contact] == 0.0).count();
            let free = free as f64 / evaluation.episodes as f64;
            Ok(Numbers::from([("success".into(), evaluation.success_rate), ("free".into(), free)]))
        })
    })?;
    let row = |((label, _), cells): (&(&str, _), &Vec<Numbers>)| Row::of(label, cells, &["success", "free"]);
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "depth".into(),
        about: format!(
            "{count} demonstrations of crossing the courtyard; the posts are seen in a depth image of 32 by 16 pixels, by \
             21 range rays, or not at all. Success, and success without touching a post: one may push past a post, too."
        ),
        columns: vec!["success".into(), "touching nothing".into()],
        rows,
    })
}
