//! `train gail` and its like, and `reward`, at the command line.

use std::path::Path;

use super::cli::{apprentice, json, said};

const SMALL: [&str; 12] = [
    "--set",
    "training.steps=2",
    "--set",
    "ppo.arenas=4",
    "--set",
    "ppo.ticks=20",
    "--set",
    "ppo.judged=2",
    "--set",
    "reward.batch_size=16",
    "--set",
    "training.batch_size=16",
];

fn run(arguments: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = apprentice(arguments, dir);
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), said(&output)))
}

fn train(learner: &str, more: &[&str], dir: &Path) -> (Option<i32>, String) {
    run(&[&["train", learner][..], more, &SMALL].concat(), dir)
}

fn record(scene: &str, more: &[&str], dir: &Path) {
    let arguments = [&["record", "--scene", scene, "--episodes", "2"][..], more].concat();
    let (code, text) = run(&arguments, dir);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_reward_is_inferred_shown_rated_and_learned_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    for learner in ["gail", "vail", "airl", "amp", "maxent-irl", "apprenticeship"] {
        let (code, text) = train(learner, &["--dataset", "demos", "--run", learner], dir);
        assert!(code == Some(0) && text.contains("every episode lasts"), "{text}");
        let (code, text) =
            run(&["eval", "--policy", learner, "--scene", "slalom", "--episodes", "2", "--horizon", "3"], dir);
        assert!(code == Some(0) && text.contains("episode length   3.0 s"), "{text}");
        let csv = format!("{learner}.csv");
        let rated = json(&apprentice(&["reward", "rate", "demos", "--reward", learner, "--out", &csv, "--json"], dir));
        let episodes = rated["episodes"].as_array().unwrap();
        let ticks: u64 = episodes.iter().map(|episode| episode["ticks"].as_u64().unwrap()).sum();
        let lines = std::fs::read_to_string(dir.join(&csv)).unwrap();
        assert_eq!(lines.lines().count() as u64, ticks + 1);
        assert!(lines.lines().nth(1).unwrap().starts_with("0,0,"), "{lines}");
    }
    let shown = json(&apprentice(&["reward", "show", "apprenticeship", "--json"], dir));
    let weights = shown["weights"].as_array().unwrap();
    let length: f64 = weights.iter().map(|weight| weight["weight"].as_f64().unwrap().powi(2)).sum();
    assert!((length - 1.0).abs() < 1e-6, "weights of length {length}");
    assert!(weights.iter().any(|weight| weight["feature"] == "velocity_forward^2"));
    let (code, text) =
        run(&["reward", "show", "airl", "--map", "map.png", "--scene", "slalom", "--episodes", "1"], dir);
    assert!(code == Some(0) && dir.join("map.png").is_file(), "{text}");
    let (code, text) = train("ppo", &["--scene", "hairpins", "--reward", "airl", "--run", "elsewhere"], dir);
    assert_eq!(code, Some(0), "{text}");
    let config = std::fs::read_to_string(dir.join("elsewhere/config.toml")).unwrap();
    assert!(config.lines().any(|line| line.starts_with("from = ") && line.ends_with("/airl\"")), "{config}");
}

#[test]
fn amp_needs_no_actions() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "seen", "--states-only"], dir);
    let (code, text) = train("amp", &["--dataset", "seen", "--run", "amp"], dir);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = train("gail", &["--dataset", "seen", "--run", "gail"], dir);
    assert!(code == Some(1) && text.contains("it holds no actions") && text.contains("train amp"), "{text}");
    assert!(!dir.join("gail").exists(), "nothing was begun");
}

#[test]
fn what_cannot_be_inferred_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    let (code, text) = train("gail", &["--dataset", "demos", "--scene", "circuit", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("was demonstrated in slalom"), "{text}");
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "gail", "--set", "reward.penalty=-1"], dir);
    assert!(code == Some(2) && text.contains("reward.penalty is -1"), "{text}");
    let (code, text) = train("gail", &["--dataset", "nowhere", "--run", "gail"], dir);
    assert!(code == Some(1) && text.contains("nowhere"), "{text}");
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "gail"], dir);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("--resume"), "{text}");
    let (code, text) = train("ppo", &["--scene", "courtyard", "--reward", "gail", "--run", "other"], dir);
    assert!(code == Some(2) && text.contains("other fields"), "{text}");
    let (code, text) = train("ppo", &["--scene", "slalom", "--reward", "demos", "--run", "other"], dir);
    assert!(code == Some(1) && text.contains("no inferred reward"), "{text}");
    let (code, text) = train("dqn", &["--scene", "slalom", "--reward", "gail", "--run", "other"], dir);
    assert!(code == Some(2) && text.contains("train ppo --reward"), "{text}");
    let (code, text) = run(&["reward", "show", "demos"], dir);
    assert!(code == Some(1) && text.contains("no inferred reward"), "{text}");
    let (code, text) = run(&["reward", "show", "gail", "--map", "map.png", "--scene", "courtyard"], dir);
    assert!(code == Some(2) && text.contains("another agent"), "{text}");
    let (code, text) = run(&["eval", "--operator", "steady", "--scene", "slalom", "--horizon", "0"], dir);
    assert!(code == Some(2) && text.contains("--horizon"), "{text}");
    // A damaged weight file is named.
    let weights = dir.join("gail/last/reward.safetensors");
    std::fs::write(&weights, b"nothing").unwrap();
    let (code, text) = run(&["reward", "rate", "demos", "--reward", "gail"], dir);
    assert!(code == Some(1) && text.contains("reward.safetensors"), "{text}");
}
