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
    let mut before = Vec::new();
    for seed in laboratory.seeds() {
        before.push(success(laboratory, "bc", &plain, seed, (&scene, &data), sizes)?);
    }
    let mean = |cells: &[Numbers], key: &str| cells.iter().map(|cell| cell[key]).sum::<f64>() / cells.len() as f64;
    // The smallest that halves the success, or the greatest that was tried.
    let halved = 0.5 * mean(&before, "clean");
    let size =
        sizes.iter().copied().find(|size| mean(&before, &key(*size)) <= halved).unwrap_or(sizes[sizes.len() - 1]);
    let mut hardened = plain.clone();
    hardened.adversarial.epsilon = size;
    let mut after = Vec::new();
    for seed in laboratory.seeds() {
        after.push(success(laboratory, "hardened", &hardened, seed, (&scene, &data), &[size])?);
    }
    let row = |label: &str, cells: &[Numbers]| {
        let of = |key: &str| Summary::of(&cells.iter().map(|cell| cell[key]).collect::<Vec<_>>());
        let values = ["clean", "noise", "fgsm"].map(of).into_iter().chain([of(&key(size))]).collect();
        Row { label: label.into(), values }
    };
    Ok(Report {
        name: "attacks".into(),
        about: format!(
            "{count} demonstrations on {SCENE}. Each observed number is moved by at most {size} standard deviations, by \
             chance or along gradients. Success."
        ),
        columns: ["no attack", "noise", "FGSM", "PGD"].map(String::from).to_vec(),
        rows: vec![row("bc", &before), row("bc, adversarially trained", &after)],
    })
}

fn key(size: f32) -> String {
    format!("pgd {size}")
}

fn success(
    laboratory: &mut Laboratory<'_>,
    label: &str,
    config: &TrainConfig,
    seed: u64,
    (scene, data): (&Scene, &TrainingData),
    sizes: &[f32],
) -> Result<Numbers, StudyError> {
    let mut config = config.clone();
    config.training.seed = seed;
    let name = format!("{label}-{seed}");
    laboratory.cell(&name, |laboratory| {
        let policy = laboratory.train(&name, &config, data)?;
        let mut numbers = Numbers::from([("clean".into(), laboratory.judge(policy.clone(), scene)?.success_rate)]);
        for size in sizes {
            let attacked = policy.clone().attacked(AttackKind::Pgd, *size)?;
            numbers.insert(key(*size), laboratory.judge(attacked, scene)?.success_rate);
        }
        let greatest = sizes[sizes.len() - 1];
        for kind in [AttackKind::Noise, AttackKind::Fgsm] {
            let attacked = policy.clone().attacked(kind, greatest)?;
            numbers.insert(kind.name().into(), laboratory.judge(attacked, scene)?.success_rate);
        }
        Ok(numbers)
    })
}
