//! `apprentice bench` through the real binary: one object for machines, and what it says of bad use.

use std::process::{Command, Output};

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
