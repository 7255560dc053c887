//! Recordings of multi-agent arenas and of policies.

use std::fs;

use apprentice::demos::{Dataset, DatasetError, Episode};
use apprentice::policies::Policy;
use apprentice::rollout::resimulate;
use apprentice::scenes::parse;

use crate::cli::commands::run;

const GAME: &str = "(title: \"t\", agent: Vehicle(), runner: Some(Vehicle(car: (grip: 1.3))), time_limit: 3.0,
    start: (spread: (4.0, 9.0), turn: 180.0), task: Tag(radius: 4.5, apart: 8.0),
    terms: { \"gap\": 0.1, \"caught\": 10.0, \"escaped\": 10.0 })";

/// The number of ticks whose state differs from the recorded one in a replay of the episode.
fn diverged(episode: &Episode) -> usize {
    let scene = parse(&episode.header.scene, "", &episode.header.scene_text).unwrap();
    resimulate(&scene, episode).unwrap().divergences
}

#[test]
fn either_side_of_a_game_is_recorded_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("game.ron"), GAME).unwrap();
    for side in ["chaser", "runner"] {
        let record = ["record", "--scene", "game.ron", "--episodes", "2", "--dataset", side, "--side", side];
        let (code, text) = run(&[&record[..], &["--opponent", "hasty"]].concat(), dir);
        assert_eq!(code, Some(0), "{text}");
        let (code, text) = run(&["dataset", "check", side], dir);
        assert!(code == Some(0) && text.contains("2 episodes"), "{text}");
    }
    let [chaser, runner] = ["chaser", "runner"].map(|side| Dataset::open(dir.join(side)).unwrap().read(0).unwrap());
    assert_eq!(
        (chaser.header.agent_index, runner.header.agent_index, chaser.n_agents(), runner.n_agents()),
        (0, 1, 2, 2)
    );
    assert_eq!((&*chaser.header.task, &*runner.header.task), ("game as chaser", "game as runner"));
    let chasing = chaser.header.observation.range("chasing").unwrap().start;
    assert_eq!((chaser.observations[chasing], runner.observations[chasing]), (1.0, 0.0));
    assert!(chaser.other_actions.iter().any(|x| *x != 0.0), "the runner has actions");
    // Without the other agent's actions the replay diverges.
    for episode in [chaser, runner] {
        assert_eq!(diverged(&episode), 0);
        let zeroed = Episode { other_actions: vec![0.0; episode.other_actions.len()], ..episode };
        assert!(diverged(&zeroed) > 0, "agent {}", zeroed.header.agent_index);
    }
}

#[test]
fn damaged_or_missing_actions_of_the_other_agent_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("game.ron"), GAME).unwrap();
    let (code, text) = run(&["record", "--scene", "game.ron", "--episodes", "1", "--dataset", "games"], dir);
    assert_eq!(code, Some(0), "{text}");
    let path = dir.join("games/sim/episode-000000.others");
    let mut bytes = fs::read(&path).unwrap();
    bytes[6] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = Dataset::open(dir.join("games")).unwrap().read(0).unwrap_err();
    assert!(error.to_string().contains("episode-000000.others"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = Dataset::open(dir.join("games")).unwrap().read(0).unwrap_err();
    assert!(matches!(&error, DatasetError::Io { .. }) && error.to_string().contains("others"), "{error}");
    let (code, text) = run(&["dataset", "check", "games"], dir);
    assert!(code == Some(1) && text.contains("episode-000000.others"), "{text}");
}

#[test]
fn the_actions_of_a_policy_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let sets = ["ppo.n_envs=2", "ppo.n_steps=8", "training.steps=1", "ppo.n_eval_episodes=1"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let (code, text) = run(&[&["train", "ppo", "--scene", "slalom", "--run", "trained"][..], &sets].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    let record = ["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos", "--policy", "trained"];
    let (code, text) = run(&record, dir);
    assert!(code == Some(0) && text.contains("by policy of ppo"), "{text}");
    let mut policy = Policy::load(&dir.join("trained/best")).unwrap();
    let dataset = Dataset::open(dir.join("demos")).unwrap();
    for episode in dataset.read_all().unwrap() {
        let mut actions = vec![0.0; episode.actions.len()];
        let (obs_dim, act_dim) = (episode.header.observation.size(), episode.header.action.size());
        let rows = episode.observations.chunks_exact(obs_dim).zip(actions.chunks_exact_mut(act_dim));
        rows.for_each(|(observation, action)| policy.act(observation, &mut [], action));
        assert_eq!(episode.actions, actions);
        assert_eq!(diverged(&episode), 0);
    }
}

#[test]
fn a_policy_is_cloned_from_the_episodes_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("game.ron"), GAME).unwrap();
    let sets = ["ppo.n_envs=2", "ppo.n_steps=8", "training.steps=1", "self_play.n_rating_games=1"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let train = [&["train", "self-play", "--scene", "game.ron", "--run", "tag"][..], &sets].concat();
    assert_eq!(run(&train, dir).0, Some(0));
    let record = ["record", "--scene", "game.ron", "--episodes", "3", "--dataset", "demos", "--side", "runner"];
    let policies = ["--policy", "tag/last/runner", "--opponent", "tag/last/chaser"];
    let (code, text) = run(&[&record[..], &policies].concat(), dir);
    assert!(code == Some(0) && text.contains("policy of self-play, runner"), "{text}");
    let clone = ["train", "bc", "--dataset", "demos", "--run", "clone", "--set", "training.steps=20"];
    assert_eq!(run(&clone, dir).0, Some(0));
    let eval = ["eval", "--scene", "game.ron", "--policy", "clone", "--side", "runner", "--episodes", "2"];
    let (code, text) = run(&eval, dir);
    assert!(code == Some(0) && text.contains("as runner against steady"), "{text}");
    for (more, expected) in [
        (&["--policy", "tag/last/chaser"][..], "was trained as the chaser, not as the runner"),
        (&["--opponent", "random"], "is for evaluation only"),
        (&["--opponent", "nobody"], "one of steady, hasty, sloppy and random"),
        (&["--policy", "nowhere"], "nowhere"),
        (&["--policy", "tag/last/runner", "--operator", "hasty"], "cannot be used with"),
    ] {
        let (code, text) = run(&[&record[..], more].concat(), dir);
        assert!(code.is_some_and(|code| code != 0) && text.contains(expected), "{text}");
    }
    assert_eq!(Dataset::open(dir.join("demos")).unwrap().len(), 3);
}

#[test]
fn a_damaged_agent_index_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("game.ron"), GAME).unwrap();
    let (code, text) = run(&["record", "--scene", "game.ron", "--episodes", "1", "--dataset", "games"], dir);
    assert_eq!(code, Some(0), "{text}");
    let path = dir.join("games/sim/episode-000000.json");
    let text = fs::read_to_string(&path).unwrap();
    for (from, to) in [("\"agent_index\": 0", "\"agent_index\": 7"), ("\"other_act_dim\": 4", "\"other_act_dim\": 3")] {
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
        for command in [&["dataset", "check", "games"][..], &["dataset", "plot", "games", "--out", "a.png"]] {
            let (code, text) = run(command, dir);
            assert!(code == Some(1) && text.contains("episode-000000.json"), "{text}");
        }
    }
}

#[test]
fn npc_cars_are_not_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (code, text) = run(&["record", "--scene", "traffic", "--episodes", "1", "--dataset", "road"], dir);
    assert_eq!(code, Some(0), "{text}");
    let episode = Dataset::open(dir.join("road")).unwrap().read(0).unwrap();
    assert_eq!((episode.n_agents(), diverged(&episode)), (1, 0));
}
