//! `train NAME --print-config`: every setting with its documentation, as TOML that can be given back.

use std::fs;

use apprentice::learn::{TrainConfig, learners};

use crate::cli::commands::{apprentice, run, stderr_text};

#[test]
fn the_printed_settings_are_the_defaults() {
    for learner in learners() {
        let config = TrainConfig::defaults(learner);
        let text = config.to_documented_toml().unwrap();
        assert_eq!(config.with_toml(&text, "the printed text").unwrap(), config, "{}", learner.name());
        let comments = text.lines().filter(|line| line.starts_with("# ")).count();
        let keys = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        assert!(comments > keys, "{}: {comments} lines of comments for {keys} keys", learner.name());
    }
}

#[test]
fn a_learner_has_the_sections_that_it_reads() {
    let sections = |name: &str| {
        let config = apprentice::learn::defaults(name);
        config.all_sections().iter().map(|section| section.name()).collect::<Vec<_>>()
    };
    assert_eq!(sections("ppo"), ["network", "head", "optimizer", "init", "ppo", "reward", "training"]);
    assert_eq!(
        sections("bc"),
        ["network", "head", "optimizer", "init", "data", "continual", "adversarial", "training"]
    );
    assert_eq!(sections("dqn"), ["network", "head", "optimizer", "init", "dqn", "training"]);
}

#[test]
fn the_printed_text_configures_a_run() {
    let dir = crate::cli::commands::recorded("slalom", "2");
    let output = apprentice(&["train", "bc", "--print-config"], dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("# Peak learning rate.") && text.contains("# Range: above 0."), "{text}");
    let edited = text.replace("\nsteps = 10000\n", "\nsteps = 3\n");
    assert_ne!(edited, text);
    fs::write(dir.path().join("bc.toml"), edited).unwrap();
    let (code, text) = run(&["train", "bc", "--dataset", "demos", "--run", "run", "--config", "bc.toml"], dir.path());
    assert!(code == Some(0) && text.contains("finished after 3 steps"), "{text}");
    let (code, text) = run(&["train", "ppo", "--scene", "slalom", "--run", "other", "--config", "bc.toml"], dir.path());
    assert!(code == Some(2) && text.contains("those of `train bc`"), "{text}");
}
