//! What does not fit into the memory is refused with its numbers before it is built.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use crate::cli::commands::{recorded, stderr_text};

/// Run a command with 6 GB of address space.
fn limited(line: &str, dir: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_apprentice");
    let script = format!("ulimit -v 6000000; exec {program} {line}");
    Command::new("sh").args(["-c", &script]).current_dir(dir).output().expect("a shell")
}

#[test]
fn settings_that_need_more_memory_than_there_is_are_refused() {
    let dir = recorded("slalom", "1");
    for (line, named) in [
        ("train ppo --scene slalom --run new --set ppo.n_envs=65536", "ppo.n_envs=65536"),
        ("train ppo --scene slalom --run new --set ppo.n_steps=8192 --set ppo.n_envs=4096", "ppo.n_steps=8192"),
        ("train self-play --scene tag --run new --set ppo.n_envs=65536", "ppo.n_envs=65536"),
        ("train dqn --scene slalom --run new --set dqn.replay.buffer_size=100000000", "dqn.replay.buffer_size"),
        ("train bc --dataset demos --run new --set network.hidden_sizes=[16384,16384,16384]", "network.hidden_sizes"),
        ("train ppo --scene slalom --run new --set network.hidden_sizes=[16384,16384,16384]", "network.hidden_sizes"),
    ] {
        let begin = Instant::now();
        let output = limited(line, dir.path());
        let text = stderr_text(&output);
        assert_eq!(output.status.code(), Some(2), "{line}: {text}");
        assert!(text.contains(named) && text.contains(" GB") && text.contains("are free"), "{line}: {text}");
        assert!(begin.elapsed().as_secs() < 60, "{line}: {:?}", begin.elapsed());
        assert!(!dir.path().join("new/last").exists());
    }
    // What fits is trained within the same limit.
    let small = "train bc --dataset demos --run small --set training.steps=5";
    assert_eq!(limited(small, dir.path()).status.code(), Some(0));
}

#[test]
fn a_small_file_of_a_huge_scene_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = apprentice::scenes::find("circuit").unwrap().text;
    let points: String = (0..2600).map(|i| format!("({}.0, {}.0),", 1999 * (i % 2) - 900, (i % 1000) - 500)).collect();
    let begin = text.find("points: [").unwrap() + "points: [".len();
    let end = begin + text[begin..].find("],").unwrap();
    std::fs::write(dir.path().join("huge.ron"), format!("{}{points}{}", &text[..begin], &text[end..])).unwrap();
    let stages = "(success_threshold: 0.5, time_limit: 9.0),".repeat(2000);
    let close = text.rfind(')').unwrap();
    std::fs::write(dir.path().join("stages.ron"), format!("{} curriculum: [{stages}],)", &text[..close])).unwrap();
    for (file, named) in [("huge.ron", "m is too long"), ("stages.ron", "number of stages is 2000")] {
        let output = limited(&format!("scenes check {file}"), dir.path());
        let text = stderr_text(&output);
        assert!(output.status.code() == Some(1) && text.contains(named), "{file}: {text}");
    }
}
