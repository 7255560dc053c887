//! Standard output and standard error that take nothing, and arguments that are not text.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::commands::{apprentice, recorded, stderr_text};

/// A device that is always full.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("a full device")
}

fn command(line: &str, dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.args(line.split(' ')).current_dir(dir).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

/// A training that lasts longer than the test.
const LONG: &str = "train bc --dataset demos --run run --set training.steps=100000000 --set training.eval_freq=20";

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
}

/// Wait until the training has saved a policy.
fn wait_for_policy(dir: &Path) {
    let start = Instant::now();
    while !dir.join("run/best").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no policy");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The exit code, once the process has ended by itself.
fn code(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().expect("a status") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("killed");
    panic!("it did not end");
}

#[test]
fn an_error_without_a_place_to_print_it_keeps_its_code() {
    let dir = recorded("slalom", "1");
    for (line, expected) in [
        ("eval --policy nothing --scene slalom", 2),
        ("dataset info nothing", 2),
        ("scenes list --no-such-option", 2),
        ("scenes check demos/meta/info.json", 1),
        ("play slalom", 1),
    ] {
        assert_eq!(command(line, dir.path()).stderr(full()).status().unwrap().code(), Some(expected), "{line}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(command(line, dir.path()).stderr(writer).status().unwrap().code(), Some(expected), "{line}");
    }
}

#[test]
fn an_interrupt_is_heard_when_stderr_is_full() {
    let dir = recorded("slalom", "2");
    let mut child = command(LONG, dir.path()).stdout(Stdio::null()).stderr(full()).spawn().unwrap();
    wait_for_policy(dir.path());
    interrupt(&child);
    assert_eq!(code(&mut child), Some(1));
    assert!(dir.path().join("run/last").exists(), "it saved its last checkpoint");
}

#[test]
fn an_interrupt_is_heard_when_nobody_reads_stderr() {
    let dir = recorded("slalom", "2");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let stderr = writer.try_clone().unwrap();
    let mut child = command(LONG, dir.path()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    wait_for_policy(dir.path());
    // Fill the pipe, as when a pager has stopped reading; what is written next waits for ever.
    std::thread::spawn(move || while std::io::Write::write(&mut writer, &[b'x'; 4096]).is_ok() {});
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    std::thread::sleep(Duration::from_secs(1));
    if child.try_wait().unwrap().is_none() {
        // The first one may wait for its message at the end of training; the second ends at once.
        interrupt(&child);
    }
    assert!(matches!(code(&mut child), Some(1 | 130)));
    drop(reader);
}

#[test]
fn a_training_is_not_lost_when_stdout_takes_nothing() {
    let dir = recorded("slalom", "2");
    let line = LONG.replace("100000000", "40");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&line, dir.path()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr_text(&output));
    assert!(dir.path().join("run/best/config.json").exists() && dir.path().join("run/loss.png").exists());
    let mut child = command("dataset info demos", dir.path()).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().code() == Some(1) && text.contains("cannot write the result"), "{text}");
}

#[test]
fn an_argument_that_is_not_utf8_is_refused_before_work_begins() {
    let dir = recorded("slalom", "1");
    let odd = OsStr::from_bytes(b"caf\xe9");
    for line in [
        "record --scene slalom --episodes 1 --dataset",
        "train bc --dataset demos --run",
        "train bc --run new --dataset",
        "dataset info",
        "policy info",
        "eval --operator steady --plot",
        "quickstart --out",
        "tune bc --dataset demos --out",
        "study imitation --out",
        "scenes check",
        "play",
    ] {
        for json in [&[][..], &["--json"]] {
            let output = command(line, dir.path()).arg(odd).args(json).output().unwrap();
            let text = stderr_text(&output);
            assert!(output.status.code() == Some(2) && text.contains("not valid UTF-8"), "{line}: {text}");
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was written");
}

#[test]
fn a_working_folder_that_is_not_utf8_is_no_panic() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&dir).unwrap();
    let run = |line: &str| apprentice(&line.split(' ').collect::<Vec<_>>(), &dir);
    for line in [
        "record --scene slalom --episodes 2 --dataset demos --json",
        "dataset info demos --json",
        "train bc --dataset demos --run run --set training.steps=20 --json",
        "eval --policy run --scene slalom --episodes 1 --json",
    ] {
        let output = run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr_text(&output));
    }
    // The settings of this run would name the folder.
    let output = run("train bc --dataset demos --init-from run --run new --set init.lora_rank=2");
    let text = stderr_text(&output);
    assert!(output.status.code() == Some(2) && text.contains("not valid UTF-8"), "{text}");
    assert!(!dir.join("new").exists());
}
