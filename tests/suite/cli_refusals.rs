//! What the learning commands refuse, and what is left afterwards.

use std::path::Path;

use super::cli::{apprentice, recorded, said};

const SHORT: [&str; 4] = ["--set", "training.steps=40", "--set", "training.validate_every=20"];

fn run(arguments: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = apprentice(arguments, dir);
    (output.status.code(), format!("{}{}", said(&output), String::from_utf8_lossy(&output.stdout)))
}

fn refused(arguments: &[&str], words: &str, dir: &Path) {
    let (code, text) = run(arguments, dir);
    assert!(code == Some(2) && text.contains(words), "{arguments:?} should say {words:?}, code {code:?}:\n{text}");
}

#[test]
fn an_operator_is_not_attacked() {
    let dir = recorded("slalom", "1");
    let eval = ["eval", "--operator", "steady", "--scene", "slalom", "--episodes", "1"];
    let attack = ["--attack", "pgd", "--epsilon", "0.2"];
    refused(&[&eval[..], &attack].concat(), "--attack", dir.path());
}

#[test]
fn a_layer_to_freeze_has_to_be_there() {
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
fn what_a_policy_begins_from_is_said_and_stays() {
    let dir = recorded("slalom", "2");
    let walks = ["record", "--scene", "courtyard", "--episodes", "1", "--dataset", "walks"];
    assert_eq!(run(&walks, dir.path()).0, Some(0));
    for name in ["base", "other"] {
        let train = ["train", "bc", "--dataset", "demos", "--run", name];
        assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    }
    let on = |from| ["train", "bc", "--dataset", "demos", "--init-from", from, "--run", "on"];
    let wide = ["--set", "network.hidden=[32]"];
    let (code, text) = run(&[&on("base")[..], &wide, &SHORT].concat(), dir.path());
    assert!(code == Some(0) && text.contains("the network is another"), "{text}");
    refused(&[&on("other")[..], &["--resume"]].concat(), "the run began from", dir.path());
    let (code, text) = run(&[&on("base")[..], &["--resume"]].concat(), dir.path());
    assert_eq!(code, Some(0), "{text}");
    let walk = ["train", "bc", "--dataset", "walks", "--init-from", "base", "--run", "walk"];
    refused(&walk, "no field in common", dir.path());
    let keep = ["train", "bc", "--dataset", "demos", "--earlier", "demos", "--run", "keep"];
    refused(&keep, "--init-from", dir.path());
}

#[test]
fn a_dataset_that_does_not_take_an_episode_is_left_as_it_was() {
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
fn rounds_in_several_scenes_ask_for_one() {
    let dir = recorded("slalom", "1");
    let laps = ["record", "--scene", "circuit", "--episodes", "1", "--dataset", "laps"];
    assert_eq!(run(&laps, dir.path()).0, Some(0));
    for learner in ["dagger", "bco"] {
        let train = ["train", learner, "--dataset", "demos", "--dataset", "laps", "--run", "x"];
        refused(&train, "--scene", dir.path());
    }
}

#[test]
fn a_policy_that_is_to_be_shown_something_says_how() {
    let dir = recorded("slalom", "2");
    let train = ["train", "one-shot", "--dataset", "demos", "--run", "shown"];
    assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    let eval = ["eval", "--policy", "shown", "--scene", "slalom", "--episodes", "1"];
    refused(&eval, "--demonstration DATASET:NUMBER", dir.path());
    let eval = [&eval[..], &["--demonstration", "demos:1"]].concat();
    assert_eq!(run(&eval, dir.path()).0, Some(0));
    let tune = ["tune", "one-shot", "--dataset", "demos", "--scene", "slalom", "--out", "t"];
    refused(&tune, "leave --scene out", dir.path());
    let tune = ["tune", "bc", "--dataset", "demos", "--set", "data.validation_fraction=0", "--out", "t"];
    refused(&tune, "validation_fraction", dir.path());
    // Nothing is searched that would not be read.
    std::fs::write(dir.path().join("space.toml"), "\"ppo.clip\" = { low = 0.1, high = 0.3 }\n").unwrap();
    let tune = ["tune", "bc", "--dataset", "demos", "--space", "space.toml", "--out", "t"];
    refused(&tune, "train bc does not read ppo.*", dir.path());
    let tune = ["tune", "bc", "--dataset", "demos", "--seed", "1", "--set", "training.seed=2", "--out", "t"];
    refused(&tune, "leave --set training.seed out", dir.path());
}
