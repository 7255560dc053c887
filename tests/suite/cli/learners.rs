//! `train` of supervised learners and `tune` at the command line: results, usage errors and exit codes.

use std::path::Path;

use tempfile::TempDir;

use crate::cli::commands::{apprentice, json, recorded, stderr_text};

const SHORT: [&str; 4] = ["--set", "training.steps=60", "--set", "training.eval_freq=30"];

fn run(arguments: &[&str], dir: &Path) -> (Option<i32>, String) {
    let output = apprentice(arguments, dir);
    (output.status.code(), stderr_text(&output))
}

/// Two short datasets and a policy trained on the first.
fn trained() -> TempDir {
    let dir = recorded("slalom", "3");
    let more = ["record", "--scene", "circuit", "--episodes", "2", "--dataset", "laps"];
    assert!(apprentice(&more, dir.path()).status.success());
    let train = ["train", "bc", "--dataset", "demos", "--run", "base"];
    assert!(apprentice(&[&train[..], &SHORT].concat(), dir.path()).status.success());
    dir
}

#[test]
fn a_lora_adapter_is_trained_and_merged() {
    let dir = trained();
    let train =
        ["train", "bc", "--dataset", "laps", "--init-from", "base", "--run", "laps-run", "--set", "init.lora_rank=2"];
    let (code, text) = run(&[&train[..], &SHORT].concat(), dir.path());
    assert_eq!(code, Some(0), "{text}");
    let output = apprentice(&[&train[..], &SHORT].concat(), dir.path());
    assert_eq!(output.status.code(), Some(2), "the folder holds a run: {}", stderr_text(&output));
    assert!(dir.path().join("laps-run/best/adapter.safetensors").exists());
    let info = json(&apprentice(&["policy", "info", "laps-run", "--json"], dir.path()));
    assert_eq!(info["config"]["adapter"]["rank"], 2);
    assert_eq!(run(&["policy", "merge", "laps-run", "--out", "merged"], dir.path()).0, Some(0));
    let eval = |policy: &str| {
        let arguments = ["eval", "--policy", policy, "--scene", "circuit", "--episodes", "2", "--json"];
        json(&apprentice(&arguments, dir.path()))["mean_reward"].as_f64().expect("a number")
    };
    // Rounding errors of another order of summation add up over an episode.
    assert!((eval("merged") - eval("laps-run")).abs() < 0.05);
    let (code, text) = run(&["policy", "merge", "base", "--out", "again"], dir.path());
    assert!(code == Some(2) && text.contains("is not a LoRA adapter"), "{text}");
    let (code, text) = run(&["policy", "merge", "laps-run", "--out", "merged"], dir.path());
    assert!(code == Some(2) && text.contains("exists already"), "{text}");
}

#[test]
fn invalid_inputs_are_refused_and_leave_no_policy() {
    let dir = trained();
    let observed = ["record", "--scene", "slalom", "--episodes", "1", "--dataset", "observed", "--states-only"];
    assert_eq!(run(&observed, dir.path()).0, Some(0));
    let walks = ["record", "--scene", "courtyard", "--episodes", "1", "--dataset", "walks"];
    assert_eq!(run(&walks, dir.path()).0, Some(0));
    let cases: [(&[&str], i32, &str); 11] = [
        (&["train", "bc", "--dataset", "observed", "--run", "x"], 2, "train bco"),
        (
            &[
                "train",
                "bc",
                "--dataset",
                "demos",
                "--run",
                "x",
                "--set",
                "head.chunk_size=250",
                "--set",
                "head.n_action_steps=99999",
            ],
            2,
            "head.n_action_steps",
        ),
        (&["train", "bc", "--dataset", "demos", "--dataset", "walks", "--run", "x"], 2, "unlike demos"),
        (
            &["train", "bc", "--dataset", "walks", "--init-from", "base", "--run", "x", "--set", "init.lora_rank=2"],
            2,
            "no field in common",
        ),
        (&["train", "bc", "--dataset", "demos", "--init-from", "nothing", "--run", "x"], 2, "holds no policy"),
        (&["train", "bc", "--dataset", "demos", "--run", "x", "--set", "init.lora_rank=2"], 2, "--init-from"),
        (
            &["train", "bc", "--dataset", "demos", "--run", "x", "--set", "data.exclude=[\"rays\"]"],
            2,
            "there is no field `rays`",
        ),
        (
            &["train", "bc", "--dataset", "demos", "--run", "x", "--set", "network.conv_features=[\"rays\"]"],
            2,
            "network.conv_features",
        ),
        (&["train", "bco", "--dataset", "walks", "--scene", "slalom", "--run", "x"], 2, "--scene"),
        (&["eval", "--policy", "base", "--scene", "slalom", "--attack", "pgd"], 2, "--epsilon"),
        (
            &["eval", "--policy", "base", "--scene", "slalom", "--demonstration", "demos:0"],
            2,
            "without demonstration conditioning",
        ),
    ];
    for (arguments, expected, message) in cases {
        let (code, text) = run(arguments, dir.path());
        assert_eq!(code, Some(expected), "{arguments:?}: {text}");
        assert!(text.contains(message), "{arguments:?} should print {message:?}:\n{text}");
        assert!(!dir.path().join("x/best").exists() && !dir.path().join("x/rounds").exists(), "{arguments:?}");
        let _ = std::fs::remove_dir_all(dir.path().join("x"));
    }
    for command in [&["dataset", "check", "observed"][..], &["dataset", "replay", "observed", "0"]] {
        let (code, text) = run(command, dir.path());
        assert!(code == Some(2) && text.contains("without actions"), "{command:?}: {text}");
    }
    assert_eq!(run(&["dataset", "info", "observed"], dir.path()).0, Some(0));
}

#[test]
fn a_chunk_longer_than_an_episode_is_padded() {
    let dir = recorded("slalom", "1");
    let scene = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/slalom.ron")).unwrap();
    let limit = scene.lines().find(|line| line.contains("time_limit")).expect("a time limit");
    std::fs::write(dir.path().join("short.ron"), scene.replace(limit, "    time_limit: 1.0,")).unwrap();
    assert_eq!(
        run(&["record", "--scene", "short.ron", "--episodes", "1", "--dataset", "short"], dir.path()).0,
        Some(0)
    );
    let train = ["train", "bc", "--dataset", "short", "--run", "x", "--set", "head.chunk_size=40"];
    let (code, text) = run(&[&train[..], &SHORT].concat(), dir.path());
    assert_eq!(code, Some(0), "{text}");
    assert!(dir.path().join("x/best/config.json").is_file());
}

#[test]
fn only_noise_attacks_a_discrete_policy() {
    let dir = recorded("slalom", "2");
    let train = ["train", "bc", "--dataset", "demos", "--run", "keys", "--set", "head.kind=categorical"];
    assert_eq!(run(&[&train[..], &SHORT].concat(), dir.path()).0, Some(0));
    let eval = |kind: &str| {
        run(
            &["eval", "--policy", "keys", "--scene", "slalom", "--episodes", "2", "--attack", kind, "--epsilon", "0.1"],
            dir.path(),
        )
    };
    let (code, text) = eval("pgd");
    assert!(code == Some(2) && text.contains("no gradient") && text.contains("use noise"), "{text}");
    assert_eq!(eval("noise").0, Some(0));
}

#[test]
fn divergence_is_reported_with_its_step_and_keeps_the_last_checkpoint() {
    let dir = recorded("slalom", "2");
    let sets = [
        "optimizer.learning_rate=1e30",
        "optimizer.warmup_steps=400",
        "optimizer.max_grad_norm=0",
        "training.save_freq=1",
        "training.log_freq=1",
        "training.eval_freq=1000",
    ];
    let mut arguments = vec!["train", "bc", "--dataset", "demos", "--run", "x"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let (code, text) = run(&arguments, dir.path());
    assert!(code == Some(1) && text.contains("diverged at step") && text.contains("learning_rate"), "{text}");
    let kept = std::fs::read_dir(dir.path().join("x/checkpoints")).map_or(0, Iterator::count);
    assert!(kept > 0, "the checkpoints before the divergence are kept");
    assert_eq!(run(&["policy", "info", "x/last"], dir.path()).0, Some(0));
}

#[test]
fn diverged_weights_are_not_saved() {
    let dir = recorded("slalom", "2");
    let sets = [
        "optimizer.learning_rate=1e30",
        "optimizer.warmup_steps=0",
        "training.save_freq=10",
        "training.log_freq=1000",
        "training.eval_freq=1000",
    ];
    let mut arguments = vec!["train", "bc", "--dataset", "demos", "--run", "x"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let (code, text) = run(&arguments, dir.path());
    assert!(code == Some(1) && text.contains("diverged at step 10:"), "{text}");
    assert!(!dir.path().join("x/last").exists(), "there were no finite weights to save");
}

#[test]
fn tune_prints_its_trials_and_writes_a_table_and_a_plot() {
    let dir = recorded("slalom", "2");
    std::fs::write(
        dir.path().join("space.toml"),
        "\"optimizer.learning_rate\" = { low = 1e-4, high = 1e-2, log = true }",
    )
    .unwrap();
    let tune = ["tune", "bc", "--dataset", "demos", "--space", "space.toml", "--trials", "3", "--out", "t", "--json"];
    let search = json(&apprentice(&[&tune[..], &SHORT].concat(), dir.path()));
    assert_eq!(search["trials"].as_array().map(Vec::len), Some(3));
    assert!(dir.path().join("t/trials.md").exists() && dir.path().join("t/trials.png").exists());
    let best = search["policy"].as_str().expect("a run").to_owned();
    assert_eq!(run(&["policy", "info", &best], dir.path()).0, Some(0));
    // More trials resume the search.
    let more = ["tune", "bc", "--dataset", "demos", "--space", "space.toml", "--trials", "4", "--out", "t", "--json"];
    let more = json(&apprentice(&[&more[..], &SHORT].concat(), dir.path()));
    assert_eq!(more["trials"].as_array().map(|t| t[..3].to_vec()), search["trials"].as_array().cloned());
    // Fewer trials remove none.
    let fewer = ["tune", "bc", "--dataset", "demos", "--space", "space.toml", "--trials", "2", "--out", "t", "--json"];
    assert_eq!(json(&apprentice(&[&fewer[..], &SHORT].concat(), dir.path()))["trials"], more["trials"]);
    let (code, text) = run(&["tune", "bc", "--dataset", "demos", "--space", "none.toml", "--out", "u"], dir.path());
    assert!(code == Some(2) && text.contains("none.toml"), "{text}");
}

#[test]
fn another_learner_keeps_its_own_head() {
    let dir = trained();
    let train = ["train", "vae", "--dataset", "demos", "--init-from", "base", "--run", "vae"];
    let (code, text) = run(&[&train[..], &SHORT].concat(), dir.path());
    assert_eq!(code, Some(0), "{text}");
    let info = json(&apprentice(&["policy", "info", "vae", "--json"], dir.path()));
    assert_eq!(info["config"]["head"]["kind"], "vae");
}
