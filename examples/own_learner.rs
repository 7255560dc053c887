//! A custom learner: behavior cloning by ridge regression on random features, in closed form. The hidden layer of the
//! policy's network keeps its random weights, and only the head is fitted (Rahimi & Recht 2008, "Weighted Sums of Random
//! Kitchen Sinks"). The learner is added to the registry, trained on 20 recorded episodes of `slalom`, and evaluated.
//!
//! ```sh
//! cargo run --release --example own_learner
//! # The same file is the whole command line with one more learner:
//! cargo run --release --example own_learner -- train ridge --print-config
//! cargo run --release --example own_learner -- train ridge --dataset demos/slalom --run runs/ridge --set ridge.lambda=0.01
//! ```
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use apprentice::demos::Dataset;
use apprentice::learn::{
    AnySection, Batch, DataConfig, DataLoader, Extent, Learner, LearnerParts, LearnerSpec, Metric, Need, Progress,
    Requirements, RunOptions, Section, TrainConfig, TrainError, TrainJob, TrainReport, TrainingData, UpdateStep,
    Validation, defaults, register, train_on_dataset,
};
use apprentice::policies::{
    BatchRng, HeadKind, Network, NetworkKind, ParameterInit, ParameterSource, Policy, PolicyConfig, PolicyError,
};
use apprentice::rollout::{Player, evaluate, evaluation_seeds, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::sim::{SimRng, episode_rng};
use apprentice::teleop::Skill;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// File of the sums in a checkpoint.
const SUMS_FILE: &str = "ridge.postcard";

/// `[ridge]`: the settings of this learner. Documentation, defaults and ranges are read from the struct; they are what
/// `--print-config` prints and what `--set` checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RidgeConfig {
    /// Weight of the squared norm of the fitted weights, relative to the mean squared error.
    #[schemars(extend("exclusiveMinimum" = 0))]
    lambda: f64,
}

impl Default for RidgeConfig {
    fn default() -> Self {
        Self { lambda: 1e-3 }
    }
}

impl Section for RidgeConfig {
    const NAME: &'static str = "ridge";
}

/// What the registry holds of the learner.
struct Ridge;

impl LearnerSpec for Ridge {
    fn name(&self) -> &'static str {
        "ridge"
    }

    fn about(&self) -> &'static str {
        "Behavior cloning by ridge regression on random features"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["apprentice train ridge --dataset demos/slalom --run runs/ridge"]
    }

    fn requirements(&self) -> Requirements {
        Requirements { dataset: Need::Required, ..Requirements::default() }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(DataConfig::default()), Box::new(RidgeConfig::default())]
    }

    /// One pass over the data is all that the sums need.
    fn set_defaults(&self, config: &mut TrainConfig) {
        config.network.hidden_sizes = vec![512];
        config.training.epochs = 1;
        config.training.log_freq = 5;
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(RidgeLearner::new(parts)?))
    }

    fn train(&self, mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        let data = job.take_data()?;
        let summary = train_on_dataset(&job.config, &data, &job.options, progress)?;
        let headline = format!("validation loss {:.4}", summary.best_loss.unwrap_or(f32::NAN));
        let numbers = json!({ "best_loss": summary.best_loss });
        Ok(TrainReport::new(summary, headline, numbers))
    }
}

/// Sums over the rows seen so far, of features `x` (with a 1 appended, for the bias), actions `y` and sample weights `w`.
#[derive(Clone, Serialize, Deserialize)]
struct Sums {
    /// Numbers of `x` and of `y`.
    sizes: [usize; 2],
    /// Sum of `w x xᵀ`, `[x, x]`.
    gram: Vec<f64>,
    /// Sum of `w x yᵀ`, `[x, y]`.
    cross: Vec<f64>,
    /// Sum of `w`.
    weight: f64,
}

impl Sums {
    fn new(sizes: [usize; 2]) -> Self {
        let [x, y] = sizes;
        Self { sizes, gram: vec![0.0; x * x], cross: vec![0.0; x * y], weight: 0.0 }
    }

    /// The weights `[x, y]` of the smallest penalized squared error: the solution of `(gram + lambda weight I) W = cross`,
    /// by Cholesky decomposition.
    fn solve(&self, lambda: f64) -> Vec<f32> {
        let [n, columns] = self.sizes;
        let mut factor = self.gram.clone();
        for i in 0..n {
            factor[i * n + i] += lambda * self.weight.max(1.0);
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
                let rest = factor[i * n + j] - dot;
                factor[i * n + j] = if i == j { rest.sqrt() } else { rest / factor[j * n + j] };
            }
        }
        let mut solution = self.cross.clone();
        for column in 0..columns {
            for i in 0..n {
                let dot: f64 = (0..i).map(|k| factor[i * n + k] * solution[k * columns + column]).sum();
                solution[i * columns + column] = (solution[i * columns + column] - dot) / factor[i * n + i];
            }
            for i in (0..n).rev() {
                let dot: f64 = (i + 1..n).map(|k| factor[k * n + i] * solution[k * columns + column]).sum();
                solution[i * columns + column] = (solution[i * columns + column] - dot) / factor[i * n + i];
            }
        }
        solution.into_iter().map(|value| value as f32).collect()
    }
}

/// Add the elements of a matrix to a sum.
fn add(sum: &mut [f64], matrix: Tensor<2>) {
    let data = matrix.into_data();
    sum.iter_mut().zip(data.iter::<f32>()).for_each(|(sum, value)| *sum += f64::from(value));
}

/// The parameters of a network: random ones for the hidden layers, given ones for the head.
struct Parameters {
    rng: SimRng,
    /// `[features + 1, actions]`; the last row is the bias.
    head: Vec<f32>,
}

impl ParameterSource for Parameters {
    fn parameter(&mut self, name: &str, shape: &[usize], init: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let count: usize = shape.iter().product();
        Ok(match (name, init) {
            ("head.SquaredError.mean.weight", _) => self.head[..count].to_vec(),
            ("head.SquaredError.mean.bias", _) => self.head[self.head.len() - count..].to_vec(),
            (_, ParameterInit::Uniform(bound)) => {
                (0..count).map(|_| bound * (2.0 * self.rng.random::<f32>() - 1.0)).collect()
            }
            (_, ParameterInit::Constant(value)) => vec![value; count],
        })
    }
}

/// What the training loop runs: each update adds a minibatch to the sums, and a policy is their solution.
struct RidgeLearner<'a> {
    loader: DataLoader<'a>,
    policy: PolicyConfig,
    device: Device,
    lambda: f64,
    seed: u64,
    /// The hidden layers; its head is not used.
    features: Network,
    sums: Sums,
    /// The minibatch of the last update, if its loss has not been reported.
    batch: Option<Batch>,
}

impl<'a> RidgeLearner<'a> {
    fn new(parts: LearnerParts<'a>) -> Result<Self, TrainError> {
        let LearnerParts { config, policy, loader, pretrained, device } = parts;
        let refuse = |message: &str| TrainError::Config { origin: "train ridge".into(), message: message.into() };
        let (network, head) = (&config.network, &config.head);
        let one_tick = network.kind == NetworkKind::MLP && network.n_demonstration_frames == 0 && head.chunk_size == 1;
        let Some(hidden) = network.hidden_sizes.last().filter(|_| one_tick && head.kind == HeadKind::SQUARED_ERROR)
        else {
            return Err(refuse("it needs an mlp with hidden layers, and a squared_error head of one tick"));
        };
        if config.get::<DataConfig>().observation_noise_std > 0.0 || network.dropout > 0.0 {
            return Err(refuse("it adds no noise; leave data.observation_noise_std and network.dropout at 0"));
        }
        if pretrained.is_some() {
            return Err(refuse("it fits the head from nothing; leave --init-from out"));
        }
        let sums = Sums::new([hidden + 1, policy.action.size()]);
        let (seed, device) = (config.training.seed, device.clone());
        let mut parameters = Parameters { rng: episode_rng(seed, 0), head: vec![0.0; sums.cross.len()] };
        let features = Network::new(&policy, &mut parameters, &device)?;
        let lambda = config.get::<RidgeConfig>().lambda;
        Ok(Self { loader, policy, device, lambda, seed, features, sums, batch: None })
    }

    /// The network with the fitted head. The same seed gives the same hidden layers.
    fn fitted(&self) -> Result<Network, PolicyError> {
        let head = self.sums.solve(self.lambda);
        Network::new(&self.policy, &mut Parameters { rng: episode_rng(self.seed, 0), head }, &self.device)
    }

    /// A row-major matrix of `rows` rows.
    fn matrix(&self, values: &[f32], rows: usize) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [rows, values.len() / rows]), &self.device)
    }

    /// Sums of the squared and of the absolute errors of a batch, in standard deviations of the action, and their number.
    fn errors(&self, network: &Network, batch: &Batch) -> [f64; 3] {
        let inputs = self.matrix(&batch.observations, batch.rows).unsqueeze_dim(1);
        let features = network.features(inputs, &[]);
        let predicted = network.head().predict(features, &mut BatchRng::PerRow(Vec::new())).into_data();
        let mut sums = [0.0, 0.0, batch.actions.len() as f64];
        for (predicted, action) in predicted.iter::<f32>().zip(&batch.actions) {
            let error = f64::from(predicted - action);
            sums[0] += error * error;
            sums[1] += error.abs();
        }
        sums
    }
}

impl Learner for RidgeLearner<'_> {
    fn name(&self) -> &'static str {
        "ridge"
    }

    fn extent(&self) -> Extent {
        self.loader.extent()
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        let batch = self.loader.batch(step.index);
        let inputs = self.matrix(&batch.observations, batch.rows).unsqueeze_dim(1);
        let x = Tensor::cat(vec![self.features.features(inputs, &[]), Tensor::ones([batch.rows, 1], &self.device)], 1);
        let y = self.matrix(&batch.actions, batch.rows);
        let weights = batch.weights.clone().unwrap_or_else(|| vec![1.0; batch.rows]);
        let weighted = (x.clone() * self.matrix(&weights, batch.rows)).transpose();
        add(&mut self.sums.gram, weighted.clone().matmul(x));
        add(&mut self.sums.cross, weighted.matmul(y));
        self.sums.weight += weights.iter().map(|weight| f64::from(*weight)).sum::<f64>();
        self.batch = Some(batch);
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let Some(batch) = self.batch.take() else { return Ok(Vec::new()) };
        let [squared, _, count] = self.errors(&self.fitted()?, &batch);
        if !squared.is_finite() {
            return Err(TrainError::Diverged { step, what: "the loss" });
        }
        Ok(vec![Metric { tag: "train/loss", value: (squared / count) as f32 }])
    }

    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError> {
        if !self.loader.validates() {
            return Ok(None);
        }
        let network = self.fitted()?;
        let [squared, absolute, count] = self.loader.validation_batches().fold([0.0; 3], |sums, batch| {
            let errors = self.errors(&network, &batch);
            [0, 1, 2].map(|i| sums[i] + errors[i])
        });
        if !squared.is_finite() {
            return Err(TrainError::Diverged { step, what: "the validation loss" });
        }
        let action_error = Some((absolute / count) as f32);
        Ok(Some(Validation { loss: (squared / count) as f32, action_error, episodes: None }))
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        Ok(Policy::new(self.policy.clone(), self.fitted()?, self.device.clone()))
    }

    /// With the sums, a resumed run goes on exactly as if it had not been stopped.
    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        let path = dir.join(SUMS_FILE);
        let bytes = postcard::to_stdvec(&self.sums)
            .map_err(|error| TrainError::Data { origin: path.display().to_string(), message: error.to_string() })?;
        fs::write(&path, bytes).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let path = dir.join(SUMS_FILE);
        let bytes = fs::read(&path).map_err(TrainError::io("read", &path))?;
        let fail = |message: String| TrainError::Resume { dir: dir.to_path_buf(), message };
        let sums: Sums = postcard::from_bytes(&bytes).map_err(|error| fail(format!("{SUMS_FILE}: {error}")))?;
        if sums.sizes != self.sums.sizes || sums.gram.len() != self.sums.gram.len() {
            return Err(fail(format!("{SUMS_FILE} belongs to another network; start a new run")));
        }
        self.sums = sums;
        self.batch = None;
        Ok(())
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    register(&Ridge);
    #[cfg(feature = "cli")]
    if std::env::args().len() > 1 {
        return Ok(apprentice::cli::run());
    }
    let scene = find("slalom")?;
    let out = tempfile::tempdir()?;
    let (demos, run) = (out.path().join("demos"), out.path().join("run"));
    record(&scene, Skill::Steady, recording_seeds(1).take(20), &demos, &AtomicBool::new(false), |_| {})?;
    let data = TrainingData::from_dataset(&Dataset::open(&demos)?)?;
    let trained = train_on_dataset(&defaults("ridge"), &data, &RunOptions::new(&run), &mut ())?;
    let policy = Player::Policy(Box::new(Policy::load(&trained.policy_dir)?));
    let result = evaluate(&scene, policy, &evaluation_seeds(1, 50), 0, |_| {})?;
    let loss = trained.best_loss.unwrap_or(f32::INFINITY);
    println!("fitted in {:.1} s; validation loss {loss:.3}, 1 is that of the mean action", trained.seconds);
    println!("success rate of the policy on 50 unseen seeds: {:.0} %", 100.0 * result.success_rate);
    assert!(loss < 1.0, "no better than the mean action");
    Ok(ExitCode::SUCCESS)
}
