//! Demonstrations of mixed quality.

use crate::learn::{DataConfig, QualityUse, TrainConfig, defaults};
use crate::policies::NetworkKind;
use crate::scenes::find;
use crate::study::{Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const SCENES: [&str; 3] = ["slalom", "courtyard", "crates"];

/// Demonstrations per operator: few, where quality matters most, and many.
const PER_OPERATOR: [usize; 2] = [4, 20];

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let config = |change: fn(&mut TrainConfig)| {
        let mut config = defaults("bc");
        change(&mut config);
        config
    };
    vec![
        ("mlp", config(|_| {})),
        ("mlp, weighted by quality", config(|c| c.get_mut::<DataConfig>().quality = QualityUse::Weight)),
        ("mlp, filtered by quality", config(|c| c.get_mut::<DataConfig>().quality = QualityUse::Filter)),
        ("mlp over 8 ticks", config(|c| c.network.n_obs_steps = 8)),
        (
            "mlp over 8 ticks, weighted by quality",
            config(|c| {
                c.network.n_obs_steps = 8;
                c.get_mut::<DataConfig>().quality = QualityUse::Weight;
            }),
        ),
        (
            "gru",
            config(|c| {
                c.network.kind = NetworkKind::GRU;
                c.network.n_obs_steps = 16;
                c.training.batch_size = 1024;
                c.training.steps = 3_000;
                c.optimizer.learning_rate = 1e-3;
            }),
        ),
    ]
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let mut tasks = Vec::new();
    for each in PER_OPERATOR.map(|count| runner.scaled_count(count)) {
        for name in SCENES {
            let scene = find(name)?;
            let data = runner.demonstrations(&scene, &Skill::ALL.map(|skill| (skill, each)))?;
            tasks.push((scene, each * Skill::ALL.len(), data));
        }
    }
    let methods = methods();
    let items: Vec<_> = methods.iter().flat_map(|method| tasks.iter().map(move |task| (method, task))).collect();
    let cells = runner.with_each_seed(&items, |((label, config), (scene, count, data)), seed| {
        let name = format!("{}-{count}-{}-{seed}", scene.name, label.replace([' ', ','], "-"));
        runner.success_rate(&name, &runner.scaled_config(config, seed), data, scene)
    })?;
    let rows = methods.iter().zip(cells.chunks(tasks.len())).map(|((label, _), cells)| Row::from_values(label, cells));
    Ok(Report {
        name: "operators".into(),
        about: "Demonstrations of the steady, hasty and sloppy operators in equal parts. Columns: number of demonstrations and scene. \
                Success rate."
            .into(),
        rows: rows.collect(),
        columns: tasks.iter().map(|(scene, count, _)| format!("{count}, {}", scene.name)).collect(),
    })
}
