//! Attacks on what a policy sees, and training against them.

use crate::learn::{LearnerKind, TrainConfig, TrainingData};
use crate::policies::AttackKind;
use crate::scenes::{Scene, find};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};
use crate::teleop::Skill;

const SCENE: &str = "slalom";
/// Sizes that are tried, in standard deviations.
const SIZES: [f32; 7] = [0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3];
const UNATTACKED: &str = "no attack";

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let count = laboratory.few(40);
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let plain = LearnerKind::BehaviourCloning.defaults();
    let sizes = if laboratory.is_quick() { &SIZES[..1] } else { &SIZES[..] };
    let pgd: Vec<(AttackKind, f32)> = sizes.iter().map(|size| (AttackKind::Pgd, *size)).collect();
    let tried = laboratory.with_each_seed(&[()], |(), seed| {
        success(laboratory, "bc", &laboratory.sized(&plain, seed), (&scene, &data), &pgd)
    })?;
    let total = |key: &str| tried[0].iter().map(|numbers| numbers[key]).sum::<f64>();
    // The smallest that halves the success, or the greatest that was tried.
    let halves = |attack: &&(AttackKind, f32)| total(&key(**attack)) <= 0.5 * total(UNATTACKED);
    let (_, size) = *pgd.iter().find(halves).unwrap_or(&pgd[pgd.len() - 1]);
    let mut hardened = plain.clone();
    hardened.adversarial.epsilon = size;
    let attacks = [AttackKind::Noise, AttackKind::Fgsm, AttackKind::Pgd].map(|kind| (kind, size));
    let methods = [("bc", "bc", plain), ("bc, adversarially trained", "hardened", hardened)];
    let cells = laboratory.with_each_seed(&methods, |(_, name, config), seed| {
        success(laboratory, name, &laboratory.sized(config, seed), (&scene, &data), &attacks)
    })?;
    let keys = attacks.map(key);
    let keys: Vec<&str> = std::iter::once(UNATTACKED).chain(keys.iter().map(String::as_str)).collect();
    let row = |((label, ..), cells): (&(&str, _, _), &Vec<Numbers>)| Row::of(label, cells, &keys);
    let rows = methods.iter().zip(&cells).map(row).collect();
    Ok(Report {
        name: "attacks".into(),
        about: format!(
            "{count} demonstrations on {SCENE}. Each observed number is moved by at most {size} standard deviations, by \
             chance or along gradients. Success."
        ),
        columns: [UNATTACKED, "noise", "FGSM", "PGD"].map(String::from).to_vec(),
        rows,
    })
}

fn key((kind, size): (AttackKind, f32)) -> String {
    format!("{kind} {size}")
}

/// Success unattacked and under each of `attacks`.
fn success(
    laboratory: &Laboratory<'_>,
    label: &str,
    config: &TrainConfig,
    (scene, data): (&Scene, &TrainingData),
    attacks: &[(AttackKind, f32)],
) -> Result<Numbers, StudyError> {
    let mut numbers = Numbers::new();
    let run = format!("{label}-{}", config.training.seed);
    for attack in std::iter::once(None).chain(attacks.iter().copied().map(Some)) {
        let name = attack.map_or_else(|| UNATTACKED.to_owned(), key);
        let cell = laboratory.cell(&format!("{run}-{}", name.replace(' ', "-")), || {
            let mut policy = laboratory.train(&run, config, data)?;
            if let Some((kind, size)) = attack {
                policy = policy.attacked(kind, size)?;
            }
            Ok(Numbers::from([("success".into(), laboratory.judge(policy, scene)?.success_rate)]))
        })?;
        numbers.insert(name, cell["success"]);
    }
    Ok(numbers)
}
