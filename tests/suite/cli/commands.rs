//! The compiled program: output, exit codes, and usage errors, which leave files unchanged.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub fn apprentice(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the binary runs")
}

pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e} in stdout:\n{text}"))
}

pub fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exit code, and the text of stdout and stderr.
pub fn run(arguments: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = apprentice(arguments, dir);
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr_text(&output)))
}

/// A folder with a small dataset of `scene`.
pub fn recorded(scene: &str, episodes: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let arguments = ["record", "--scene", scene, "--episodes", episodes, "--dataset", "demos", "--json"];
    let output = apprentice(&arguments, dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    dir
}

/// A folder with a dataset and a short run.
fn trained(scene: &str) -> TempDir {
    let dir = recorded(scene, "4");
    let arguments = ["train", "bc", "--dataset", "demos", "--run", "run", "--set", "training.steps=40", "--json"];
    let output = apprentice(&arguments, dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    dir
}

#[test]
fn scenes_list_prints_json() {
    let dir = tempfile::tempdir().expect("a folder");
    let list = json(&apprentice(&["scenes", "list", "--json"], dir.path()));
    let rows = list["scenes"].as_array().expect("an array");
    assert_eq!(rows.len(), 14);
    assert!(rows.iter().all(|r| r["name"].is_string() && r["agent"].is_string()));
}

#[test]
fn without_a_display_the_error_names_quickstart() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = apprentice(&[], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("quickstart"), "{}", stderr_text(&output));
}

#[test]
fn a_recording_replays_in_another_process() {
    let dir = recorded("traffic", "2");
    let info = json(&apprentice(&["dataset", "info", "demos", "--json"], dir.path()));
    assert_eq!(info["total_episodes"], 2);
    let check = apprentice(&["dataset", "check", "demos", "--json"], dir.path());
    assert!(check.status.success(), "{}", stderr_text(&check));
    let check = json(&check);
    assert_eq!((&check["total_episodes"], &check["diverged_ticks"]), (&Value::from(2), &Value::from(0)));
    assert!(check["total_ticks"].as_u64().expect("ticks") > 100);
    let replay = apprentice(&["dataset", "replay", "demos", "1", "--json"], dir.path());
    assert!(replay.status.success(), "{}", stderr_text(&replay));
    assert!(apprentice(&["dataset", "plot", "demos", "--out", "trajectories.png"], dir.path()).status.success());
    let refused = apprentice(&["dataset", "plot", "demos", "--out", "trajectories.txt"], dir.path());
    assert!(refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stderr).contains("PNG"));
    let png = fs::read(dir.path().join("trajectories.png")).expect("a plot");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 5000);
}

#[test]
fn a_changed_action_diverges() {
    let dir = recorded("slalom", "1");
    let scene = apprentice::scenes::find("slalom").expect("a scene");
    let dataset = apprentice::demos::Dataset::open(dir.path().join("demos")).expect("the dataset");
    let mut episode = dataset.read(0).expect("the episode");
    let check = |e: &apprentice::demos::Episode| {
        apprentice::rollout::resimulate(&scene, e).expect("its start decodes").first_divergence
    };
    assert_eq!(check(&episode), None);
    let steer = 20 * episode.header.action.size();
    episode.actions[steer] = -episode.actions[steer].signum();
    // The state before the changed action is still the recorded one; the next is not.
    assert_eq!(check(&episode), Some(21));
}

#[test]
fn eval_prints_metrics_of_a_trained_policy() {
    let dir = trained("slalom");
    let arguments = ["eval", "--policy", "run", "--scene", "slalom", "--episodes", "5", "--json"];
    let output = apprentice(&arguments, dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    let result = json(&output);
    for key in ["n_eval_episodes", "success_rate", "success_rate_ci95", "mean_reward", "normalized_score"] {
        assert!(!result[key].is_null(), "{key} is missing in {result}");
    }
    assert_eq!(result["n_eval_episodes"], 5);
}

#[test]
fn usage_errors_exit_with_2_and_name_the_remedy() {
    let dir = trained("slalom");
    let cases: [(&[&str], &str); 9] = [
        (&["eval", "--policy", "run", "--scene", "slalon"], "did you mean `slalom`"),
        (&["eval", "--policy", "run", "--scene", "courtyard", "--episodes", "2"], "trained for a vehicle"),
        (&["record", "--scene", "slalom", "--operator", "lazy", "--dataset", "x"], "steady, hasty or sloppy"),
        (&["record", "--scene", "slalom", "--episodes", "0", "--dataset", "x"], "at least 1"),
        (&["record", "--scene", "courtyard", "--episodes", "1", "--dataset", "demos"], "of a humanoid"),
        (&["train", "bc", "--dataset", "demos", "--run", "r", "--set", "training.stepz=3"], "training.steps"),
        (&["train", "bc", "--dataset", "demos", "--run", "run"], "--resume"),
        (
            &["train", "bc", "--dataset", "demos", "--run", "run", "--resume", "--set", "optimizer.learning_rate=0.5"],
            "learning_rate",
        ),
        (&["dataset", "replay", "demos", "99"], "99"),
    ];
    for (arguments, message) in cases {
        let output = apprentice(arguments, dir.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr_text(&output));
        assert!(
            stderr_text(&output).contains(message),
            "{arguments:?} should print {message:?}:\n{}",
            stderr_text(&output)
        );
    }
    // The dataset is unchanged, and no folder was created.
    let info = json(&apprentice(&["dataset", "info", "demos", "--json"], dir.path()));
    assert_eq!(info["total_episodes"], 4);
    assert!(!dir.path().join("x").exists() && !dir.path().join("r").exists());
}

#[test]
fn corrupt_files_exit_with_1_and_are_named() {
    let dir = trained("slalom");
    let weights = dir.path().join("run/best/model.safetensors");
    let bytes = fs::read(&weights).expect("the weights");
    fs::write(&weights, &bytes[..bytes.len() / 2]).expect("written");
    let output = apprentice(&["eval", "--policy", "run", "--scene", "slalom"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("model.safetensors"), "{}", stderr_text(&output));

    let data = dir.path().join("demos/data/chunk-000/file-001.parquet");
    let bytes = fs::read(&data).expect("the data");
    fs::write(&data, &bytes[..bytes.len() / 2]).expect("written");
    for arguments in [["dataset", "check", "demos"].as_slice(), &["train", "bc", "--dataset", "demos", "--run", "r"]] {
        let output = apprentice(arguments, dir.path());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr_text(&output).contains("file-001.parquet"), "{}", stderr_text(&output));
    }
    let output = apprentice(&["dataset", "info", "nothing", "--json"], dir.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(json(&output)["error"].as_str().expect("an error").contains("nothing"));
}

#[test]
fn an_invalid_scene_file_is_reported_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = include_str!("../../../scenes/slalom.ron").replace("Slalom(reach: 6.0)", "Slalom(reech: 6.0)");
    fs::write(dir.path().join("mine.ron"), text).expect("written");
    let output = apprentice(&["scenes", "check", "mine.ron"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr_text(&output).contains("mine.ron:9:") && stderr_text(&output).contains("reech"),
        "{}",
        stderr_text(&output)
    );
}

#[test]
fn usage_errors_are_printed_as_json() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = apprentice(&["record", "--json"], dir.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(json(&output)["error"].as_str().expect("an error").contains("--scene"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_no_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(["scenes", "list"])
        .current_dir(dir.path())
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut text = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().expect("stderr"), &mut text).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(1));
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn recording_into_a_dataset_appends_new_seeds() {
    let dir = recorded("slalom", "2");
    let again = ["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos"];
    assert!(apprentice(&again, dir.path()).status.success());
    let info = json(&apprentice(&["dataset", "info", "demos", "--json"], dir.path()));
    let seeds: std::collections::HashSet<_> =
        info["episodes"].as_array().expect("episodes").iter().map(|r| r["seed"].to_string()).collect();
    assert_eq!(seeds.len(), 4, "four different episodes");
}

#[test]
fn resume_refuses_changed_settings() {
    let dir = trained("slalom");
    fs::write(dir.path().join("run/config.toml"), "").expect("written");
    let arguments = ["train", "bc", "--dataset", "demos", "--run", "run", "--resume"];
    let output = apprentice(&arguments, dir.path());
    assert_eq!(output.status.code(), Some(2), "{}", stderr_text(&output));
    assert!(stderr_text(&output).contains("config.toml"), "{}", stderr_text(&output));
}

#[test]
fn every_command_has_help_with_examples() {
    let dir = tempfile::tempdir().expect("a folder");
    for command in ["play", "quickstart", "scenes", "record", "dataset", "eval", "policy", "tune"] {
        let output = apprentice(&[command, "--help"], dir.path());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("Examples:"), "{command}:\n{text}");
    }
    let text = apprentice(&["train", "bc", "--help"], dir.path()).stdout;
    assert!(String::from_utf8_lossy(&text).contains("Examples:"));
}
