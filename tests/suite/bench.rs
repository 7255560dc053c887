//! `apprentice bench` through the binary: JSON output, errors, and interruption.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apprentice")).arg("bench").args(arguments).output().expect("the binary runs")
}

#[test]
fn measurements_are_one_json_object() {
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
        for key in ["reference", "ratio"] {
            assert!(m.get(key).is_some_and(|v| v.is_null() || number(v)), "{key} of {m}");
        }
    }
    assert!(
        measurements.iter().any(|m| number(&m["reference"]) && number(&m["ratio"])),
        "some measurement has a reference"
    );
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let output = bench(&["overhaed"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for name in apprentice::bench::GROUPS.iter().map(|group| group.name) {
        assert!(stderr.contains(name), "{name} is missing in {stderr}");
    }
}

#[test]
fn an_invalid_time_is_rejected() {
    for seconds in ["0", "nan", "inf", "-1"] {
        let output = bench(&["overhead", &format!("--seconds={seconds}")]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "--seconds={seconds}: {stderr}");
        assert!(stderr.contains("--seconds"), "{stderr}");
    }
}

#[test]
fn measurements_before_a_failure_are_reported() {
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
fn an_interrupt_removes_temporary_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(["bench", "data"])
        .env("TMPDIR", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let entries = || std::fs::read_dir(dir.path()).unwrap().count();
    let start = Instant::now();
    while entries() == 0 && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(entries(), 1, "its temporary folder");
    let sent = Command::new("kill").args(["-INT", &running.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let ended = running.wait().expect("it ends");
    assert_eq!(ended.code(), Some(1));
    assert_eq!(entries(), 0, "its temporary folder is removed");
}
