//! Usage errors of the commands that record, train, tune and evaluate.

use std::path::Path;

use crate::cli::commands::{apprentice, recorded, stderr_text};

const SHORT: [&str; 4] = ["--set", "training.steps=40", "--set", "training.eval_freq=20"];

fn run(arguments: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = apprentice(arguments, dir);
    (output.status.code(), format!("{}{}", stderr_text(&output), String::from_utf8_lossy(&output.stdout)))
}

fn refused(arguments: &[&str], message: &str, dir: &Path) {
    let (code, text) = run(arguments, dir);
    assert!(
        code == Some(2) && text.contains(message),
        "{arguments:?} should print {message:?}, code {code:?}:\n{text}"
    );
}

#[test]
fn attacks_require_a_policy() {
    let dir = recorded("slalom", "1");
    let eval = ["eval", "--operator", "steady", "--scene", "slalom", "--episodes", "1"];
    let attack = ["--attack", "pgd", "--epsilon", "0.2"];
    refused(&[&eval[..], &attack].concat(), "--attack", dir.path());
}

#[test]
fn freezing_an_unknown_layer_is_refused() {
    let dir = recorded("slalom", "2");
    let train = ["train", "bc", "--dataset", "demos", "--run", "base"];
    assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    let on = ["train", "bc", "--dataset", "demos", "--init-from", "base", "--run", "x", "--set"];
    let (code, text) = run(&[&on[..], &["init.freeze=hidden"]].concat(), dir.path());
    assert!(code == Some(2) && text.contains("\"hidden\"") && text.contains("trunk.Mlp.layers.0.weight"), "{text}");
    assert!(!dir.path().join("x/last").exists());
    assert_eq!(run(&[&on[..], &["init.freeze=trunk"], &SHORT].concat(), dir.path()).0, Some(0));
}

#[test]
fn init_from_must_fit_and_is_fixed_for_resume() {
    let dir = recorded("slalom", "2");
    let walks = ["record", "--scene", "courtyard", "--episodes", "1", "--dataset", "walks"];
    assert_eq!(run(&walks, dir.path()).0, Some(0));
    for name in ["base", "other"] {
        let train = ["train", "bc", "--dataset", "demos", "--run", name];
        assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    }
    let on = |from| ["train", "bc", "--dataset", "demos", "--init-from", from, "--run", "on"];
    let smaller = ["--set", "network.hidden_sizes=[32]"];
    let (code, text) = run(&[&on("base")[..], &smaller, &SHORT].concat(), dir.path());
    assert!(code == Some(0) && text.contains("another network"), "{text}");
    refused(&[&on("other")[..], &["--resume"]].concat(), "the run started from", dir.path());
    let (code, text) = run(&[&on("base")[..], &["--resume"]].concat(), dir.path());
    assert_eq!(code, Some(0), "{text}");
    let walk = ["train", "bc", "--dataset", "walks", "--init-from", "base", "--run", "walk"];
    refused(&walk, "no field in common", dir.path());
    let keep = ["train", "bc", "--dataset", "demos", "--earlier", "demos", "--run", "keep"];
    refused(&keep, "--init-from", dir.path());
}

#[test]
fn a_mismatching_episode_leaves_the_dataset_unchanged() {
    let dir = recorded("slalom", "1");
    let journals = || dir.path().join("demos/journal").read_dir().map_or(0, Iterator::count);
    for wrong in [&["--scene", "courtyard"][..], &["--scene", "slalom", "--states-only"]] {
        let record = ["record", "--episodes", "1", "--dataset", "demos"];
        refused(&[&record[..], wrong].concat(), "does not fit", dir.path());
        assert_eq!(journals(), 0, "{wrong:?}");
    }
    let more = ["record", "--scene", "slalom", "--episodes", "1", "--dataset", "demos"];
    let (code, text) = run(&more, dir.path());
    assert!(code == Some(0) && !text.contains("WARN"), "{text}");
}

#[test]
fn interactive_learners_require_one_scene() {
    let dir = recorded("slalom", "1");
    let laps = ["record", "--scene", "circuit", "--episodes", "1", "--dataset", "laps"];
    assert_eq!(run(&laps, dir.path()).0, Some(0));
    for learner in ["dagger", "bco"] {
        let train = ["train", learner, "--dataset", "demos", "--dataset", "laps", "--run", "x"];
        refused(&train, "--scene", dir.path());
    }
}

#[test]
fn one_shot_policies_require_a_demonstration() {
    let dir = recorded("slalom", "2");
    let train = ["train", "one-shot", "--dataset", "demos", "--run", "one-shot"];
    assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    let eval = ["eval", "--policy", "one-shot", "--scene", "slalom", "--episodes", "1"];
    refused(&eval, "--demonstration DATASET:NUMBER", dir.path());
    let eval = [&eval[..], &["--demonstration", "demos:1"]].concat();
    assert_eq!(run(&eval, dir.path()).0, Some(0));
    let tune = ["tune", "one-shot", "--dataset", "demos", "--scene", "slalom", "--out", "t"];
    refused(&tune, "leave --scene out", dir.path());
}

#[test]
fn tune_refuses_settings_that_it_does_not_read() {
    let dir = recorded("slalom", "2");
    let tune = ["tune", "bc", "--dataset", "demos", "--set", "data.validation_fraction=0", "--out", "t"];
    refused(&tune, "validation_fraction", dir.path());
    std::fs::write(dir.path().join("space.toml"), "\"ppo.clip_range\" = { low = 0.1, high = 0.3 }\n").unwrap();
    let tune = ["tune", "bc", "--dataset", "demos", "--space", "space.toml", "--out", "t"];
    refused(&tune, "train bc does not read ppo.*", dir.path());
    let tune = ["tune", "bc", "--dataset", "demos", "--seed", "1", "--set", "training.seed=2", "--out", "t"];
    refused(&tune, "leave --set training.seed out", dir.path());
}
