//! Few demonstrations: what keeps a policy from memorizing them.

use crate::learn::{DataConfig, TrainConfig, defaults};
use crate::scenes::find;
use crate::study::{Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const SCENES: [&str; 5] = ["fork", "slalom", "parking", "crates", "circuit"];

/// Numbers of demonstrations.
const COUNTS: [usize; 3] = [3, 8, 20];

fn methods() -> Vec<(&'static str, TrainConfig)> {
    let config = |change: fn(&mut TrainConfig)| {
        let mut config = defaults("bc");
        change(&mut config);
        config
    };
    vec![
        ("defaults", config(|_| {})),
        ("early stopping", config(|c| c.training.select_after = 0.0)),
        ("no validation episode", config(|c| c.get_mut::<DataConfig>().validation_fraction = 0.0)),
        ("weight decay 1", config(|c| c.optimizer.weight_decay = 1.0)),
        ("averaged weights", config(|c| c.optimizer.ema_decay = 0.999)),
        ("two layers of 64", config(|c| c.network.hidden_sizes = vec![64, 64])),
        ("two layers of 512", config(|c| c.network.hidden_sizes = vec![512, 512])),
        ("observation noise 0.1", config(|c| c.get_mut::<DataConfig>().observation_noise_std = 0.1)),
    ]
}

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let mut tasks = Vec::new();
    for count in COUNTS.map(|count| runner.scaled_count(count)) {
        for name in SCENES {
            let scene = find(name)?;
            // The hasty operator is the most like a person: keys pressed late, and released late.
            let data = runner.demonstrations(&scene, &[(Skill::Hasty, count)])?;
            tasks.push((scene, count, data));
        }
    }
    let methods = methods();
    let items: Vec<_> = methods.iter().flat_map(|method| tasks.iter().map(move |task| (method, task))).collect();
    let cells = runner.with_each_seed(&items, |((label, config), (scene, count, data)), seed| {
        let name = format!("{}-{count}-{}-{seed}", scene.name, label.replace(' ', "-"));
        runner.success_rate(&name, &runner.scaled_config(config, seed), data, scene)
    })?;
    let rows = methods.iter().zip(cells.chunks(tasks.len())).map(|((label, _), cells)| {
        let by_count: Vec<Vec<f64>> = cells.chunks(SCENES.len()).map(<[Vec<f64>]>::concat).collect();
        Row::from_values(label, &by_count)
    });
    Ok(Report {
        name: "small-data".into(),
        about: format!(
            "Few demonstrations of the hasty operator, in {}. Columns: number of demonstrations. Success rate: mean and range \
             over the scenes and training seeds.",
            SCENES.join(", ")
        ),
        rows: rows.collect(),
        columns: tasks.chunks(SCENES.len()).map(|tasks| tasks[0].1.to_string()).collect(),
    })
}
