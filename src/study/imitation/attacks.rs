//! Adversarial attacks on a policy's observations, and adversarial training.

use crate::learn::{AdversarialConfig, TrainConfig, TrainingData, defaults};
use crate::policies::AttackKind;
use crate::scenes::{Scene, find};
use crate::study::{CellMetrics, Report, Row, StudyError, StudyRunner};
use crate::teleop::Skill;

const SCENE: &str = "slalom";
/// Perturbation sizes (epsilon), in standard deviations.
const EPSILONS: [f32; 7] = [0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3];
const UNATTACKED: &str = "no attack";

pub(super) fn run(runner: &StudyRunner<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let count = runner.scaled_count(40);
    let data = runner.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let plain = defaults("bc");
    let epsilons = if runner.is_quick() { &EPSILONS[..1] } else { &EPSILONS[..] };
    let pgd: Vec<(AttackKind, f32)> = epsilons.iter().map(|epsilon| (AttackKind::Pgd, *epsilon)).collect();
    let pgd_cells = runner.with_each_seed(&[()], |(), seed| {
        success_rates(runner, "bc", &runner.scaled_config(&plain, seed), &scene, &data, &pgd)
    })?;
    let total = |key: &str| pgd_cells[0].iter().map(|metrics| metrics[key]).sum::<f64>();
    // The smallest epsilon that halves the success rate, or the largest one.
    let halves = |attack: &&(AttackKind, f32)| total(&key(**attack)) <= 0.5 * total(UNATTACKED);
    let (_, epsilon) = *pgd.iter().find(halves).unwrap_or(&pgd[pgd.len() - 1]);
    let mut hardened = plain.clone();
    hardened.get_mut::<AdversarialConfig>().epsilon = epsilon;
    let attacks = [AttackKind::Noise, AttackKind::Fgsm, AttackKind::Pgd].map(|kind| (kind, epsilon));
    let methods = [("bc", "bc", plain), ("bc, adversarially trained", "hardened", hardened)];
    let cells = runner.with_each_seed(&methods, |(_, name, config), seed| {
        success_rates(runner, name, &runner.scaled_config(config, seed), &scene, &data, &attacks)
    })?;
    let keys = attacks.map(key);
    let keys: Vec<&str> = std::iter::once(UNATTACKED).chain(keys.iter().map(String::as_str)).collect();
    let row = |((label, ..), cells): (&(&str, _, _), &Vec<CellMetrics>)| Row::from_cells(label, cells, &keys);
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "attacks".into(),
        about: format!(
            "{count} demonstrations on {SCENE}. Each observation value is perturbed by at most {epsilon} standard deviations, \
             by random noise or along gradients. Success rate."
        ),
        columns: [UNATTACKED, "noise", "FGSM", "PGD"].map(String::from).to_vec(),
        rows,
    })
}

fn key((kind, epsilon): (AttackKind, f32)) -> String {
    format!("{kind} {epsilon}")
}

/// Success rates without attack and under each of `attacks`.
fn success_rates(
    runner: &StudyRunner<'_>,
    label: &str,
    config: &TrainConfig,
    scene: &Scene,
    data: &TrainingData,
    attacks: &[(AttackKind, f32)],
) -> Result<CellMetrics, StudyError> {
    let mut metrics = CellMetrics::new();
    let run = format!("{label}-{}", config.training.seed);
    for attack in std::iter::once(None).chain(attacks.iter().copied().map(Some)) {
        let name = attack.map_or_else(|| UNATTACKED.to_owned(), key);
        let cell = runner.cell(&format!("{run}-{}", name.replace(' ', "-")), || {
            let mut policy = runner.train_on_dataset(&run, config, data)?;
            if let Some((kind, epsilon)) = attack {
                policy = policy.with_attack(kind, epsilon)?;
            }
            Ok(CellMetrics::from([("success".into(), runner.evaluate(policy, scene)?.success_rate)]))
        })?;
        metrics.insert(name, cell["success"]);
    }
    Ok(metrics)
}
