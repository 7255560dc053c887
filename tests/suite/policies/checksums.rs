//! A changed number in a policy or a checkpoint is an error, and not another policy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::policies::checksums::{CHECKSUMS_FILE, json_with_checksum, read_json_with_checksum};
use proptest::prelude::*;

use crate::policies::artifact::trained;
use crate::testing::learn::{config, data};

/// The files of a folder, but the checksums.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap() != CHECKSUMS_FILE);
    files.sort();
    files
}

#[test]
fn a_changed_weight_or_normalizer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let best = dir.path().join("best");
    Policy::load(&best).unwrap();
    // The lowest bit of a weight, and a digit of a number.
    let weights = best.join("model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    let mut changed = bytes.clone();
    let last = changed.len() - 4;
    changed[last] ^= 1;
    fs::write(&weights, changed).unwrap();
    let error = Policy::load(&best).unwrap_err().to_string();
    assert!(error.contains("model.safetensors") && error.contains("not the file that was saved"), "{error}");
    fs::write(&weights, bytes).unwrap();
    let path = best.join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["action_normalizer"]["std"][0] = 1.5.into();
    fs::write(&path, json.to_string()).unwrap();
    let error = Policy::load(&best).unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("not the file that was saved"), "{error}");
    // A folder without checksums is one that another program wrote.
    fs::remove_file(best.join(CHECKSUMS_FILE)).unwrap();
    Policy::load(&best).unwrap();
}

#[test]
fn every_file_of_a_checkpoint_is_checked_before_training_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let problem = data(4, 30, (3, 2), |o, a| a.copy_from_slice(&o[..2]));
    let config = config(&["training.steps=20", "training.save_freq=10"]);
    let options = |resume| RunOptions { resume, ..RunOptions::new(dir.path()) };
    let stop = RunOptions { stop: Arc::new(AtomicBool::new(true)), ..options(false) };
    train_on_dataset(&config, &problem, &stop, &mut ()).unwrap();
    let last = dir.path().join("last");
    for path in files(&last) {
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        // A digit of a number in JSON, a bit of a number elsewhere.
        let json = path.extension().is_some_and(|extension| extension == "json");
        let at = changed.iter().rposition(|byte| !json || byte.is_ascii_digit()).expect("a number");
        changed[at] = if json { b'0' + (changed[at] - b'0' + 1) % 10 } else { changed[at] ^ 1 };
        fs::write(&path, changed).unwrap();
        let error = train_on_dataset(&config, &problem, &options(true), &mut ()).unwrap_err().to_string();
        assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{}: {error}", path.display());
        fs::write(&path, bytes).unwrap();
    }
    train_on_dataset(&config, &problem, &options(true), &mut ()).unwrap();
}

proptest! {
    #[test]
    fn json_with_a_checksum_reads_back_and_any_changed_byte_is_refused(
        numbers in prop::collection::vec(any::<f64>().prop_filter("JSON holds it", |x| x.is_finite()), 1..8),
        at in 0.0..1.0f64,
        value in any::<u8>(),
    ) {
        let text = json_with_checksum(&numbers).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let read: Vec<f64> = read_json_with_checksum(&text).unwrap();
        prop_assert!(read.iter().zip(&numbers).all(|(a, b)| (a - b).abs() <= 1e-15 * b.abs() + f64::MIN_POSITIVE));
        let mut bytes = text.clone().into_bytes();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] = value;
        if bytes != text.as_bytes() && let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(read_json_with_checksum::<Vec<f64>>(&changed).is_err(), "{changed}");
        }
    }
}
