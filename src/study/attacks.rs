//! Attacks on what a policy sees, and training against them.

use super::{Laboratory, Numbers, Report, Row, StudyError, Summary};
use crate::learn::{LearnerKind, TrainConfig, TrainingData};
use crate::policies::AttackKind;
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

const SCENE: &str = "slalom";
/// Sizes that are tried, in standard deviations.
const SIZES: [f32; 7] = [0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3];

pub(super) fn run(laboratory: &mut Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let count = laboratory.few(40);
    let data = laboratory.demonstrations(&scene, &[(Skill::Steady, count)])?;
    let mut plain = LearnerKind::BehaviourCloning.defaults();
    plain.training.steps = laboratory.steps(plain.training.steps);
    let sizes = if laboratory.is_quick() { &SIZES[..1] } else { &SIZES[..] };
    let mut clean = Vec::new();
    let mut harmed = vec![0.0; sizes.len()];
    for seed in laboratory.seeds() {
        let pgd: Vec<(AttackKind, f32)> = sizes.iter().map(|size| (AttackKind::Pgd, *size)).collect();
        let numbers = success(laboratory, "bc", &plain, seed, (&scene, &data), &pgd)?;
        clean.push(numbers["no attack"]);
        harmed.iter_mut().zip(&pgd).for_each(|(sum, attack)| *sum += numbers[&key(*attack)]);
    }
    // The smallest that halves the success, or the greatest that was tried.
    let halved = 0.5 * clean.iter().sum::<f64>();
    let at = harmed.iter().position(|sum| *sum <= halved).unwrap_or(sizes.len() - 1);
    let size = sizes[at];
    let mut hardened = plain.clone();
    hardened.adversarial.epsilon = size;
    let attacks = [AttackKind::Noise, AttackKind::Fgsm, AttackKind::Pgd].map(|kind| (kind, size));
    let mut rows = Vec::new();
    for (label, name, config) in [("bc", "bc", &plain), ("bc, adversarially trained", "hardened", &hardened)] {
        let mut cells = Vec::new();
        for seed in laboratory.seeds() {
            cells.push(success(laboratory, name, config, seed, (&scene, &data), &attacks)?);
        }
        let of = |key: String| Summary::of(&cells.iter().map(|cell| cell[&key]).collect::<Vec<_>>());
        let values = std::iter::once("no attack".to_owned()).chain(attacks.map(key)).map(of).collect();
        rows.push(Row { label: label.into(), values });
    }
    Ok(Report {
        name: "attacks".into(),
        about: format!(
            "{count} demonstrations on {SCENE}. Each observed number is moved by at most {size} standard deviations, by \
             chance or along gradients. Success."
        ),
        columns: ["no attack", "noise", "FGSM", "PGD"].map(String::from).to_vec(),
        rows,
    })
}

fn key((kind, size): (AttackKind, f32)) -> String {
    format!("{kind} {size}")
}

/// Success unattacked and under each of `attacks`.
fn success(
    laboratory: &mut Laboratory<'_>,
    label: &str,
    config: &TrainConfig,
    seed: u64,
    (scene, data): (&Scene, &TrainingData),
    attacks: &[(AttackKind, f32)],
) -> Result<Numbers, StudyError> {
    let mut config = config.clone();
    config.training.seed = seed;
    let mut numbers = Numbers::new();
    let run = format!("{label}-{seed}");
    for attack in std::iter::once(None).chain(attacks.iter().copied().map(Some)) {
        let name = attack.map_or_else(|| "no attack".to_owned(), key);
        let cell = laboratory.cell(&format!("{run}-{}", name.replace(' ', "-")), |laboratory| {
            let mut policy = laboratory.train(&run, &config, data)?;
            if let Some((kind, size)) = attack {
                policy = policy.attacked(kind, size)?;
            }
            Ok(Numbers::from([("success".into(), laboratory.judge(policy, scene)?.success_rate)]))
        })?;
        numbers.insert(name, cell["success"]);
    }
    Ok(numbers)
}
