//! Tag, and two sides that learn against each other.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::rl::Environment;
use apprentice::learn::self_play::{Games, SelfPlay, ratings, train_sides};
use apprentice::learn::{LearnerKind, RunOptions, TrainConfig};
use apprentice::rollout::{Player, VecEnv, VecEnvOptions, evaluate_side, evaluation_seeds};
use apprentice::scenes::{find, parse};
use apprentice::tasks::End;
use apprentice::teleop::Skill;
use burn::tensor::Device;

use super::cli::run;
use super::rl_common::After;

/// Two cars that begin close together on an open field.
const FIELD: &str = "(title: \"t\", agent: Vehicle(), time_limit: 2.0, start: (spread: (0.5, 9.0), turn: 5.0),
    task: Tag(radius: 4.5, apart: 6.0),
    terms: { \"gap\": 0.1, \"contact\": -0.1, \"caught\": 10.0, \"escaped\": 10.0 })";

fn small() -> TrainConfig {
    let changes = [
        "ppo.arenas=4",
        "ppo.ticks=20",
        "training.batch_size=40",
        "training.steps=6",
        "training.checkpoint_every=1",
        "training.log_every=1",
        "self_play.generation=2",
        "self_play.games=2",
    ];
    LearnerKind::SelfPlay.defaults().changed(None, &changes.map(String::from)).unwrap()
}

#[test]
fn what_one_side_wins_the_other_loses() {
    let scene = parse("field", "field.ron", FIELD).unwrap();
    let mut env = VecEnv::new(&scene, VecEnvOptions { arenas: 8, agents: 1, threads: 1 });
    assert_eq!((env.rows(), env.agents_per_arena()), (16, 2));
    let spaces = scene.blueprint.spaces();
    let at = |name: &str| spaces.observation.range(name).unwrap().start;
    let (chasing, forward, left) = (at("chasing"), at("rival_forward"), at("rival_left"));
    let wide = env.observation_size();
    let seeds = evaluation_seeds(1, 8);
    let first = env.reset(&seeds).to_vec();
    for pair in first.chunks_exact(2 * wide) {
        let (chaser, runner) = pair.split_at(wide);
        assert_eq!((chaser[chasing], runner[chasing]), (1.0, 0.0));
        let far = |own: &[f32]| bevy::math::ops::hypot(own[forward], own[left]);
        assert!((far(chaser) - far(runner)).abs() < 1e-3 && far(chaser) >= 6.0, "{} m", far(chaser));
    }
    let mut ends = Vec::new();
    for tick in 0..200 {
        // Chasers drive straight on, runners stand.
        let mut actions = vec![0.0; 16 * 4];
        actions.chunks_exact_mut(8).for_each(|pair| pair[1] = 1.0);
        let step = env.step(&actions);
        for (arena, pair) in step.rewards.chunks_exact(2).enumerate() {
            assert!((pair[0] + pair[1]).abs() < 1e-4, "tick {tick}, arena {arena}: {pair:?}");
        }
        for arena in 0..8 {
            let step = env.last_step();
            assert_eq!(step.terminated[2 * arena], step.terminated[2 * arena + 1]);
            assert!(!step.truncated[2 * arena], "the time's end decides the game");
            if step.terminated[2 * arena] {
                let end = |row: usize| env.finished(row).end.unwrap();
                ends.push(end(2 * arena));
                match end(2 * arena) {
                    End::Success => assert_eq!(end(2 * arena + 1), End::Failure("caught")),
                    end_of_chaser => {
                        assert_eq!(end_of_chaser, End::Failure("escaped"));
                        assert_eq!(end(2 * arena + 1), End::Success);
                    }
                }
            }
        }
    }
    assert!(ends.contains(&End::Success) && ends.contains(&End::Failure("escaped")), "{ends:?}");
}

#[test]
fn operators_win_and_lose_both_games_and_play_better_than_chance() {
    for name in ["tag", "playground"] {
        let scene = find(name).unwrap();
        let seeds = evaluation_seeds(3, 40);
        let caught = |chaser: Player, runner: Player| {
            evaluate_side(&scene, vec![chaser, runner], 0, &seeds, 0, |_| {}).unwrap().success_rate
        };
        let steady = || Player::Operator(Skill::Steady);
        let even = caught(steady(), steady());
        assert!((0.02..=0.98).contains(&even), "{name}: {even}");
        assert!(caught(steady(), Player::Random) >= 0.9, "{name}: who drives by chance is caught");
        assert!(caught(Player::Random, steady()) <= 0.1, "{name}: who chases by chance catches nearly nobody");
    }
}

#[test]
fn ratings_are_those_that_the_games_were_drawn_from() {
    let first = [800.0, 1000.0, 1150.0, 1300.0];
    let second = [900.0, 1050.0, 1200.0, 1500.0];
    let games = 100_000u32;
    let won: Vec<Vec<u32>> = first
        .iter()
        .map(|a: &f64| second.iter().map(|b| (f64::from(games) / (1.0 + 10f64.powf((b - a) / 400.0))) as u32).collect())
        .collect();
    let (found, others) = ratings(&won, games);
    // Ratings are differences: the half games against a player of 1000 settle where they are.
    let shift = found[0] - first[0];
    let expected = |rating: &f64| 1.0 / (1.0 + 10f64.powf((1000.0 - rating) / 400.0));
    let half_games: f64 = found.iter().chain(&others).map(expected).sum();
    assert!((half_games - 4.0).abs() < 1e-3, "as many are won as lost: {half_games} of 8");
    for (found, given) in found.iter().zip(first).chain(others.iter().zip(second)) {
        assert!((found - shift - given).abs() < 2.0, "{found} for {given}, all {shift} higher");
    }
    let (best, worst) = ratings(&[vec![20]], 20);
    assert!(best[0].is_finite() && best[0] > worst[0] + 200.0, "{best:?} {worst:?}");
    assert_eq!(ratings(&[], 20), (vec![], vec![]));
}

/// Every file under a folder, but for those that tell times.
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
fn a_stopped_run_goes_on_bit_for_bit_with_its_pool() {
    let dir = tempfile::tempdir().unwrap();
    // Games of a second: each side meets several opponents.
    let scene = parse("field", "field.ron", &FIELD.replace("time_limit: 2.0", "time_limit: 1.0")).unwrap();
    let config = small();
    let whole = RunOptions::new(dir.path().join("whole"));
    train_sides(&config, &scene, 2, &whole, &mut ()).unwrap();
    let last = |options: &RunOptions| files(&options.dir.join("last"));
    for stop in [1, 3, 4] {
        let mut parts = RunOptions::new(dir.path().join(format!("stopped after {stop}")));
        train_sides(&config, &scene, 1, &parts, &mut After(stop, Arc::clone(&parts.stop))).unwrap();
        assert_ne!(last(&whole), last(&parts), "it was not stopped before its end");
        parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
        train_sides(&config, &scene, 2, &parts, &mut ()).unwrap();
        assert_eq!(last(&whole).len(), last(&parts).len());
        for ((name, one), (other_name, other)) in last(&whole).iter().zip(&last(&parts)) {
            assert!(name == other_name && one == other, "stopped after {stop}: {name} differs");
        }
    }
    let games = Games::load(&whole.dir).unwrap();
    assert_eq!(games.updates, [0, 2, 4, 6]);
    assert_eq!(games.sides, ["chaser", "runner"]);
    assert_eq!(
        last(&whole).iter().filter(|(name, _)| name.ends_with("model.safetensors") && name.contains("pool")).count(),
        8
    );
}

#[test]
fn a_pool_that_lacks_somebody_says_whom() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("tag").unwrap();
    let mut options = RunOptions::new(dir.path().join("run"));
    train_sides(&small(), &scene, 1, &options, &mut After(4, Arc::clone(&options.stop))).unwrap();
    let gone = options.dir.join("last/pool/runner-001");
    std::fs::rename(&gone, dir.path().join("elsewhere")).unwrap();
    options = RunOptions { resume: true, stop: Arc::default(), ..options };
    let error = train_sides(&small(), &scene, 1, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("the pool of opponents lacks runner 1") && error.contains("checkpoints/"), "{error}");
    std::fs::rename(dir.path().join("elsewhere"), gone).unwrap();
    let path = options.dir.join("last/games.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let mut fewer: Games = serde_json::from_str(&whole).unwrap();
    (fewer.updates, fewer.won) = (vec![0], vec![vec![0]]);
    std::fs::write(&path, serde_json::to_string(&fewer).unwrap()).unwrap();
    let error = train_sides(&small(), &scene, 1, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("lacks players that the pool has"), "{error}");
    std::fs::write(&path, whole).unwrap();
    train_sides(&small(), &scene, 1, &options, &mut ()).unwrap();
}

#[test]
fn each_side_learns_its_own_part_of_the_game() {
    let dir = tempfile::tempdir().unwrap();
    let text = FIELD.replace("time_limit: 2.0", "time_limit: 4.0").replace("\"gap\": 0.1", "\"gap\": 1.0");
    let scene = parse("field", "field.ron", &text).unwrap();
    let changes = [
        "ppo.arenas=32",
        "ppo.ticks=64",
        "ppo.epochs=8",
        "training.steps=24",
        "self_play.generation=24",
        "self_play.games=60",
    ];
    let config = LearnerKind::SelfPlay.defaults().changed(None, &changes.map(String::from)).unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    train_sides(&config, &scene, 0, &options, &mut ()).unwrap();
    // Were rows or rewards of the sides exchanged, the chaser would flee.
    let won = Games::load(&options.dir).unwrap().won;
    assert!(won[1][0] >= won[0][0] + 5, "against the first runner the chaser won {won:?} of 60");
    assert!(won[1][1] <= won[1][0], "against the last chaser the runner lost {won:?} of 60");
}

#[test]
fn a_scene_without_sides_has_no_self_play() {
    let learner = SelfPlay::new(&small(), &find("tag").unwrap(), 1, &Device::flex()).unwrap();
    assert!(learner.player(0, 0).is_some() && learner.player(1, 0).is_some() && learner.player(0, 1).is_none());
    let error = SelfPlay::new(&small(), &find("slalom").unwrap(), 1, &Device::flex()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("slalom has no two sides"), "{error}");
}

#[test]
fn sides_and_opponents_at_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let sets = ["ppo.arenas=2", "ppo.ticks=8", "training.steps=2", "self_play.generation=1", "self_play.games=1"];
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
    let told = run(&[&eval, &["tag", "--opponent", "random"][..]].concat(), dir).1;
    assert!(told.contains("as chaser against random"), "{told}");
    let about = run(&["policy", "info", "tag/last/runner"], dir).1;
    assert!(about.contains("self-play, runner") && about.contains("2 steps"), "{about}");
    for (more, wanted) in [
        (&["tag", "--side", "runner"][..], "tag plays the chaser, not the runner"),
        (&["tag", "--opponent", "tag"], "tag plays the chaser, not the runner"),
        (&["tag", "--side", "judge"], "no side `judge`; there are chaser and runner"),
        (&["tag", "--opponent", "nobody"], "one of steady, hasty, sloppy and random"),
        (&["tag", "--plot", "a.png"], "--plot"),
    ] {
        let (code, text) = run(&[&eval, more].concat(), dir);
        assert!(code.is_some_and(|code| code != 0) && text.contains(wanted), "{text}");
    }
    // The window does not open for what would drive the wrong side.
    if cfg!(feature = "desktop") {
        for more in [&["--policy", "tag/last/runner"][..], &["--side", "runner", "--policy", "tag/last/chaser"]] {
            let (code, text) = run(&[&["play", "playground"][..], more].concat(), dir);
            assert!(code == Some(2) && text.contains(", not the "), "{text}");
        }
    }
    let seen = ["record", "--scene", "slalom", "--episodes", "2", "--dataset", "seen"];
    assert_eq!(run(&seen, dir).0, Some(0));
    for (arguments, wanted) in [
        (&["eval", "--operator", "steady", "--scene", "slalom", "--side", "chaser"][..], "slalom has no sides"),
        (&["record", "--scene", "slalom", "--side", "runner", "--dataset", "d"], "slalom has no sides"),
        (&["train", "self-play", "--scene", "slalom", "--run", "s"], "slalom has no two sides"),
        (&["train", "ppo", "--scene", "tag", "--run", "s"], "use train self-play"),
        (&["train", "dagger", "--scene", "tag", "--dataset", "seen", "--run", "s"], "use train self-play"),
        (&["train", "bco", "--scene", "tag", "--dataset", "seen", "--run", "s"], "use train self-play"),
        (
            &["train", "self-play", "--scene", "tag", "--run", "s", "--set", "head.kind=categorical"],
            "decides by head.kind=gaussian",
        ),
    ] {
        let (code, text) = run(arguments, dir);
        assert!(code == Some(2) && text.contains(wanted), "{text}");
    }
    assert!(!dir.join("d").exists() && !dir.join("s").exists());
}

#[test]
fn the_arenas_of_a_game_hold_both() {
    let arenas =
        apprentice::learn::rl::Arenas::new(&find("tag").unwrap(), VecEnvOptions { arenas: 3, agents: 1, threads: 1 });
    assert_eq!(arenas.rows(), 6);
}

#[test]
fn a_game_that_cannot_be_played_is_refused() {
    for (from, to, wanted) in [
        ("task:", "course: (points: [(0.0, 0.0), (0.0, -50.0)], closed: false, half_width: 9.0), task:", "no `course`"),
        ("task:", "lessons: [(until: 0.5)], task:", "no `lessons`"),
        ("task:", "goal: (at: (0.0, 1.0)), task:", "no `goal`"),
        ("task:", "runner: Some(Humanoid()), task:", "only a game of tag has a runner"),
        ("task:", "runner: Some(Vehicle(car: (mass: -5.0))), task:", "mass is -5"),
        ("Vehicle()", "Vehicle(car: (grip: 0.0))", "grip is 0"),
        ("apart: 6.0", "apart: 60.0", "too close for `apart` of 60 m"),
        ("spread: (0.5, 9.0)", "spread: (0.0, 0.0)", "too close for `apart` of 6 m"),
        ("spread: (0.5, 9.0)", "spread: (0.5, -9.0)", "spread (m) is -9"),
        ("start: (", "start: (at: (NaN, 0.0), ", "a coordinate's size (m) is NaN"),
    ] {
        let error = parse("field", "field.ron", &FIELD.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with("field.ron:") && error.contains(wanted), "{error}");
    }
}

#[test]
fn the_last_update_is_rated_whenever_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let scene = parse("field", "field.ron", FIELD).unwrap();
    let config = small().changed(None, &["training.steps=3".into()]).unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    train_sides(&config, &scene, 1, &options, &mut ()).unwrap();
    assert_eq!(Games::load(&options.dir).unwrap().updates, [0, 2, 3]);
    let weights = |path: &str| std::fs::read(options.dir.join("last").join(path).join("model.safetensors")).unwrap();
    assert_eq!(weights("chaser"), weights("pool/chaser-002"));
    assert_eq!(weights("runner"), weights("pool/runner-002"));
}

#[test]
fn those_who_win_as_often_as_they_lose_are_learned_from_most() {
    let games = Games {
        sides: ["chaser".into(), "runner".into()],
        updates: vec![0, 25, 50],
        games: 20,
        won: vec![vec![0; 3], vec![3, 0, 1], vec![20, 10, 0]],
    };
    // Won and lost once more than played: 21, 11 and 1 of 22.
    let chaser = games.evenness(0, 2);
    for (found, won) in chaser.iter().zip([21.0, 11.0, 1.0]) {
        assert!((found - won / 22.0 * (1.0 - won / 22.0)).abs() < 1e-12, "{chaser:?}");
    }
    assert!(chaser[1] > 5.0 * chaser[0] && chaser[2] > 0.0, "{chaser:?}");
    // The newest runner has lost none of its games against the first two chasers but one.
    let runner = games.evenness(1, 2);
    assert!(runner[0] < runner[1] && (runner[0] - runner[2]).abs() < 1e-12, "{runner:?}");
}
