//! The scripted operators do their tasks, by keys alone, and their skills differ.

use apprentice::rollout::{Player, evaluate, evaluation_seeds};
use apprentice::scenes::{builtin_names, find};
use apprentice::teleop::Skill;

#[test]
fn steady_does_every_task() {
    for name in builtin_names() {
        let scene = find(name).expect("a scene");
        let result = evaluate(&scene, Player::Operator(Skill::Steady), &evaluation_seeds(5, 30), 0, |_| {})
            .expect("an operator fits its scene");
        println!("{name}: steady {:.0} % in {:.1} s", 100.0 * result.success_rate, result.seconds_mean);
        assert!(result.success_rate >= 0.95, "{name}: {:?}", result.ends);
    }
}

#[test]
fn chance_does_no_task() {
    for name in ["circuit", "slalom", "parking", "crates"] {
        let scene = find(name).expect("a scene");
        let result = evaluate(&scene, Player::Random, &evaluation_seeds(5, 10), 0, |_| {}).expect("random fits");
        assert!(result.success_rate <= 0.1, "{name}: random actions succeed in {:?}", result.ends);
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let scene = find("slalom").expect("a scene");
    let seeds = evaluation_seeds(1, 20);
    let one = evaluate(&scene, Player::Operator(Skill::Hasty), &seeds, 1, |_| {}).expect("one thread");
    let two = evaluate(&scene, Player::Operator(Skill::Hasty), &seeds, 2, |_| {}).expect("two threads");
    assert_eq!(one, two);
}

#[test]
fn sloppy_is_worse_than_steady() {
    let scene = find("slalom").expect("a scene");
    let seeds = evaluation_seeds(2, 40);
    let score = |skill| evaluate(&scene, Player::Operator(skill), &seeds, 0, |_| {}).expect("an operator").return_mean;
    let (steady, sloppy) = (score(Skill::Steady), score(Skill::Sloppy));
    assert!(steady > sloppy, "steady {steady}, sloppy {sloppy}");
}
