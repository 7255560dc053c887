//! One exit code for one kind of error, whichever command meets it; what does not fit together is one line.

use std::fs;
use std::path::Path;

use crate::cli::commands::{apprentice, recorded, stderr_text};

/// Every command that reads a thing of this kind, with `NAME` in its place.
fn commands(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = match kind {
        "policy" => vec![
            "eval --scene slalom --episodes 1 --policy NAME",
            "record --scene slalom --episodes 1 --dataset new --policy NAME",
            "play slalom --policy NAME",
            "play tag --opponent NAME",
            "policy info NAME",
            "policy merge NAME --out new",
            "train bc --dataset demos --run new --init-from NAME",
            "train ppo --scene slalom --run new --init-from NAME",
        ],
        "scene" => vec![
            "scenes check NAME",
            "scenes show NAME",
            "play NAME",
            "record --dataset new --scene NAME",
            "eval --operator steady --scene NAME",
            "train ppo --run new --scene NAME",
            "tune bc --dataset demos --out new --scene NAME",
        ],
        "dataset" => vec![
            "dataset info NAME",
            "dataset check NAME",
            "dataset replay NAME 0",
            "dataset plot NAME --out new.png",
            "play --replay NAME:0",
            "train bc --run new --dataset NAME",
            "train gail --run new --dataset NAME",
            "train dqn --scene slalom --run new --dataset NAME",
            "tune bc --out new --dataset NAME",
            "reward rate NAME --reward reward",
        ],
        _ => vec!["train bc --dataset demos --run new --config NAME", "tune bc --dataset demos --out new --space NAME"],
    };
    lines.into_iter().map(|line| line.split(' ').collect()).collect()
}

/// Run each command with `name` in its place; `code` is its exit code, and the message names it.
fn all_exit_with(code: i32, kind: &str, name: &str, dir: &Path) {
    for command in commands(kind) {
        let arguments: Vec<String> = command.iter().map(|word| word.replace("NAME", name)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = apprentice(&arguments, dir);
        let text = stderr_text(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(name), "{arguments:?} should name {name}: {text}");
    }
}

#[test]
fn what_is_not_there_is_a_usage_error_in_every_command() {
    let dir = recorded("slalom", "2");
    let airl = "train airl --dataset demos --run reward --set training.steps=1 --set ppo.n_envs=2 --set ppo.n_steps=16 \
                --set ppo.n_eval_episodes=1 --set training.batch_size=16 --set reward.batch_size=16";
    let trained = apprentice(&airl.split_whitespace().collect::<Vec<_>>(), dir.path());
    assert!(trained.status.success(), "{}", stderr_text(&trained));
    for kind in ["policy", "scene", "dataset", "settings"] {
        let name = if kind == "scene" { "nowhere.ron" } else { "nowhere" };
        all_exit_with(2, kind, name, dir.path());
    }
    all_exit_with(2, "scene", "slalon", dir.path());
    assert!(!dir.path().join("new").exists(), "nothing is written");
}

#[test]
fn what_is_damaged_is_a_failure_in_every_command() {
    let dir = recorded("slalom", "1");
    fs::write(dir.path().join("mine.ron"), "(title: 7)").unwrap();
    all_exit_with(1, "scene", "mine.ron", dir.path());
    fs::create_dir(dir.path().join("damaged")).unwrap();
    fs::write(dir.path().join("damaged/config.json"), "{").unwrap();
    all_exit_with(1, "policy", "damaged", dir.path());
}

#[test]
fn another_agent_is_refused_in_one_line() {
    let dir = recorded("slalom", "2");
    let run = |line: &str| apprentice(&line.split(' ').collect::<Vec<_>>(), dir.path());
    assert!(run("record --scene courtyard --episodes 1 --dataset walks").status.success());
    assert!(run("train bc --dataset demos --run run --set training.steps=20").status.success());
    for line in [
        "record --scene courtyard --episodes 1 --dataset demos",
        "train bc --dataset demos --dataset walks --run new",
        "train dagger --dataset walks --scene slalom --run new",
        "train bco --dataset walks --scene slalom --run new",
        "train gail --dataset walks --scene slalom --run new",
        "eval --policy run --scene courtyard --episodes 1",
        "record --policy run --scene courtyard --episodes 1 --dataset new",
        "play courtyard --policy run",
    ] {
        let output = run(line);
        let text = stderr_text(&output);
        assert_eq!(output.status.code(), Some(2), "{line}: {text}");
        assert!(text.contains("humanoid") && text.contains("vehicle"), "{line}: {text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{line}: {text}");
    }
}

#[test]
fn a_scene_that_is_shown_is_a_scene_file() {
    let dir = tempfile::tempdir().unwrap();
    let output = apprentice(&["scenes", "show", "slalom"], dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    fs::write(dir.path().join("copy.ron"), output.stdout).unwrap();
    assert!(apprentice(&["scenes", "check", "copy.ron"], dir.path()).status.success());
    let copy = apprentice::scenes::load_file(&dir.path().join("copy.ron")).unwrap();
    assert_eq!(copy.hash(), apprentice::scenes::find("slalom").unwrap().hash());
}

#[test]
fn the_same_demonstrations_are_given_once() {
    let dir = recorded("slalom", "2");
    let copied = std::process::Command::new("cp").args(["-r", "demos", "copy"]).current_dir(dir.path()).status();
    assert!(copied.unwrap().success());
    for (learner, other) in [("bc", "demos"), ("bc", "./demos"), ("bc", "copy"), ("dagger", "demos"), ("dqn", "demos")]
    {
        let arguments = ["train", learner, "--dataset", "demos", "--dataset", other, "--run", "new"];
        let scene: &[&str] = if learner == "dqn" { &["--scene", "slalom"] } else { &[] };
        let output = apprentice(&[&arguments[..], scene].concat(), dir.path());
        let text = stderr_text(&output);
        assert!(output.status.code() == Some(2) && text.contains("once"), "{learner} {other}: {text}");
    }
}
