//! The game of tag, and self-play of its two sides.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::reinforcement::VecEnvironment;
use apprentice::learn::self_play::{Games, SelfPlay, elo_ratings, train_self_play};
use apprentice::learn::{RunOptions, TrainConfig, defaults};
use apprentice::rollout::{Player, VecEnv, VecEnvOptions, evaluate_side, evaluation_seeds};
use apprentice::scenes::{find, parse};
use apprentice::tasks::EpisodeEnd;
use apprentice::teleop::Skill;
use burn::tensor::Device;

use crate::cli::commands::run;
use crate::testing::rl::StopAfter;

/// Two cars that start close together on an open field.
const FIELD: &str = "(title: \"t\", agent: Vehicle(), time_limit: 2.0, start: (spread: (0.5, 9.0), turn: 5.0),
    task: Tag(radius: 4.5, apart: 6.0),
    terms: { \"gap\": 0.1, \"contact\": -0.1, \"caught\": 10.0, \"escaped\": 10.0 })";

fn small() -> TrainConfig {
    let changes = [
        "ppo.n_envs=4",
        "ppo.n_steps=20",
        "training.batch_size=40",
        "training.steps=6",
        "training.save_freq=1",
        "training.log_freq=1",
        "self_play.snapshot_interval=2",
        "self_play.n_rating_games=2",
    ];
    defaults("self-play").changed(None, &changes.map(String::from)).unwrap()
}

#[test]
fn rewards_and_results_of_the_two_sides_are_opposite() {
    let scene = parse("field", "field.ron", FIELD).unwrap();
    let mut env = VecEnv::new(&scene, VecEnvOptions { arenas: 8, agents: 1, threads: 1 });
    assert_eq!((env.rows(), env.agents_per_arena()), (16, 2));
    let spaces = scene.blueprint.spaces();
    let at = |name: &str| spaces.observation.range(name).unwrap().start;
    let (chasing, forward, left) = (at("chasing"), at("rival_forward"), at("rival_left"));
    let obs_dim = env.observation_size();
    let seeds = evaluation_seeds(1, 8);
    let first = env.reset(&seeds).to_vec();
    for pair in first.chunks_exact(2 * obs_dim) {
        let (chaser, runner) = pair.split_at(obs_dim);
        assert_eq!((chaser[chasing], runner[chasing]), (1.0, 0.0));
        let distance = |observation: &[f32]| bevy::math::ops::hypot(observation[forward], observation[left]);
        assert!(
            (distance(chaser) - distance(runner)).abs() < 1e-3 && distance(chaser) >= 6.0,
            "{} m",
            distance(chaser)
        );
    }
    let mut ends = Vec::new();
    for tick in 0..200 {
        // Chasers drive straight ahead, runners stand still.
        let mut actions = vec![0.0; 16 * 4];
        actions.chunks_exact_mut(8).for_each(|pair| pair[1] = 1.0);
        let step = env.step(&actions);
        for (arena, pair) in step.rewards.chunks_exact(2).enumerate() {
            assert!((pair[0] + pair[1]).abs() < 1e-4, "tick {tick}, arena {arena}: {pair:?}");
        }
        for arena in 0..8 {
            let step = env.last_step();
            assert_eq!(step.terminated[2 * arena], step.terminated[2 * arena + 1]);
            assert!(!step.truncated[2 * arena], "the time limit terminates the game");
            if step.terminated[2 * arena] {
                let end = |row: usize| env.finished(row).end.unwrap();
                ends.push(end(2 * arena));
                match end(2 * arena) {
                    EpisodeEnd::Success => assert_eq!(end(2 * arena + 1), EpisodeEnd::Failure("caught")),
                    end_of_chaser => {
                        assert_eq!(end_of_chaser, EpisodeEnd::Failure("escaped"));
                        assert_eq!(end(2 * arena + 1), EpisodeEnd::Success);
                    }
                }
            }
        }
    }
    assert!(ends.contains(&EpisodeEnd::Success) && ends.contains(&EpisodeEnd::Failure("escaped")), "{ends:?}");
}

#[test]
fn operators_win_some_games_and_beat_random_actions() {
    for name in ["tag", "playground"] {
        let scene = find(name).unwrap();
        let seeds = evaluation_seeds(3, 40);
        let catch_rate = |chaser: Player, runner: Player| {
            evaluate_side(&scene, vec![chaser, runner], 0, &seeds, 0, |_| {}).unwrap().success_rate
        };
        let steady = || Player::Operator(Skill::Steady);
        let even = catch_rate(steady(), steady());
        assert!((0.02..=0.98).contains(&even), "{name}: {even}");
        assert!(catch_rate(steady(), Player::Random) >= 0.9, "{name}: random runners are caught");
        assert!(catch_rate(Player::Random, steady()) <= 0.1, "{name}: random chasers catch almost no runner");
    }
}

#[test]
fn elo_ratings_recover_the_ratings_that_generated_the_games() {
    let first = [800.0, 1000.0, 1150.0, 1300.0];
    let second = [900.0, 1050.0, 1200.0, 1500.0];
    let games = 100_000u32;
    let won: Vec<Vec<u32>> = first
        .iter()
        .map(|a: &f64| second.iter().map(|b| (f64::from(games) / (1.0 + 10f64.powf((b - a) / 400.0))) as u32).collect())
        .collect();
    let (fitted, fitted_second) = elo_ratings(&won, games);
    // Games determine only rating differences; the prior games against a player of 1000 determine the common shift.
    let shift = fitted[0] - first[0];
    let expected = |rating: &f64| 1.0 / (1.0 + 10f64.powf((1000.0 - rating) / 400.0));
    let prior_wins: f64 = fitted.iter().chain(&fitted_second).map(expected).sum();
    assert!((prior_wins - 4.0).abs() < 1e-3, "half of the prior games are won: {prior_wins} of 8");
    for (fitted, rating) in fitted.iter().zip(first).chain(fitted_second.iter().zip(second)) {
        assert!((fitted - shift - rating).abs() < 2.0, "{fitted} for {rating}, shift {shift}");
    }
    let (best, worst) = elo_ratings(&[vec![20]], 20);
    assert!(best[0].is_finite() && best[0] > worst[0] + 200.0, "{best:?} {worst:?}");
    assert_eq!(elo_ratings(&[], 20), (vec![], vec![]));
}

/// Path and content of each file in a folder.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            out.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            out.push((name, std::fs::read(&path).unwrap()));
        }
    }
    out.sort();
    out
}

#[test]
fn a_resumed_run_is_bit_identical_including_its_pool() {
    let dir = tempfile::tempdir().unwrap();
    // Games of one second, so that each side plays several opponents.
    let scene = parse("field", "field.ron", &FIELD.replace("time_limit: 2.0", "time_limit: 1.0")).unwrap();
    let config = small();
    let uninterrupted = RunOptions::new(dir.path().join("uninterrupted"));
    train_self_play(&config, &scene, 2, &uninterrupted, &mut ()).unwrap();
    let last = |options: &RunOptions| files(&options.dir.join("last"));
    for stop in [1, 3, 4] {
        let mut resumed = RunOptions::new(dir.path().join(format!("stopped after {stop}")));
        train_self_play(&config, &scene, 1, &resumed, &mut StopAfter(stop, Arc::clone(&resumed.stop))).unwrap();
        assert_ne!(last(&uninterrupted), last(&resumed), "the run was not stopped");
        resumed = RunOptions { resume: true, stop: Arc::default(), ..resumed };
        train_self_play(&config, &scene, 2, &resumed, &mut ()).unwrap();
        assert_eq!(last(&uninterrupted).len(), last(&resumed).len());
        for ((name, one), (other_name, other)) in last(&uninterrupted).iter().zip(&last(&resumed)) {
            assert!(name == other_name && one == other, "stopped after {stop}: {name} differs");
        }
    }
    let games = Games::load(&uninterrupted.dir).unwrap();
    assert_eq!(games.updates, [0, 2, 4, 6]);
    assert_eq!(games.sides, ["chaser", "runner"]);
    assert_eq!(
        last(&uninterrupted)
            .iter()
            .filter(|(name, _)| name.ends_with("model.safetensors") && name.contains("pool"))
            .count(),
        8
    );
}

#[test]
fn a_missing_pool_member_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("tag").unwrap();
    let mut options = RunOptions::new(dir.path().join("run"));
    train_self_play(&small(), &scene, 1, &options, &mut StopAfter(4, Arc::clone(&options.stop))).unwrap();
    let missing = options.dir.join("last/pool/runner-001");
    std::fs::rename(&missing, dir.path().join("elsewhere")).unwrap();
    options = RunOptions { resume: true, stop: Arc::default(), ..options };
    let error = train_self_play(&small(), &scene, 1, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("the opponent pool lacks runner 1") && error.contains("checkpoints/"), "{error}");
    std::fs::rename(dir.path().join("elsewhere"), missing).unwrap();
    let path = options.dir.join("last/games.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let mut truncated: Games = serde_json::from_str(&whole).unwrap();
    (truncated.updates, truncated.won) = (vec![0], vec![vec![0]]);
    std::fs::write(&path, serde_json::to_string(&truncated).unwrap()).unwrap();
    let error = train_self_play(&small(), &scene, 1, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("lacks policies of the pool"), "{error}");
    std::fs::write(&path, whole).unwrap();
    train_self_play(&small(), &scene, 1, &options, &mut ()).unwrap();
}

#[test]
fn each_side_improves_at_its_own_role() {
    let dir = tempfile::tempdir().unwrap();
    let text = FIELD.replace("time_limit: 2.0", "time_limit: 4.0").replace("\"gap\": 0.1", "\"gap\": 1.0");
    let scene = parse("field", "field.ron", &text).unwrap();
    let changes = [
        "ppo.n_envs=32",
        "ppo.n_steps=64",
        "ppo.n_epochs=8",
        "training.steps=48",
        "self_play.snapshot_interval=48",
        "self_play.n_rating_games=120",
    ];
    let config = defaults("self-play").changed(None, &changes.map(String::from)).unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    train_self_play(&config, &scene, 0, &options, &mut ()).unwrap();
    // With exchanged rows or rewards of the sides the chaser would flee.
    let won = Games::load(&options.dir).unwrap().won;
    assert!(won[1][0] >= won[0][0] + 10, "wins of the chasers against the first runner: {won:?} of 120");
    assert!(won[1][1] <= won[1][0], "wins of the last chaser against the runners: {won:?} of 120");
}

#[test]
fn a_scene_without_sides_is_rejected() {
    let learner = SelfPlay::new(&small(), &find("tag").unwrap(), 1, &Device::flex()).unwrap();
    assert!(learner.snapshot(0, 0).is_some() && learner.snapshot(1, 0).is_some() && learner.snapshot(0, 1).is_none());
    let error = SelfPlay::new(&small(), &find("slalom").unwrap(), 1, &Device::flex()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("slalom is not a two-player scene"), "{error}");
}

#[test]
fn sides_and_opponents_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let sets = [
        "ppo.n_envs=2",
        "ppo.n_steps=8",
        "training.steps=2",
        "self_play.snapshot_interval=1",
        "self_play.n_rating_games=1",
    ];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let train = [&["train", "self-play", "--scene", "playground", "--run", "tag"][..], &sets].concat();
    let (code, text) = run(&train, dir);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("chaser: tag/last/chaser") && text.contains("Elo"), "{text}");
    assert!(dir.join("tag/ratings.png").exists() && dir.join("tag/games.png").exists());
    let eval = ["eval", "--scene", "playground", "--episodes", "2", "--policy"];
    for more in [
        &["tag"][..],
        &["tag/last/runner", "--side", "runner", "--opponent", "tag/last/chaser"],
        &["tag/last/pool/chaser-001", "--opponent", "hasty"],
    ] {
        let (code, text) = run(&[&eval, more].concat(), dir);
        assert_eq!(code, Some(0), "{text}");
    }
    let text = run(&[&eval, &["tag", "--opponent", "random"][..]].concat(), dir).1;
    assert!(text.contains("as chaser against random"), "{text}");
    let info = run(&["policy", "info", "tag/last/runner"], dir).1;
    assert!(info.contains("self-play, runner") && info.contains("2 steps"), "{info}");
    for (more, wanted) in [
        (&["tag", "--side", "runner"][..], "tag was trained as the chaser, not as the runner"),
        (&["tag", "--opponent", "tag"], "tag was trained as the chaser, not as the runner"),
        (&["tag", "--side", "referee"], "no side `referee`; there are chaser and runner"),
        (&["tag", "--opponent", "nobody"], "one of steady, hasty, sloppy and random"),
        (&["tag", "--plot", "a.png"], "--plot"),
    ] {
        let (code, text) = run(&[&eval, more].concat(), dir);
        assert!(code.is_some_and(|code| code != 0) && text.contains(wanted), "{text}");
    }
    // The window does not open for a policy of the other side.
    if cfg!(feature = "desktop") {
        for more in [&["--policy", "tag/last/runner"][..], &["--side", "runner", "--policy", "tag/last/chaser"]] {
            let (code, text) = run(&[&["play", "playground"][..], more].concat(), dir);
            assert!(code == Some(2) && text.contains(", not as the "), "{text}");
        }
    }
    let record = ["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos"];
    assert_eq!(run(&record, dir).0, Some(0));
    for (arguments, wanted) in [
        (
            &["eval", "--operator", "steady", "--scene", "slalom", "--side", "chaser"][..],
            "slalom is not a two-player scene",
        ),
        (&["record", "--scene", "slalom", "--side", "runner", "--dataset", "d"], "slalom is not a two-player scene"),
        (&["train", "self-play", "--scene", "slalom", "--run", "s"], "slalom is not a two-player scene"),
        (&["train", "ppo", "--scene", "tag", "--run", "s"], "use train self-play"),
        (&["train", "dagger", "--scene", "tag", "--dataset", "demos", "--run", "s"], "use train self-play"),
        (&["train", "bco", "--scene", "tag", "--dataset", "demos", "--run", "s"], "use train self-play"),
        (
            &["train", "self-play", "--scene", "tag", "--run", "s", "--set", "head.kind=categorical"],
            "requires head.kind=gaussian",
        ),
    ] {
        let (code, text) = run(arguments, dir);
        assert!(code == Some(2) && text.contains(wanted), "{text}");
    }
    assert!(!dir.join("d").exists() && !dir.join("s").exists());
}

#[test]
fn arenas_of_a_game_have_one_environment_for_each_side() {
    let arenas = apprentice::learn::reinforcement::SceneEnv::new(
        &find("tag").unwrap(),
        VecEnvOptions { arenas: 3, agents: 1, threads: 1 },
    );
    assert_eq!(arenas.num_envs(), 6);
}

#[test]
fn invalid_game_scenes_are_rejected() {
    for (from, to, wanted) in [
        (
            "task:",
            "course: (points: [(0.0, 0.0), (0.0, -50.0)], closed: false, half_width: 9.0), task:",
            "`course` is not allowed",
        ),
        (
            "task:",
            "curriculum: [(success_threshold: 0.5)], task:",
            "`curriculum` is not allowed in a game of two sides",
        ),
        ("task:", "goal: (at: (0.0, 1.0)), task:", "`goal` is not allowed"),
        ("task:", "runner: Some(Humanoid()), task:", "only a game of two sides has a runner"),
        ("task:", "runner: Some(Vehicle(car: (mass: -5.0))), task:", "mass is -5"),
        ("Vehicle()", "Vehicle(car: (grip: 0.0))", "grip is 0"),
        ("apart: 6.0", "apart: 60.0", "too close for `apart` of 60 m"),
        ("spread: (0.5, 9.0)", "spread: (0.0, 0.0)", "too close for `apart` of 6 m"),
        ("spread: (0.5, 9.0)", "spread: (0.5, -9.0)", "spread (m) is -9"),
        ("start: (", "start: (at: (NaN, 0.0), ", "NaN is not a finite number"),
    ] {
        let error = parse("field", "field.ron", &FIELD.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with("field.ron:") && error.contains(wanted), "{error}");
    }
}

#[test]
fn a_snapshot_of_the_final_update_is_always_rated() {
    let dir = tempfile::tempdir().unwrap();
    let scene = parse("field", "field.ron", FIELD).unwrap();
    let config = small().changed(None, &["training.steps=3".into()]).unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    train_self_play(&config, &scene, 1, &options, &mut ()).unwrap();
    assert_eq!(Games::load(&options.dir).unwrap().updates, [0, 2, 3]);
    let weights = |path: &str| std::fs::read(options.dir.join("last").join(path).join("model.safetensors")).unwrap();
    assert_eq!(weights("chaser"), weights("pool/chaser-002"));
    assert_eq!(weights("runner"), weights("pool/runner-002"));
}

#[test]
fn pfsp_weights_are_largest_for_even_opponents() {
    let games = Games {
        sides: ["chaser".into(), "runner".into()],
        updates: vec![0, 25, 50],
        games: 20,
        won: vec![vec![0; 3], vec![3, 0, 1], vec![20, 10, 0]],
    };
    // With one additional win and one additional loss: 21, 11 and 1 wins of 22.
    let chaser = games.pfsp_weights(0, 2);
    for (weight, won) in chaser.iter().zip([21.0, 11.0, 1.0]) {
        assert!((weight - won / 22.0 * (1.0 - won / 22.0)).abs() < 1e-12, "{chaser:?}");
    }
    assert!(chaser[1] > 5.0 * chaser[0] && chaser[2] > 0.0, "{chaser:?}");
    // The latest runner lost one game against the second chaser and none against the others.
    let runner = games.pfsp_weights(1, 2);
    assert!(runner[0] < runner[1] && (runner[0] - runner[2]).abs() < 1e-12, "{runner:?}");
}
