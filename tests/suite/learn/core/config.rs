//! Training configuration: files, overrides and their errors.

use apprentice::learn::{DataConfig, OptimizerKind, Schedule, TrainConfig, defaults};
use apprentice::policies::{Activation, HeadKind};

fn load(overrides: &[&str]) -> Result<TrainConfig, String> {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    defaults("bc").changed(None, &overrides).map_err(|e| e.to_string())
}

#[test]
fn every_kind_of_value_can_be_overridden() {
    let config = load(&[
        "network.hidden_sizes=[64, 32]",
        "network.activation=gelu",
        "network.layer_norm = true",
        "head.kind=\"gaussian\"",
        "optimizer.kind=adam",
        "optimizer.schedule=constant",
        "optimizer.learning_rate=1",
        "data.observation_noise_std=2e-2",
        "training.seed=18",
    ])
    .unwrap();
    assert_eq!(config.network.hidden_sizes, [64, 32]);
    assert_eq!(config.network.activation, Activation::Gelu);
    assert!(config.network.layer_norm);
    assert_eq!(config.head.kind, HeadKind::GAUSSIAN);
    assert_eq!(config.optimizer.kind, OptimizerKind::Adam);
    assert_eq!(config.optimizer.schedule, Schedule::Constant);
    assert_eq!(config.optimizer.learning_rate, 1.0);
    assert_eq!(config.get::<DataConfig>().observation_noise_std, 0.02);
    assert_eq!(config.training.seed, 18);
    assert_eq!(config.training.batch_size, defaults("bc").training.batch_size);
}

#[test]
fn errors_name_the_key_and_the_remedy() {
    for (assignment, expected) in [
        ("optimizer.learning_rat=1", "did you mean optimizer.learning_rate?"),
        ("steps=5", "did you mean training.steps?"),
        ("lr=5", "did you mean optimizer.learning_rate?"),
        ("optimizer.lr=5", "did you mean optimizer.learning_rate?"),
        ("optimizer.clip_norm=5", "did you mean optimizer.max_grad_norm?"),
        ("total_timesteps=5", "did you mean training.steps?"),
        ("policy_kwargs.net_arch=[64]", "did you mean network.hidden_sizes?"),
        ("training.device=gpu", "did you mean --device?"),
        ("training.zygote=gpu", "`apprentice train bc --print-config` prints all keys"),
        ("network=5", "there is no key network"),
        ("training.steps", "key=value"),
        ("training.steps=many", "training.steps cannot be many"),
        ("training.steps=-5", "training.steps cannot be -5"),
        ("network.activation=sigmoid", "relu"),
        ("training.batch_size=0", "training.batch_size is 0; it must be within 1 and"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate is nan; it must be above 0"),
        ("data.validation_fraction=1.0", "it must be at least 0 and below 1"),
        ("network.hidden_sizes=[0]", "network.hidden_sizes has a layer of 0 units"),
        ("head.log_std_min=3", "head.log_std_min is 3"),
        ("network.kind=gru", "network.n_obs_steps is 1"),
        ("head.n_action_steps=2", "head.n_action_steps is 2; it must be from 1 to head.chunk_size"),
        ("head.num_inference_steps=51", "head.num_inference_steps is 51"),
        ("gan.hidden_sizes=[]", "train bc does not read gan.*"),
        ("data.quality_keep=0", "data.quality_keep is 0.0; it must be above 0 and at most 1"),
        ("optimizer.ema_decay=1", "optimizer.ema_decay is 1"),
    ] {
        let text = load(&[assignment]).unwrap_err();
        assert!(text.contains(expected), "{assignment}: {text}");
    }
}

#[test]
fn lists_need_no_quotes() {
    for text in ["data.exclude=ray", "data.exclude=[ray]", "data.exclude=[\"ray\"]", "data.exclude = [ 'ray' ]"] {
        assert_eq!(load(&[text]).unwrap().get::<DataConfig>().exclude, ["ray"], "{text}");
    }
    assert_eq!(load(&["data.exclude=[ray_*, yaw_rate]"]).unwrap().get::<DataConfig>().exclude, ["ray_*", "yaw_rate"]);
    assert_eq!(load(&["data.exclude=[]"]).unwrap().get::<DataConfig>().exclude, [""; 0]);
    assert_eq!(load(&["network.hidden_sizes=64"]).unwrap().network.hidden_sizes, [64]);
    assert!(load(&["network.hidden_sizes=many"]).unwrap_err().contains("network.hidden_sizes"));
}

#[test]
fn files_are_partial_and_strict() {
    let config = defaults("bc").with_toml("[training]\nsteps = 7\n", "a.toml").unwrap();
    assert_eq!(config.training.steps, 7);
    for (text, expected) in [
        ("[training]\nstep = 7\n", "there is no key training.step; did you mean training.steps?"),
        ("[trainig]\nsteps = 7\n", "did you mean training.steps?"),
        ("[training]\nsteps = \"seven\"\n", "steps"),
        ("[training\n", "a.toml"),
    ] {
        let error = defaults("bc").with_toml(text, "a.toml").unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_resolved_configuration_reads_back() {
    let config = load(&["network.hidden_sizes=[]", "optimizer.learning_rate=3.3e-5", "training.epochs=4"]).unwrap();
    let text = config.to_toml().unwrap();
    assert_eq!(defaults("bc").with_toml(&text, "text").unwrap(), config);
    let other = load(&["network.hidden_sizes=[]", "optimizer.learning_rate=3.3e-5"]).unwrap();
    assert_eq!(config.differences(&other), ["training.epochs is 4, was 0"]);
}

#[test]
fn the_learning_rate_warms_up_and_falls() {
    let config = load(&["optimizer.warmup_steps=10", "optimizer.min_lr_ratio=0.1"]).unwrap().optimizer;
    let peak = config.learning_rate;
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} instead of {b}");
    close(config.learning_rate_at(0, 110), 0.1 * peak);
    close(config.learning_rate_at(9, 110), peak);
    close(config.learning_rate_at(10, 110), peak);
    close(config.learning_rate_at(60, 110), 0.55 * peak);
    close(config.learning_rate_at(110, 110), 0.1 * peak);
}
