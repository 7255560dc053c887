//! The allowed imports between the modules, as in the design: any other `crate::` import fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `src/` and the modules that its files may import.
const MAY_IMPORT: [(&str, &[&str]); 18] = [
    ("spaces", &[]),
    ("sim", &[]),
    ("keys", &["sim"]),
    ("agents", &["spaces", "sim", "keys"]),
    ("teleop", &["spaces", "sim", "keys", "agents"]),
    ("world", &["agents", "sim"]),
    ("tasks", &["spaces", "sim", "agents", "teleop", "world"]),
    ("scenes", &["spaces", "sim", "agents", "teleop", "world", "tasks"]),
    ("demos", &["spaces", "sim", "agents", "tasks", "scenes"]),
    ("policies", &["spaces", "sim", "agents"]),
    ("rollout", &["spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies"]),
    ("learn", &["spaces", "sim", "tasks", "scenes", "demos", "policies", "rollout"]),
    ("live", &["spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn"]),
    ("bench", &["sim", "spaces", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    ("study", &["sim", "world", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    ("tune", &["policies", "learn"]),
    ("ui", &["spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    (
        "cli",
        &[
            "spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live",
            "bench", "study", "tune", "ui",
        ],
    ),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder of the crate").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The names of the modules that a source text imports with `crate::`.
fn imported(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or(group));
            let limit = if rest.starts_with('{') { usize::MAX } else { 1 };
            for name in names.split(',').take(limit) {
                let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn every_import_is_allowed() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (folder, allowed) in MAY_IMPORT {
        let mut files = Vec::new();
        sources(&src.join(folder), &mut files);
        assert!(!files.is_empty(), "src/{folder} has no sources");
        for file in files {
            let text = fs::read_to_string(&file).expect("a source file");
            for name in imported(&text) {
                if name != folder && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} imports {name}", file.strip_prefix(&src).unwrap_or(&file).display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that the design does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).expect("src").flatten().filter(|e| e.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(MAY_IMPORT.iter().any(|(folder, _)| *folder == name), "src/{name} is not in the table");
    }
}

#[test]
fn imports_in_groups_are_found_and_comments_are_ignored() {
    let text = "use crate::{sim, demos::Dataset};\n// crate::cli\nfn f() { crate::ui::run() }";
    let found: Vec<String> = imported(text).into_iter().collect();
    assert_eq!(found, ["demos", "sim", "ui"]);
}

#[test]
fn no_file_is_too_long_and_main_is_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples"] {
        sources(&root.join(folder), &mut files);
    }
    for file in files {
        let lines = fs::read_to_string(&file).expect("a source file").lines().count();
        let limit = if file.ends_with("src/main.rs") { 60 } else { 600 };
        assert!(lines <= limit, "{} has {lines} lines, at most {limit} are allowed", file.display());
    }
}
