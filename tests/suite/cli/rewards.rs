//! `train gail` and its like, and `reward`, at the command line.

use std::path::Path;

use crate::cli::commands::{apprentice, json, run};

/// Settings that end within seconds.
const SMALL: [&str; 10] = [
    "--set",
    "training.steps=2",
    "--set",
    "ppo.n_envs=4",
    "--set",
    "ppo.n_steps=20",
    "--set",
    "ppo.n_eval_episodes=2",
    "--set",
    "training.batch_size=16",
];

fn train(learner: &str, more: &[&str], dir: &Path) -> (Option<i32>, String) {
    // `ppo` and `dqn` train no reward network.
    let reward: &[&str] = if matches!(learner, "ppo" | "dqn") { &[] } else { &["--set", "reward.batch_size=16"] };
    run(&[&["train", learner][..], more, &SMALL, reward].concat(), dir)
}

fn record(scene: &str, more: &[&str], dir: &Path) {
    let arguments = [&["record", "--scene", scene, "--episodes", "2"][..], more].concat();
    let (code, text) = run(&arguments, dir);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn an_inferred_reward_is_plotted_rated_and_transferred() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    for learner in ["gail", "vail", "airl", "amp", "maxent-irl", "apprenticeship"] {
        let (code, text) = train(learner, &["--dataset", "demos", "--run", learner], dir);
        assert!(code == Some(0) && text.contains("every episode has"), "{text}");
        let (code, text) =
            run(&["eval", "--policy", learner, "--scene", "slalom", "--episodes", "2", "--horizon", "3"], dir);
        assert!(code == Some(0) && text.contains("episode length   3.0 s"), "{text}");
        let csv = format!("{learner}.csv");
        let rated = json(&apprentice(&["reward", "rate", "demos", "--reward", learner, "--out", &csv, "--json"], dir));
        let episodes = rated["episodes"].as_array().unwrap();
        let ticks: u64 = episodes.iter().map(|episode| episode["length"].as_u64().unwrap()).sum();
        let lines = std::fs::read_to_string(dir.join(&csv)).unwrap();
        assert_eq!(lines.lines().count() as u64, ticks + 1);
        assert!(lines.lines().nth(1).unwrap().starts_with("0,0,"), "{lines}");
    }
    let linear = json(&apprentice(&["reward", "show", "apprenticeship", "--json"], dir));
    let weights = linear["weights"].as_array().unwrap();
    let length: f64 = weights.iter().map(|weight| weight["weight"].as_f64().unwrap().powi(2)).sum();
    assert!((length - 1.0).abs() < 1e-6, "weights of length {length}");
    assert!(weights.iter().any(|weight| weight["feature"] == "velocity_forward^2"));
    let (code, text) =
        run(&["reward", "show", "airl", "--map", "map.png", "--scene", "slalom", "--episodes", "1"], dir);
    assert!(code == Some(0) && dir.join("map.png").is_file(), "{text}");
    let (code, text) = train("ppo", &["--scene", "hairpins", "--reward", "airl", "--run", "transferred"], dir);
    // With a learned reward, the episodes have a fixed horizon, and the task's score does not select the policy.
    assert!(code == Some(0) && text.contains("every episode has"), "{text}");
    let config = std::fs::read_to_string(dir.join("transferred/config.toml")).unwrap();
    assert!(config.contains("select_after = 1.0"), "{config}");
    assert!(config.contains("\ngamma = 0.99\n"), "{config}");
    let (code, text) =
        train("ppo", &["--scene", "hairpins", "--reward", "airl", "--run", "farther", "--set", "ppo.gamma=0.995"], dir);
    assert_eq!(code, Some(0), "{text}");
    let farther = std::fs::read_to_string(dir.join("farther/config.toml")).unwrap();
    assert!(farther.contains("\ngamma = 0.995\n"), "{farther}");
    assert!(config.lines().any(|line| line.starts_with("from = ") && line.ends_with("/airl\"")), "{config}");
}

#[test]
fn resume_requires_the_newest_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    let steps = ["--dataset", "demos", "--run", "x", "--set", "training.save_freq=1"];
    let (code, text) = train("airl", &steps, dir);
    assert_eq!(code, Some(0), "{text}");
    std::fs::remove_dir_all(dir.join("x/last")).unwrap();
    let (code, text) = run(&["train", "airl", "--dataset", "demos", "--run", "x", "--resume"], dir);
    assert!(code == Some(2) && text.contains("copy the newest folder of checkpoints/"), "{text}");
    let newest = dir.join("x/checkpoints/000001");
    assert!(std::process::Command::new("cp").arg("-r").arg(newest).arg(dir.join("x/last")).status().unwrap().success());
    let (code, text) = run(&["train", "airl", "--dataset", "demos", "--run", "x", "--resume"], dir);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn task_reward_weight_mixes_in_the_task_reward() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    assert_eq!(train("airl", &["--dataset", "demos", "--run", "airl"], dir).0, Some(0));
    let learned = |run_name: &str, weight: &str| {
        let weight = format!("reward.task_reward_weight={weight}");
        let more = ["--scene", "slalom", "--reward", "airl", "--run", run_name, "--set", &weight];
        let (code, text) = train("ppo", &more, dir);
        assert_eq!(code, Some(0), "{text}");
        std::fs::read(dir.join(run_name).join("last/model.safetensors")).unwrap()
    };
    assert_ne!(learned("none", "0"), learned("half", "0.5"));
}

#[test]
fn amp_needs_no_actions() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "observed", "--states-only"], dir);
    let (code, text) = train("amp", &["--dataset", "observed", "--run", "amp"], dir);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = train("gail", &["--dataset", "observed", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("it holds no actions") && text.contains("train amp"), "{text}");
    assert!(!dir.join("gail").exists(), "no run folder is left");
}

#[test]
fn invalid_inputs_are_refused_with_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    let (code, text) = train("gail", &["--dataset", "demos", "--scene", "circuit", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("was recorded in slalom"), "{text}");
    record("circuit", &["--dataset", "others"], dir);
    for named in [&[][..], &["--scene", "slalom"]] {
        let both = [&["--dataset", "demos", "--dataset", "others", "--run", "gail"], named].concat();
        let (code, text) = train("gail", &both, dir);
        assert!(code == Some(2) && text.contains("several scenes (circuit, slalom)"), "{text}");
    }
    let (code, text) =
        train("gail", &["--dataset", "demos", "--run", "gail", "--set", "reward.gradient_penalty_coef=-1"], dir);
    assert!(code == Some(2) && text.contains("reward.gradient_penalty_coef is -1"), "{text}");
    let (code, text) = train("gail", &["--dataset", "nowhere", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("nowhere"), "{text}");
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "gail"], dir);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "gail"], dir);
    assert!(code == Some(2) && text.contains("--resume"), "{text}");
    let (code, text) = train("ppo", &["--scene", "courtyard", "--reward", "gail", "--run", "other"], dir);
    assert!(code == Some(2) && text.contains("other fields"), "{text}");
    let (code, text) = train("ppo", &["--scene", "slalom", "--reward", "demos", "--run", "other"], dir);
    assert!(code == Some(2) && text.contains("no inferred reward"), "{text}");
    let (code, text) = train("dqn", &["--scene", "slalom", "--reward", "gail", "--run", "other"], dir);
    assert!(code == Some(2) && text.contains("train ppo --reward"), "{text}");
    let (code, text) = run(&["reward", "show", "demos"], dir);
    assert!(code == Some(2) && text.contains("no inferred reward"), "{text}");
    let (code, text) = run(&["reward", "show", "nowhere"], dir);
    assert!(code == Some(2) && text.contains("no such folder"), "{text}");
    let (code, text) = run(&["reward", "show", "gail", "--map", "map.png", "--scene", "courtyard"], dir);
    assert!(code == Some(2) && text.contains("another agent"), "{text}");
    let (code, text) = run(&["eval", "--operator", "steady", "--scene", "slalom", "--horizon", "0"], dir);
    assert!(code == Some(2) && text.contains("--horizon"), "{text}");
    for (learner, set, message) in [
        ("gail", "network.n_demonstration_frames=4", "network.n_demonstration_frames"),
        ("gail", "training.epochs=3", "training.epochs"),
        ("gail", "data.quality_keep=0.1", "train gail does not read data.*"),
        ("vail", "reward.from=gail", "reads no learned reward"),
    ] {
        let (code, text) = train(learner, &["--dataset", "demos", "--run", "refused", "--set", set], dir);
        assert!(code == Some(2) && text.contains(message), "{learner} {set}: {text}");
    }
    let dqn = ["train", "dqn", "--scene", "slalom", "--run", "refused", "--set", "reward.from=gail"];
    let (code, text) = run(&dqn, dir);
    assert!(code == Some(2) && text.contains("train dqn reads no learned reward"), "{text}");
    assert!(!dir.join("refused").exists());
    // Resuming a run needs the policy that it started from.
    let cloning = ["train", "bc", "--dataset", "demos", "--run", "clone", "--set", "training.steps=10"];
    assert_eq!(run(&cloning, dir).0, Some(0));
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "better", "--init-from", "clone"], dir);
    assert!(code == Some(0) && text.contains("starting from"), "{text}");
    std::fs::rename(dir.join("clone"), dir.join("elsewhere")).unwrap();
    let (code, text) = train("gail", &["--dataset", "demos", "--run", "better", "--resume"], dir);
    assert!(code == Some(2) && text.contains("the run started from another policy"), "{text}");
    // The messages name an inconsistent description and a damaged weight file.
    let description = dir.join("gail/last/reward.json");
    let text = std::fs::read_to_string(&description).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["normalizer"]["observations"]["std"].as_array_mut().unwrap().pop();
    std::fs::write(&description, json.to_string()).unwrap();
    let (code, message) = run(&["reward", "rate", "demos", "--reward", "gail"], dir);
    assert!(code == Some(1) && message.contains("reward.json"), "{message}");
    std::fs::write(&description, text).unwrap();
    let weights = dir.join("gail/last/reward.safetensors");
    std::fs::write(&weights, b"nothing").unwrap();
    let (code, text) = run(&["reward", "rate", "demos", "--reward", "gail"], dir);
    assert!(code == Some(1) && text.contains("reward.safetensors"), "{text}");
}

#[test]
fn one_shot_policies_are_plotted_and_refused_by_other_learners() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    record("slalom", &["--dataset", "demos"], dir);
    let steps = ["--set", "training.steps=40"];
    let one_shot = [&["train", "one-shot", "--dataset", "demos", "--run", "one-shot"][..], &steps].concat();
    assert_eq!(run(&one_shot, dir).0, Some(0));
    let eval = ["eval", "--scene", "slalom", "--episodes", "2", "--plot"];
    let (code, text) =
        run(&[&eval[..], &["one-shot.png", "--policy", "one-shot", "--demonstration", "demos:0"]].concat(), dir);
    assert!(code == Some(0) && dir.join("one-shot.png").is_file(), "{text}");
    for learner in ["gail", "gan"] {
        let more = ["train", learner, "--dataset", "demos", "--init-from", "one-shot", "--run", "x"];
        let (code, text) = run(&[&more[..], &steps].concat(), dir);
        assert!(code == Some(2) && text.contains("network.n_demonstration_frames"), "{text}");
    }
    record("slalom", &["--dataset", "earlier", "--seed", "1"], dir);
    let ewc =
        ["train", "one-shot", "--dataset", "demos", "--init-from", "one-shot", "--earlier", "earlier", "--run", "y"];
    let (code, text) = run(&[&ewc[..], &steps, &["--set", "continual.method=ewc"]].concat(), dir);
    assert!(code == Some(2) && text.contains("use rehearsal"), "{text}");
}
