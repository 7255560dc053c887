//! Curriculum and fixed horizon.

use apprentice::learn::reinforcement::{CurriculumProgress, EpisodeResult, SceneEnv, VecEnvironment};
use apprentice::rollout::{Player, VecEnv, VecEnvOptions, evaluate, evaluation_seeds};
use apprentice::scenes::{find, parse};
use apprentice::tasks::EpisodeEnd;
use apprentice::teleop::Skill;

const OPTIONS: VecEnvOptions = VecEnvOptions { arenas: 4, agents: 1, threads: 1 };

/// A courtyard whose first stage succeeds without moving: the goal is at the agent's start position.
const EASY: &str = "(title: \"t\", agent: Humanoid(), time_limit: 5.0, goal: (at: (0.0, -20.0)),
    task: Reach(radius: 1.0), terms: { \"arrived\": 1.0 },
    curriculum: [(success_threshold: 0.9, goal: (at: (0.0, 0.0))), (success_threshold: 0.5, time_limit: 1.0)])";

#[test]
fn a_stage_is_complete_when_its_success_rate_reaches_the_threshold() {
    let scene = parse("easy", "easy.ron", EASY).unwrap();
    let mut env = SceneEnv::new(&scene, OPTIONS);
    env.reset(1);
    assert_eq!(env.curriculum_progress(), CurriculumProgress { stage: 1, n_stages: 3 });
    let zero_action = vec![0.0; 4 * scene.blueprint.spaces().action.size()];
    let mut ticks = 0;
    while !env.advance_curriculum() {
        env.step(&zero_action);
        ticks += 1;
        assert!(ticks < 400, "an agent at the goal succeeds");
    }
    // 100 episodes in four arenas, each of at least one tick.
    assert!(ticks >= 25, "{ticks} ticks");
    assert_eq!(env.curriculum_progress(), CurriculumProgress { stage: 2, n_stages: 3 });
    assert!(!env.last_step().terminated.contains(&true), "all episodes have just started");
    // Without moving, no agent reaches the goal of the second stage.
    for _ in 0..1000 {
        env.step(&zero_action);
        assert!(!env.advance_curriculum());
    }
    assert_eq!(env.episode_result(0), EpisodeResult { episode_return: 0.0, success: false });
    let mut restored = SceneEnv::new(&scene, OPTIONS);
    assert!(restored.load(&env.save()));
    assert_eq!(restored.curriculum_progress(), CurriculumProgress { stage: 2, n_stages: 3 });
    assert_eq!(restored.last_step().observations, env.last_step().observations);
    // A reset goes back to the first stage.
    env.reset(1);
    assert_eq!(env.curriculum_progress(), CurriculumProgress { stage: 1, n_stages: 3 });
}

#[test]
fn a_fixed_horizon_has_no_curriculum() {
    let scene = parse("easy", "easy.ron", EASY).unwrap();
    assert_eq!(scene.curriculum().len(), 2);
    assert!(scene.with_horizon(30).curriculum().is_empty());
}

#[test]
fn an_invalid_stage_is_rejected_with_its_position() {
    for (from, to, message) in [
        ("success_threshold: 0.9", "success_threshold: 1.5", "success_threshold is 1.5"),
        ("time_limit: 1.0", "time_limit: 0.0", "the curriculum stage is not valid: time_limit"),
        ("time_limit: 1.0", "task: Lap(laps: 1.0)", "must have the same task"),
        ("time_limit: 1.0", "agent: Vehicle()", "the same spaces"),
    ] {
        let error = parse("easy", "easy.ron", &EASY.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with("easy.ron:3:") && error.contains(message), "{error}");
    }
}

#[test]
fn a_random_start_in_a_slalom_counts_only_the_gates_ahead() {
    let stage = &find("slalom").unwrap().curriculum()[0].scene;
    let seeds = evaluation_seeds(4, 40);
    let evaluation = evaluate(stage, Player::Operator(Skill::Steady), &seeds, 1, |_| {}).unwrap();
    let gates = evaluation.results.iter().map(|result| result.terms[1]);
    let (min, max) = gates.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
    assert!(min < 2.0 && max > 6.0, "between {min} and {max} gates were ahead");
    // A few agents start too close to a cone.
    assert!(evaluation.success_rate > 0.6, "{:?}", evaluation.ends);
}

/// Horizon, ticks; the hasty operator reaches the goal sooner.
const HORIZON: u64 = 450;

#[test]
fn with_a_fixed_horizon_all_episodes_have_its_length_and_a_success_remains_one() {
    let scene = find("courtyard").unwrap().with_horizon(HORIZON);
    let mut env = VecEnv::with_player(&scene, OPTIONS, Player::Operator(Skill::Hasty)).unwrap();
    env.reset(&[1, 3, 5, 7]);
    let mut returns = [0.0; 4];
    let mut ticks_after_end = 0;
    for tick in 1..=HORIZON {
        env.step_driven();
        for (row, episode_return) in returns.iter_mut().enumerate() {
            *episode_return += env.last_step().rewards[row];
            let task_ended = env.score(row).is_some_and(|score| score.task_end.is_some());
            if task_ended && tick < HORIZON {
                ticks_after_end += 1;
            }
            assert!(!env.last_step().terminated[row]);
            assert_eq!(env.last_step().truncated[row], tick == HORIZON, "tick {tick}");
        }
    }
    assert!(ticks_after_end > 100, "{ticks_after_end} ticks came after the end of the task");
    for (row, episode_return) in returns.into_iter().enumerate() {
        let finished = env.finished(row);
        assert_eq!((finished.end, finished.ticks), (Some(EpisodeEnd::Success), HORIZON));
        assert!((finished.episode_return() - episode_return).abs() < 1e-3);
    }
    // The returns are those without a horizon.
    let scene = find("courtyard").unwrap();
    let mut variable = VecEnv::with_player(&scene, OPTIONS, Player::Operator(Skill::Hasty)).unwrap();
    variable.reset(&[1, 3, 5, 7]);
    let mut ended = [false; 4];
    while ended.contains(&false) {
        variable.step_driven();
        for (row, ended) in ended.iter_mut().enumerate() {
            if variable.last_step().terminated[row] && !*ended {
                *ended = true;
                assert!((variable.finished(row).episode_return() - env.finished(row).episode_return()).abs() < 1e-3);
            }
        }
    }
}
