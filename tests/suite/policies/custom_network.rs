//! A network and a head from outside the crate: each is registered by one call, and is then trained, saved, loaded,
//! adapted and documented as the built-in ones are.

use std::path::Path;
use std::sync::Once;

use apprentice::learn::{RunOptions, TrainConfig, TrainError, TrainingData, defaults, train_on_dataset};
use apprentice::policies::{
    BatchRng, HeadConfig, HeadKind, HeadModule, HeadSizes, HeadSpec, Loss, NetworkConfig, NetworkKind, NetworkSpec,
    Policy, PolicyError, Targets, TrunkInput, TrunkModule, register_head, register_network,
};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use serde::Deserialize;

use crate::testing::learn::data;

/// An MLP of two layers with a skip connection around the second.
#[derive(Module, Debug)]
struct SkipMlp {
    input: Linear,
    hidden: Linear,
}

impl TrunkModule for SkipMlp {
    fn forward(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        let x = activation::relu(self.input.forward(inputs.flatten::<2>(0, 1)));
        let features = x.clone() + activation::relu(self.hidden.forward(x));
        match masks.first() {
            Some(mask) => features * mask.clone(),
            None => features,
        }
    }
}

struct SkipMlpSpec;

impl NetworkSpec for SkipMlpSpec {
    fn name(&self) -> &'static str {
        "skip_mlp"
    }

    fn about(&self) -> &'static str {
        "A multi-layer perceptron with a skip connection."
    }

    fn type_name(&self) -> &'static str {
        "SkipMlp"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Stacked
    }

    fn input_weight(&self) -> Option<&'static str> {
        Some("input.weight")
    }

    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError> {
        let linear = |inputs| LinearConfig::new(inputs, config.hidden_size).init(device);
        Ok(Box::new(SkipMlp { input: linear(inputs), hidden: linear(config.hidden_size) }))
    }
}

/// `[head.extra]` of the head `huber`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HuberConfig {
    /// Error above which the loss is linear, in normalized action units.
    delta: f32,
}

impl Default for HuberConfig {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

/// A deterministic action, trained with the Huber loss.
#[derive(Module, Debug)]
struct Huber {
    mean: Linear,
    #[module(skip)]
    delta: f32,
}

impl HeadModule for Huber {
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        let error = (self.mean.forward(features) - targets.actions.clone()).abs();
        let clipped = error.clone().clamp_max(self.delta);
        targets.mean(clipped.clone() * (error - clipped.mul_scalar(0.5))).into()
    }

    fn predict(&self, features: Tensor<2>, _rng: &mut BatchRng<'_>) -> Tensor<2> {
        self.mean.forward(features)
    }
}

struct HuberSpec;

impl HeadSpec for HuberSpec {
    fn name(&self) -> &'static str {
        "huber"
    }

    fn about(&self) -> &'static str {
        "A deterministic action; the loss is the Huber loss."
    }

    fn type_name(&self) -> &'static str {
        "Huber"
    }

    fn is_stochastic(&self) -> bool {
        false
    }

    fn mean_layer(&self) -> Option<&'static str> {
        Some("mean")
    }

    fn check_extra(&self, config: &HeadConfig) -> Result<(), PolicyError> {
        let HuberConfig { delta } = config.parse_extra()?;
        if delta > 0.0 {
            return Ok(());
        }
        Err(PolicyError::Network { message: format!("head.extra.delta is {delta}; it must be above 0") })
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        let HuberConfig { delta } = config.parse_extra()?;
        let columns = config.chunk_size * sizes.actions;
        Ok(Box::new(Huber { mean: LinearConfig::new(sizes.features, columns).init(device), delta }))
    }
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_network(&SkipMlpSpec);
        register_head(&HuberSpec);
    });
}

/// Behavior cloning with these changes.
fn config(changes: &[&str]) -> Result<TrainConfig, TrainError> {
    register();
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    defaults("bc").changed(None, &changes)
}

/// Settings of a run with both.
const CHANGES: [&str; 8] = [
    "network.kind=skip_mlp",
    "network.hidden_size=16",
    "head.kind=huber",
    "head.extra.delta=0.5",
    "optimizer.learning_rate=5e-3",
    "training.batch_size=64",
    "training.steps=400",
    "training.eval_freq=100",
];

/// Observations of three numbers and linear actions of two.
fn problem() -> TrainingData {
    data(10, 100, (3, 2), |o, a| {
        a[0] = 5.0 * o[0] + 20.0;
        a[1] = -o[1];
    })
}

/// Train with [`CHANGES`] and `more`; the best policy.
fn trained(run: &Path, more: &[&str]) -> Policy {
    let config = config(&[&CHANGES[..], more].concat()).unwrap();
    let summary = train_on_dataset(&config, &problem(), &RunOptions::new(run), &mut ()).unwrap();
    Policy::load(&summary.policy_dir).unwrap()
}

/// The actions for the observations of [`problem`].
fn actions(policy: &mut Policy) -> Vec<f32> {
    let problem = problem();
    let mut actions = vec![0.0; problem.actions.len()];
    policy.act(&problem.observations, &mut [], &mut actions);
    actions
}

#[test]
fn a_registered_network_and_head_are_trained_saved_and_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let mut policy = trained(&dir.path().join("run"), &["optimizer.ema_decay=0.9", "network.dropout=0.01"]);
    let expected = problem().actions;
    let found = actions(&mut policy);
    for (column, std) in policy.config().action_normalizer.std.clone().into_iter().enumerate() {
        let pairs = found.iter().zip(&expected).skip(column).step_by(2);
        let squares: f32 = pairs.map(|(found, expected)| (found - expected).powi(2)).sum();
        let error = (squares / (found.len() / 2) as f32).sqrt() / std;
        assert!(error < 0.2, "action {column}: the error is {error} standard deviations");
    }
    let state_dict = policy.state_dict();
    let names: Vec<&str> = state_dict.names().collect();
    for name in ["trunk.SkipMlp.input.weight", "trunk.SkipMlp.hidden.bias", "head.Huber.mean.weight"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let copy = dir.path().join("copy");
    policy.save(&copy).unwrap();
    let mut loaded = Policy::load(&copy).unwrap();
    assert_eq!(loaded.config(), policy.config());
    assert_eq!(loaded.config().head.extra["delta"], 0.5);
    assert_eq!(actions(&mut loaded), found);
}

#[test]
fn a_run_is_reproduced_from_its_config_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut policy = trained(&dir.path().join("run"), &["training.steps=20"]);
    let file = dir.path().join("run/config.toml");
    let config = defaults("bc").changed(Some(&file), &[]).unwrap();
    let again = train_on_dataset(&config, &problem(), &RunOptions::new(dir.path().join("again")), &mut ()).unwrap();
    assert_eq!(actions(&mut Policy::load(&again.policy_dir).unwrap()), actions(&mut policy));
}

#[test]
fn an_adapter_of_a_registered_network_is_merged() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    let mut from = trained(&base, &["training.steps=50"]);
    let init = format!("init.from={}", base.display());
    let mut adapted = trained(&dir.path().join("adapter"), &[&init, "init.lora_rank=2", "training.steps=50"]);
    assert!(adapted.config().adapter.is_some());
    let found = actions(&mut adapted);
    assert_ne!(found, actions(&mut from));
    assert_eq!(actions(&mut adapted.merged()), found);
}

#[test]
fn a_gaussian_takes_over_the_mean_of_a_registered_head() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    let mut from = trained(&base, &["training.steps=50"]);
    let changes = [
        "network.kind=skip_mlp",
        "network.hidden_size=16",
        "head.kind=gaussian",
        "optimizer.learning_rate=1e-9",
        "training.steps=1",
        &format!("init.from={}", base.display()),
    ];
    let config = config(&changes).unwrap();
    let run = RunOptions::new(dir.path().join("next"));
    let summary = train_on_dataset(&config, &problem(), &run, &mut ()).unwrap();
    let mut next = Policy::load(&summary.policy_dir).unwrap();
    for (a, b) in actions(&mut next).iter().zip(actions(&mut from)) {
        assert!((a - b).abs() < 1e-3, "{a} instead of {b}");
    }
}

#[test]
fn kinds_and_their_own_settings_are_checked() {
    for (changes, expected) in [
        (&["head.kind=hubber"][..], "there is no head hubber; there are squared_error, gaussian"),
        (&["network.kind=mpl"], "there is no network mpl; there are mlp, lstm, gru, transformer"),
        (&["head.kind=huber", "head.extra.delt=1"], "unknown field `delt`"),
        (&["head.kind=huber", "head.extra.delta=-1"], "head.extra.delta is -1; it must be above 0"),
        (&["head.kind=huber", "head.extra.delta=wide"], "head.extra"),
        (&["head.kind=gaussian", "head.extra.delta=1"], "unknown field `delta`"),
        (&["network.extra.size=1"], "unknown field `size`"),
        (&["data.extra.size=1"], "there is no key data.extra.size"),
    ] {
        let text = config(changes).unwrap_err().to_string();
        assert!(text.contains(expected), "{changes:?}: {text}");
    }
    assert_eq!(HeadKind::find("huber").unwrap().about(), HuberSpec.about());
}

#[test]
fn registered_kinds_are_documented_with_the_settings() {
    let text = config(&[]).unwrap().to_documented_toml().unwrap();
    assert!(text.contains("# - huber: A deterministic action; the loss is the Huber loss."), "{text}");
    assert!(text.contains("# - skip_mlp: A multi-layer perceptron with a skip connection."), "{text}");
    assert!(!text.contains("head.extra"), "{text}");
}

#[test]
fn a_name_can_be_registered_only_once() {
    register();
    assert!(std::panic::catch_unwind(|| register_head(&HuberSpec)).is_err());
    assert!(std::panic::catch_unwind(|| register_network(&SkipMlpSpec)).is_err());
    assert_eq!(NetworkKind::all().iter().filter(|kind| kind.name() == "skip_mlp").count(), 1);
}
