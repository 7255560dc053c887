//! `train ppo`, `reinforce` and `dqn` at the command line.

use std::path::Path;

use crate::cli::commands::{apprentice, json, run};

/// Settings that end within seconds.
const SMALL: [&str; 2] = ["training.steps=2", "training.batch_size=16"];
const SMALL_PPO: [&str; 3] = ["ppo.n_envs=4", "ppo.n_steps=20", "ppo.n_eval_episodes=2"];
const SMALL_DQN: [&str; 3] = ["dqn.n_envs=4", "dqn.learning_starts=40", "dqn.n_eval_episodes=2"];

fn train(learner: &str, more: &[&str], dir: &Path) -> (Option<i32>, String) {
    let own: &[&str] = match learner {
        "ppo" | "reinforce" => &SMALL_PPO,
        "dqn" => &SMALL_DQN,
        _ => &[],
    };
    let sets = SMALL.iter().chain(own).flat_map(|set| ["--set", *set]);
    let arguments: Vec<&str> = ["train", learner].into_iter().chain(more.iter().copied()).chain(sets).collect();
    run(&arguments, dir)
}

#[test]
fn policies_are_trained_evaluated_resumed_and_fine_tuned() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for learner in ["ppo", "reinforce", "dqn"] {
        let (code, text) = train(learner, &["--scene", "slalom", "--run", learner], dir);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("policy: ") && text.contains("best policy: mean reward"), "{text}");
        assert!(dir.join(learner).join("return.png").exists());
        let (code, text) = run(&["eval", "--policy", learner, "--scene", "slalom", "--episodes", "2"], dir);
        assert_eq!(code, Some(0), "{text}");
        let (code, text) = train(learner, &["--scene", "slalom", "--run", learner], dir);
        assert!(code == Some(2) && text.contains("--resume"), "{text}");
        let (code, text) = run(&["train", learner, "--scene", "circuit", "--run", learner, "--resume"], dir);
        assert!(code == Some(2) && text.contains("training data has changed"), "{text}");
        let (code, text) = run(&["train", learner, "--scene", "slalom", "--run", learner, "--resume"], dir);
        assert_eq!(code, Some(0), "{text}");
    }
    assert_eq!(run(&["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos"], dir).0, Some(0));
    let cloning = ["train", "bc", "--dataset", "demos", "--run", "cloned", "--set", "training.steps=10"];
    assert_eq!(run(&cloning, dir).0, Some(0));
    let (code, text) = train("ppo", &["--scene", "slalom", "--run", "better", "--init-from", "cloned"], dir);
    assert_eq!(code, Some(0), "{text}");
    // The pretrained weights need the normalizer that they were trained with.
    let normalizer = |policy: &str| -> serde_json::Value {
        let text = std::fs::read(dir.join(policy).join("last/config.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["observation_normalizer"].clone()
    };
    assert_eq!(normalizer("cloned"), normalizer("better"));
    // Without an effective update, the policy acts as the pretrained one.
    let frozen = ["--set", "ppo.desired_kl=0", "--set", "optimizer.learning_rate=1e-12"];
    let (code, text) =
        train("ppo", &[&["--scene", "slalom", "--run", "same", "--init-from", "cloned"], &frozen[..]].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    let total = |policy: &str| {
        let eval = ["eval", "--policy", policy, "--scene", "slalom", "--episodes", "3", "--json"];
        json(&apprentice(&eval, dir))["mean_reward"].as_f64().unwrap()
    };
    assert!((total("same") - total("cloned")).abs() < 1e-3, "{} {}", total("same"), total("cloned"));
    let twice = ["--scene", "slalom", "--run", "twice", "--init-from", "same", "--set", "init.from=cloned"];
    let (code, text) = train("ppo", &twice, dir);
    assert!(code == Some(2) && text.contains("leave --set init.from out"), "{text}");
    let cloned = dir.join("cloned");
    std::fs::rename(&cloned, dir.join("elsewhere")).unwrap();
    let (code, text) = run(&["train", "ppo", "--scene", "slalom", "--run", "better", "--resume"], dir);
    assert!(code == Some(2) && text.contains("the run started from another policy"), "{text}");
    std::fs::rename(dir.join("elsewhere"), &cloned).unwrap();
    // A run from random initialization has no pretrained policy that could be missing.
    let other = ["--run", "cloned", "--resume", "--set", "init.from=nowhere"];
    let (code, text) = run(&[&["train", "bc", "--dataset", "demos"], &other[..]].concat(), dir);
    assert!(code == Some(2) && !text.contains("the run started from another policy"), "{text}");
    // --init-from takes precedence over the init.from of a configuration file.
    let settings = ["--config", "better/config.toml", "--init-from", "same"];
    let (code, text) = train("ppo", &[&["--scene", "slalom", "--run", "again"], &settings[..]].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    let config = std::fs::read_to_string(dir.join("again/config.toml")).unwrap();
    assert!(config.lines().any(|line| line.starts_with("from = ") && line.ends_with("/same\"")), "{config}");
}

#[test]
fn invalid_settings_are_refused_with_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(run(&["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos"], dir).0, Some(0));
    let cloning = ["train", "vae", "--dataset", "demos", "--run", "cloned", "--set", "training.steps=10"];
    assert_eq!(run(&cloning, dir).0, Some(0));
    let excluding = ["--set", "training.steps=10", "--set", "data.exclude=[\"ray\"]"];
    let cloning = ["train", "bc", "--dataset", "demos", "--run", "without-rays"];
    assert_eq!(run(&[&cloning[..], &excluding].concat(), dir).0, Some(0));
    let cases: [(&str, &[&str], i32, &str); 21] = [
        (
            "ppo",
            &["--scene", "slalom", "--set", "data.mirror_augmentation=true"],
            2,
            "train ppo does not read data.*; leave data.mirror_augmentation out",
        ),
        ("dqn", &["--scene", "slalom", "--set", "network.dropout=0.1"], 2, "network.dropout"),
        ("ppo", &["--scene", "nowhere"], 2, "nowhere"),
        ("ppo", &["--scene", "slalom", "--set", "head.kind=mixture"], 2, "gaussian or categorical"),
        ("ppo", &["--scene", "slalom", "--set", "network.n_obs_steps=8"], 2, "network.n_obs_steps"),
        ("ppo", &["--scene", "slalom", "--set", "ppo.gamma=1.5"], 2, "within 0 and 1"),
        ("ppo", &["--scene", "slalom", "--device", "gpu"], 2, "--device"),
        ("ppo", &["--scene", "slalom", "--seed", "1", "--set", "training.seed=2"], 2, "leave --set training.seed out"),
        (
            "ppo",
            &["--scene", "slalom", "--reward", "cloned", "--set", "reward.from=x"],
            2,
            "leave --set reward.from out",
        ),
        (
            "ppo",
            &["--scene", "courtyard", "--init-from", "cloned", "--set", "network.n_obs_steps=1"],
            2,
            "no field in common with this agent",
        ),
        (
            "ppo",
            &["--scene", "slalom", "--init-from", "without-rays"],
            2,
            "the fields of the policy of init.from differ",
        ),
        (
            "ppo",
            &["--scene", "slalom", "--init-from", "cloned", "--set", "network.n_obs_steps=1"],
            2,
            "head.kind=gaussian",
        ),
        (
            "dqn",
            &["--scene", "slalom", "--init-from", "cloned", "--set", "network.n_obs_steps=1"],
            2,
            "remove --init-from",
        ),
        ("dqn", &["--scene", "slalom", "--set", "head.kind=gaussian"], 2, "head.kind must be dueling_q"),
        ("bc", &["--dataset", "demos", "--set", "training.learner=ppo"], 2, "train ppo"),
        ("dqn", &["--scene", "slalom", "--set", "ppo.n_envs=16"], 2, "train dqn does not read ppo.*"),
        ("ppo", &["--scene", "slalom", "--set", "dqn.n_envs=16"], 2, "train ppo does not read dqn.*"),
        ("ppo", &["--scene", "slalom", "--set", "reward.from=x"], 2, "give the reward with --reward"),
        ("bc", &["--dataset", "demos", "--set", "dagger.rounds=4"], 2, "train bc does not read dagger.*"),
        ("bco", &["--dataset", "demos", "--set", "dagger.rounds=4"], 2, "train bco does not read dagger.*"),
        (
            "dagger",
            &["--dataset", "demos", "--set", "self_play.snapshot_interval=9"],
            2,
            "train dagger does not read self_play.*",
        ),
    ];
    for (learner, more, expected, message) in cases {
        let (code, text) = train(learner, &[more, &["--run", "x"]].concat(), dir);
        assert_eq!(code, Some(expected), "{learner} {more:?}: {text}");
        assert!(text.contains(message), "{learner} {more:?} should print {message:?}:\n{text}");
        assert!(!dir.join("x").exists(), "{learner} {more:?} left a run folder");
    }
}

#[test]
fn a_run_is_not_resumed_in_an_edited_scene() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let text = include_str!("../../../scenes/circuit.ron");
    std::fs::write(dir.join("own.ron"), text).unwrap();
    let own_scene = ["--scene", "own.ron", "--run", "x"];
    let (code, text_of) = train("ppo", &own_scene, dir);
    assert_eq!(code, Some(0), "{text_of}");
    std::fs::write(dir.join("own.ron"), text.replace("half_width: 5.0", "half_width: 6.0")).unwrap();
    let (code, text_of) = run(&[&["train", "ppo"], &own_scene[..], &["--resume"]].concat(), dir);
    assert!(code == Some(2) && text_of.contains("training data has changed"), "{text_of}");
}

#[test]
fn negative_losses_are_plotted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(run(&["record", "--scene", "slalom", "--episodes", "2", "--dataset", "demos"], dir).0, Some(0));
    // A density has no upper bound: the negative log-likelihood of a Gaussian falls below zero. Two losses are logged.
    let train = ["train", "bc", "--dataset", "demos", "--run", "x", "--set", "head.kind=gaussian"];
    let sharp = ["--set", "optimizer.learning_rate=1e-2", "--set", "training.log_freq=1000"];
    let steps = ["--set", "training.steps=2000", "--set", "data.validation_fraction=0"];
    let (code, text) = run(&[&train[..], &sharp, &steps].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    assert!(dir.join("x/loss.png").exists());
}

#[test]
fn dqn_requires_demonstrations_of_its_scene() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(
        run(&["record", "--scene", "slalom", "--keys", "4", "--episodes", "2", "--dataset", "demos"], dir).0,
        Some(0)
    );
    let pretraining = ["--dataset", "demos", "--set", "dqn.pretrain_steps=5", "--scene"];
    let (code, text) = train("dqn", &[&pretraining[..], &["slalom", "--run", "pretrained"]].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    let config = std::fs::read_to_string(dir.join("pretrained/config.toml")).unwrap();
    assert!(config.contains("exploration_initial_eps = 0.1"), "{config}");
    for (learner, scene, message) in
        [("dqn", "circuit", "was recorded in slalom, not in circuit"), ("ppo", "slalom", "use train dqn --dataset")]
    {
        let (code, text) = train(learner, &[&pretraining[..], &[scene, "--run", "none"]].concat(), dir);
        assert!(code == Some(2) && text.contains(message), "{text}");
    }
    // A setting of the configuration file takes precedence over the default with demonstrations.
    std::fs::write(dir.join("bold.toml"), "[dqn]\nexploration_initial_eps = 0.7\n").unwrap();
    let (code, text) =
        train("dqn", &[&pretraining[..], &["slalom", "--run", "bold", "--config", "bold.toml"]].concat(), dir);
    assert_eq!(code, Some(0), "{text}");
    assert!(std::fs::read_to_string(dir.join("bold/config.toml")).unwrap().contains("exploration_initial_eps = 0.7"));
    // Another version of the scene is another task.
    let other = ::apprentice::scenes::find("slalom").unwrap().text.replace("time_limit: ", "time_limit: 1");
    std::fs::write(dir.join("slalom.ron"), other).unwrap();
    let (code, text) = train("dqn", &[&pretraining[..], &["slalom.ron", "--run", "none"]].concat(), dir);
    assert!(code == Some(2) && text.contains("another version of slalom"), "{text}");
    let (code, text) = train("dqn", &["--scene", "slalom", "--dataset", "missing", "--run", "none"], dir);
    assert!(code == Some(2) && text.contains("missing"), "{text}");
    assert!(!dir.join("none").exists());
}

#[test]
fn evaluation_under_changed_conditions() {
    let dir = tempfile::tempdir().unwrap();
    let eval = |conditions: &[&str]| {
        let more: Vec<&str> = conditions.iter().flat_map(|condition| ["--condition", condition]).collect();
        let eval = ["eval", "--operator", "hasty", "--scene", "slalom", "--episodes", "4", "--json"];
        apprentice(&[&eval[..], &more].concat(), dir.path())
    };
    let total = |conditions: &[&str]| json(&eval(conditions))["mean_reward"].as_f64().unwrap();
    let (own, icy) = (total(&[]), total(&["grip=0.2", "mass=0.8..1.5"]));
    assert!(own > icy + 1.0, "{own} on a dry road, {icy} on ice");
    for (condition, message) in [
        ("grip", "give NAME=NUMBER"),
        ("wind=1", "there is no condition `wind`"),
        ("mass=99", "mass is 99; it must be between 0.1 and 10"),
        ("delay=0.5", "delay is 0.5; it must be a whole number of ticks"),
        ("delay=5..2", "the lower bound comes first"),
        ("grip=NaN", "give NAME=NUMBER"),
    ] {
        let output = eval(&[condition]);
        let (code, text) = (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(code == Some(2) && text.contains(message), "{text}");
    }
    let output = eval(&["grip=0.1", "grip=1"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && text.contains("grip is given twice"), "{text}");
}

#[test]
fn evaluation_reports_its_horizon_and_limits_the_number_of_episodes() {
    let dir = tempfile::tempdir().unwrap();
    let eval = ["eval", "--operator", "steady", "--scene", "slalom", "--json", "--episodes"];
    let result = json(&apprentice(&[&eval[..], &["2", "--horizon", "5"]].concat(), dir.path()));
    assert_eq!(result["horizon_seconds"].as_f64(), Some(5.0));
    for episodes in ["99999999999999", "0"] {
        assert_eq!(apprentice(&[&eval[..], &[episodes]].concat(), dir.path()).status.code(), Some(2));
    }
}
