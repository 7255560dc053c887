//! A damaged policy folder gives an error with path, cause and remedy, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use apprentice::policies::Policy;
use apprentice::policies::artifact::{CONFIG_FILE, WEIGHTS_FILE};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::policies::artifact::trained;

const FILES: [&str; 2] = [CONFIG_FILE, WEIGHTS_FILE];

/// The files of a valid policy.
fn valid_files() -> &'static [Vec<u8>; 2] {
    static FILES_READ: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    FILES_READ.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        trained(dir.path(), &["network.hidden_sizes=[4]"]);
        FILES.map(|file| fs::read(dir.path().join("best").join(file)).unwrap())
    })
}

/// A policy folder with files modified by `change`.
fn modified(change: impl Fn(&str, &mut Vec<u8>)) -> (TempDir, PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path().join("policy");
    fs::create_dir(&dir).unwrap();
    for (file, bytes) in FILES.into_iter().zip(valid_files()) {
        let mut bytes = bytes.clone();
        change(file, &mut bytes);
        fs::write(dir.join(file), bytes).unwrap();
    }
    (guard, dir)
}

fn message(dir: &Path) -> String {
    let text = Policy::load(dir).expect_err("a damaged policy").to_string();
    assert!(text.contains(dir.to_str().unwrap()), "no path: {text}");
    text
}

/// The error after replacing text in `config.json`.
fn edited(from: &str, to: &str) -> String {
    let (_guard, dir) = modified(|file, bytes| {
        if file == CONFIG_FILE {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{from} is not in {text}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    });
    message(&dir)
}

#[test]
fn the_valid_policy_loads() {
    let (_guard, dir) = modified(|_, _| {});
    Policy::load(&dir).unwrap();
}

#[test]
fn configuration_errors_name_the_cause() {
    for (from, to, expected) in [
        ("\"format_version\": 3", "\"format_version\": 9", "version 9"),
        ("\"format\": \"apprentice-policy\"", "\"format\": \"other\"", "other"),
        ("\"agent\":", "\"agency\":", "missing field `agent`"),
        ("\"unit\": \"1\"", "\"unit\": \"m\"", "observation_hash"),
        ("\"size\": 3", "\"size\": 0", "field x is empty"),
        ("\"size\": 3", "\"size\": 99999999999", "99999999999 numbers"),
        ("\"size\": 3", "\"size\": 18446744073709551615", "numbers"),
        ("\"mean\": [", "\"mean\": [1.0,", "observation_normalizer has 4 means"),
        ("\"layer_norm\": false", "\"layer_norm\": true", "lacks the tensor trunk.Mlp.norms.0.gamma of shape [4]"),
        ("\"kind\": \"squared_error\"", "\"kind\": \"gaussian\"", "lacks the tensor head.Gaussian"),
        ("\"control_dt\": ", "\"control_dt\": -", "control_dt"),
    ] {
        let text = edited(from, to);
        assert!(text.contains(expected) && text.contains("train the policy again"), "{to}: {text}");
    }
    let text = edited("      4\n", "      5\n");
    assert!(text.contains("trunk.Mlp.layers.0.weight has the shape [3, 4] instead of [3, 5]"), "{text}");
    let text = edited("      4\n", "      999999999\n");
    assert!(text.contains("999999999 units"), "{text}");
    let text = edited("      4\n", "");
    assert!(text.contains("head.SquaredError.mean.weight") || text.contains("trunk.Mlp.layers"), "{text}");
}

#[test]
fn errors_name_missing_files() {
    for file in FILES {
        let (_guard, dir) = modified(|_, _| {});
        fs::remove_file(dir.join(file)).unwrap();
        assert!(message(&dir).contains(file));
    }
}

#[test]
fn errors_name_tensors_that_are_not_finite() {
    for bad in [f32::NAN, f32::INFINITY] {
        let (_guard, dir) = modified(|file, bytes| {
            if file == WEIGHTS_FILE {
                let end = bytes.len();
                bytes[end - 4..].copy_from_slice(&bad.to_le_bytes());
            }
        });
        let text = message(&dir);
        assert!(text.contains("tensor ") && text.contains(&bad.to_string()), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncated_files_are_refused(which in 0..2usize, at in 0.0..1.0f64) {
        let (_guard, dir) = modified(|file, bytes| {
            if file == FILES[which] {
                bytes.truncate((bytes.len() as f64 * at) as usize);
            }
        });
        message(&dir);
    }

    #[test]
    fn changed_bytes_never_panic(
        which in 0..2usize,
        changes in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..8),
    ) {
        let (_guard, dir) = modified(|file, bytes| {
            if file == FILES[which] {
                for (at, value) in &changes {
                    let at = (bytes.len() as f64 * at) as usize;
                    bytes[at] = *value;
                }
            }
        });
        if let Ok(mut policy) = Policy::load(&dir) {
            let size = policy.config().action.size();
            let mut actions = vec![0.0; size];
            policy.act(&vec![0.5; policy.config().observation.size()], &mut [], &mut actions);
            prop_assert!(actions.iter().all(|a| a.is_finite()));
        }
    }
}
