//! Lessons and horizons.

use apprentice::learn::rl::{Arenas, Environment};
use apprentice::rollout::{Player, VecEnv, VecEnvOptions, evaluate, evaluation_seeds};
use apprentice::scenes::{find, parse};
use apprentice::tasks::End;
use apprentice::teleop::Skill;

const OPTIONS: VecEnvOptions = VecEnvOptions { arenas: 4, agents: 1, threads: 1 };

/// A courtyard whose first lesson is done by standing still: the goal is where the agent begins.
const EASY: &str = "(title: \"t\", agent: Humanoid(), time_limit: 5.0, goal: (at: (0.0, -20.0)),
    task: Reach(radius: 1.0), terms: { \"arrived\": 1.0 },
    lessons: [(until: 0.9, goal: (at: (0.0, 0.0))), (until: 0.5, time_limit: 1.0)])";

#[test]
fn a_lesson_is_over_when_enough_of_it_succeeds_and_not_before() {
    let scene = parse("easy", "easy.ron", EASY).unwrap();
    let mut arenas = Arenas::new(&scene, OPTIONS);
    arenas.begin(1);
    assert_eq!(arenas.lesson(), (1, 3));
    let still = vec![0.0; 4 * scene.blueprint.spaces().action.size()];
    let mut ticks = 0;
    while !arenas.advance() {
        arenas.step(&still);
        ticks += 1;
        assert!(ticks < 400, "standing at the goal is a success");
    }
    // A hundred episodes of four arenas, each at least a tick.
    assert!(ticks >= 25, "{ticks} ticks");
    assert_eq!(arenas.lesson(), (2, 3));
    assert!(!arenas.last().terminated.contains(&true), "all episodes have just begun");
    // Nobody gets to the farther goal by standing still, however long it tries.
    for _ in 0..1000 {
        arenas.step(&still);
        assert!(!arenas.advance());
    }
    assert_eq!(arenas.outcome(0), (0.0, false));
    let mut again = Arenas::new(&scene, OPTIONS);
    assert!(again.load(&arenas.save()));
    assert_eq!(again.lesson(), (2, 3));
    assert_eq!(again.last().observations, arenas.last().observations);
    // Anew, from the first lesson.
    arenas.begin(1);
    assert_eq!(arenas.lesson(), (1, 3));
}

#[test]
fn who_imitates_has_no_lessons() {
    let scene = parse("easy", "easy.ron", EASY).unwrap();
    assert_eq!(scene.lessons().len(), 2);
    assert!(scene.with_horizon(30).lessons().is_empty());
}

#[test]
fn an_impossible_lesson_is_refused_where_it_stands() {
    for (from, to, wanted) in [
        ("until: 0.9", "until: 1.5", "until is 1.5"),
        ("time_limit: 1.0", "time_limit: 0.0", "the lesson is not possible: time_limit"),
        ("time_limit: 1.0", "task: Lap(laps: 1.0)", "another task"),
        ("time_limit: 1.0", "agent: Vehicle()", "another agent"),
    ] {
        let error = parse("easy", "easy.ron", &EASY.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with("easy.ron:3:") && error.contains(wanted), "{error}");
    }
}

#[test]
fn who_begins_anywhere_in_a_slalom_has_passed_the_gates_behind() {
    let lesson = &find("slalom").unwrap().lessons()[0].1;
    let seeds = evaluation_seeds(4, 40);
    let evaluation = evaluate(lesson, Player::Operator(Skill::Steady), &seeds, 1, |_| {}).unwrap();
    let gates = evaluation.results.iter().map(|result| result.terms[1]);
    let (least, most) = gates.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
    assert!(least < 2.0 && most > 6.0, "between {least} and {most} gates were left to pass");
    // A few begin too close beside a cone.
    assert!(evaluation.success_rate > 0.6, "{:?}", evaluation.ends);
}

/// Ticks; the hasty operator needs fewer.
const HORIZON: u64 = 450;

#[test]
fn with_a_horizon_every_episode_lasts_as_long_and_what_was_done_stays_done() {
    let scene = find("courtyard").unwrap().with_horizon(HORIZON);
    let mut env = VecEnv::played(&scene, OPTIONS, Player::Operator(Skill::Hasty)).unwrap();
    env.reset(&[1, 3, 5, 7]);
    let mut totals = [0.0; 4];
    let mut after = 0;
    for tick in 1..=HORIZON {
        env.step_driven();
        for (row, total) in totals.iter_mut().enumerate() {
            *total += env.last_step().rewards[row];
            let decided = env.score(row).is_some_and(|score| score.decided.is_some());
            if decided && tick < HORIZON {
                after += 1;
            }
            assert!(!env.last_step().terminated[row]);
            assert_eq!(env.last_step().truncated[row], tick == HORIZON, "tick {tick}");
        }
    }
    assert!(after > 100, "{after} ticks came after the goal");
    for (row, total) in totals.into_iter().enumerate() {
        let finished = env.finished(row);
        assert_eq!((finished.end, finished.ticks), (Some(End::Success), HORIZON));
        assert!((finished.total() - total).abs() < 1e-3);
    }
    // The same as without a horizon.
    let free = find("courtyard").unwrap();
    let mut free = VecEnv::played(&free, OPTIONS, Player::Operator(Skill::Hasty)).unwrap();
    free.reset(&[1, 3, 5, 7]);
    let mut ended = [false; 4];
    while ended.contains(&false) {
        free.step_driven();
        for (row, ended) in ended.iter_mut().enumerate() {
            if free.last_step().terminated[row] && !*ended {
                *ended = true;
                assert!((free.finished(row).total() - env.finished(row).total()).abs() < 1e-3);
            }
        }
    }
}
