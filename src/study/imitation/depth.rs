//! Depth images as observations.

use crate::learn::{DataConfig, TrainConfig, defaults};
use crate::scenes::{find, parse};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let without = |excluded: &[&str]| {
        let mut config = defaults("bc");
        config.get_mut::<DataConfig>().exclude = excluded.iter().map(ToString::to_string).collect();
        config
    };
    vec![
        ("proprioception and depth image", without(&["range", "ground", "object*"])),
        ("proprioception and range rays", without(&["depth", "ground", "object*"])),
        ("proprioception only", without(&["depth", "range", "ground", "object*"])),
    ]
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let plain = find("courtyard")?;
    let text = plain.text.replacen("agent:", "camera: (),\n    agent:", 1);
    let scene = parse("courtyard-depth", "the study's courtyard", &text)?;
    let count = runner.scaled_count(60);
    let data = runner.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let methods = methods();
    let cells = runner.with_each_seed(&methods, |(label, config), seed| {
        let config = runner.scaled_config(config, seed);
        let name = format!("{}-{seed}", label.replace(' ', "-"));
        runner.cell(&name, || {
            let policy = runner.train_on_dataset(&name, &config, &data)?;
            let evaluation = runner.evaluate(policy, &scene)?;
            let contact = evaluation.terms.iter().position(|term| term.name == "contact").unwrap_or(0);
            let collision_free = evaluation.results.iter().filter(|r| r.success && r.terms[contact] == 0.0).count();
            let collision_free = collision_free as f64 / evaluation.episodes as f64;
            Ok(CellMetrics::from([
                ("success".into(), evaluation.success_rate),
                ("collision_free".into(), collision_free),
            ]))
        })
    })?;
    let row = |((label, _), cells): (&(&str, _), &Vec<CellMetrics>)| {
        Row::from_cells(label, cells, &["success", "collision_free"])
    };
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "depth".into(),
        about: format!(
            "{count} demonstrations of crossing the courtyard; the posts are observed by a depth image of 32 x 16 pixels, by 21 \
             range rays, or not at all. Success rate, and the fraction of episodes that succeed without contact: touching a \
             post is not a failure."
        ),
        columns: vec!["success rate".into(), "success without contact".into()],
        rows,
    })
}
