//! `apprentice bench` through the real binary: one object for machines, and what it says of bad use.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apprentice")).arg("bench").args(arguments).output().expect("the binary runs")
}

#[test]
fn measurements_are_one_object() {
    let output = bench(&["overhead", "--seconds", "0.05", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).expect("one object on stdout");
    assert!(object["cores"].as_u64().is_some_and(|cores| cores >= 1), "{object}");
    assert!(object["adapters"].is_array(), "{object}");
    let measurements = object["measurements"].as_array().expect("an array");
    assert!(!measurements.is_empty());
    let number = |v: &Value| v.as_f64().is_some_and(f64::is_finite);
    for m in measurements {
        assert!(m["name"].as_str().is_some_and(|name| name.contains('/')), "{m}");
        assert!(m["unit"].as_str().is_some_and(|unit| !unit.is_empty()), "{m}");
        assert!(number(&m["value"]), "{m}");
        for key in ["limit", "ratio"] {
            assert!(m.get(key).is_some_and(|v| v.is_null() || number(v)), "{key} of {m}");
        }
    }
    assert!(measurements.iter().any(|m| number(&m["limit"]) && number(&m["ratio"])), "something is held to a limit");
}

#[test]
fn an_unknown_name_gets_the_list() {
    let output = bench(&["overhaed"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for name in apprentice::bench::GROUPS.iter().map(|group| group.name) {
        assert!(said.contains(name), "{name} is missing in {said}");
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    for seconds in ["0", "nan", "inf", "-1"] {
        let output = bench(&["overhead", &format!("--seconds={seconds}")]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "--seconds={seconds}: {said}");
        assert!(said.contains("--seconds"), "{said}");
    }
}

#[test]
fn what_was_measured_before_a_failure_is_kept() {
    let output = Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(["bench", "reset", "checkpoint", "--seconds", "0.05", "--json"])
        .env("TMPDIR", "/nonexistent")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).expect("one object on stdout");
    assert!(object["error"].as_str().is_some_and(|error| error.contains("checkpoint")), "{object}");
    let kept = object["measurements"].as_array().expect("an array");
    assert!(kept.iter().any(|m| m["name"] == "humanoid/reset"), "{object}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(["bench", "data"])
        .env("TMPDIR", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let left = || std::fs::read_dir(dir.path()).unwrap().count();
    let begun = Instant::now();
    while left() == 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(left(), 1, "its files");
    let sent = Command::new("kill").args(["-INT", &running.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let ended = running.wait().expect("it ends");
    assert_eq!(ended.code(), Some(1));
    assert_eq!(left(), 0, "its files are gone");
}
