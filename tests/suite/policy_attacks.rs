//! Attacks move what a policy sees, never farther than they may, and where it decides most differently.

use apprentice::learn::{RunOptions, train};
use apprentice::policies::{AttackKind, Policy};

use super::learn_common::{Numbers, config, data};

/// Numbers that are seen.
const SEEN: usize = 12;

/// See one of the two things, and say which.
fn see(seen: &mut [f32], chance: &mut Numbers) -> f32 {
    let which = chance.next().signum();
    seen.fill_with(|| 0.5 * which + 0.7 * chance.normal());
    seen[0] = 2.0 * which + 0.5 * chance.normal();
    which
}

fn policy(changes: &[&str]) -> (tempfile::TempDir, Policy) {
    let dir = tempfile::tempdir().unwrap();
    // Which of two things it is shows clearly in the first number, and a little in each of the others.
    let mut data = data(10, 100, (SEEN, 2), |_, _| {});
    let mut chance = Numbers(31);
    for (o, a) in data.observations.chunks_exact_mut(SEEN).zip(data.actions.chunks_exact_mut(2)) {
        a.fill(see(o, &mut chance));
    }
    let changes: Vec<&str> =
        ["training.steps=600", "optimizer.learning_rate=5e-3"].into_iter().chain(changes.iter().copied()).collect();
    let summary = train(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    (dir, policy)
}

fn rows() -> Vec<f32> {
    let mut chance = Numbers(11);
    let mut rows = vec![0.0; 200 * SEEN];
    rows.chunks_exact_mut(SEEN).for_each(|row| {
        see(row, &mut chance);
    });
    rows
}

fn act(policy: &mut Policy) -> Vec<f32> {
    let rows = rows();
    let mut actions = vec![0.0; 2 * rows.len() / SEEN];
    policy.act(&rows, &mut [], &mut actions);
    actions
}

/// Mean squared difference from what the policy does unattacked.
fn harm(policy: &Policy, kind: AttackKind, epsilon: f32) -> f32 {
    let clean = act(&mut policy.clone());
    let attacked = act(&mut policy.clone().attacked(kind, epsilon).unwrap());
    clean.iter().zip(&attacked).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / clean.len() as f32
}

#[test]
fn gradients_hurt_more_than_chance() {
    let (_dir, policy) = policy(&[]);
    let [noise, fgsm, pgd] = [AttackKind::Noise, AttackKind::Fgsm, AttackKind::Pgd].map(|k| harm(&policy, k, 0.3));
    assert!(pgd >= 0.999 * fgsm && fgsm > 1.2 * noise, "noise {noise}, fgsm {fgsm}, pgd {pgd}");
    let small = harm(&policy, AttackKind::Pgd, 0.01);
    assert!(small < 0.05 * pgd, "{small} at a thirtieth of the size, {pgd}");
}

#[test]
fn an_attack_depends_on_nothing_but_the_observation() {
    let (_dir, policy) = policy(&[]);
    let mut attacked = policy.attacked(AttackKind::Pgd, 0.2).unwrap();
    let all = act(&mut attacked);
    let rows = rows();
    for i in [0, 7, 150] {
        let mut one = [0.0; 2];
        attacked.act(&rows[SEEN * i..SEEN * (i + 1)], &mut [], &mut one);
        assert!(one.iter().zip(&all[2 * i..]).all(|(a, b)| (a - b).abs() < 1e-4), "row {i}: {one:?}");
    }
}

#[test]
fn what_has_no_gradient_is_refused_by_its_reason() {
    for (changes, why) in [
        (["head.kind=categorical", "head.bins=5"], "no gradient"),
        (["head.kind=mixture", "head.components=2"], "by chance"),
        (["network.history=3", "head.chunk=1"], "remembers"),
    ] {
        let (_dir, policy) = policy(&changes);
        let error = policy.clone().attacked(AttackKind::Fgsm, 0.1).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("use noise"), "{error}");
        policy.attacked(AttackKind::Noise, 0.1).unwrap();
    }
    let (_dir, policy) = policy(&[]);
    let error = policy.attacked(AttackKind::Pgd, 0.0).unwrap_err().to_string();
    assert!(error.contains("epsilon is 0"), "{error}");
}

#[test]
fn adversarial_training_makes_attacks_hurt_less() {
    let (_dir, plain) = policy(&[]);
    let (_dir, hardened) = policy(&["adversarial.epsilon=0.3"]);
    let [before, after] = [&plain, &hardened].map(|p| harm(p, AttackKind::Pgd, 0.3));
    assert!(after < 0.7 * before, "{after} after, {before} before");
}

#[test]
fn a_gaussian_policy_is_attacked_as_fast_after_hundreds_of_ticks() {
    let (_dir, policy) = policy(&["head.kind=gaussian"]);
    let mut attacked = policy.attacked(AttackKind::Pgd, 0.3).unwrap();
    let row = &rows()[..SEEN];
    let mut time = |ticks: usize| {
        let begun = std::time::Instant::now();
        (0..ticks).for_each(|_| attacked.act(row, &mut [], &mut [0.0; 2]));
        begun.elapsed().as_secs_f64()
    };
    let first = time(100);
    time(400);
    // What is left of earlier gradients once made it a hundred times slower.
    let later = time(100);
    assert!(later < 5.0 * first + 0.1, "100 ticks took {first} s at first, {later} s later");
}
