//! A take of a few ticks does not keep a learner from the other episodes.

use std::path::Path;

use apprentice::learn::{Need, learners};
use tempfile::TempDir;

use super::commands::{apprentice, json, recorded, stderr_text};

/// Three episodes, the first cut to one tick and the second to seven.
fn with_fragments() -> TempDir {
    let folder = recorded("slalom", "3");
    let info = json(&apprentice(&["dataset", "info", "demos", "--json"], folder.path()));
    for (number, ticks) in [("0", 1), ("1", 7)] {
        let length = info["episodes"][number.parse::<usize>().expect("a number")]["length"].as_u64().expect("a number");
        let end = (length - ticks).to_string();
        let trim = ["dataset", "trim", "demos", number, "--end", &end];
        assert!(apprentice(&trim, folder.path()).status.success());
    }
    folder
}

fn train(learner: &str, changes: &[&str], dir: &Path) -> String {
    let mut arguments = vec!["train", learner, "--dataset", "demos", "--run", learner];
    for change in changes {
        arguments.extend(["--set", change]);
    }
    let output = apprentice(&arguments, dir);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr_text(&output));
    assert!(output.status.success(), "{learner}: {text}");
    assert!(dir.join(learner).join("best/config.json").exists(), "{learner}");
    text
}

#[test]
fn every_supervised_learner_trains_with_fragments() {
    let folder = with_fragments();
    let supervised: Vec<&str> = learners()
        .into_iter()
        .filter(|learner| learner.requirements().dataset == Need::Required && learner.requirements().scene == Need::No)
        .map(|learner| learner.name())
        .collect();
    for expected in ["act", "bc", "behavior-prediction", "diffusion", "gan", "one-shot", "vae"] {
        assert!(supervised.contains(&expected), "{expected} is not in {supervised:?}");
    }
    for learner in supervised {
        let text =
            train(learner, &["training.steps=6", "training.eval_freq=3", "training.batch_size=16"], folder.path());
        assert!(!text.contains("remove"), "{learner}: {text}");
    }
    std::fs::remove_dir_all(folder.path().join("bc")).expect("removes");
    train(
        "bc",
        &["network.kind=lstm", "network.n_obs_steps=4", "training.steps=6", "training.eval_freq=3"],
        folder.path(),
    );
}

#[test]
fn episodes_that_cannot_serve_are_left_out_with_their_number() {
    let folder = with_fragments();
    let changes = ["training.steps=6", "training.eval_freq=3", "bco.rounds=1", "bco.inverse_horizon=7"];
    let text = train("bco", &changes, folder.path());
    assert!(text.contains("2 of the 3 demonstrations are left out"), "{text}");
}
