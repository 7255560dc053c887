//! Behaviour cloning: supervised learning of the demonstrated action from the observation (Pomerleau 1988, ALVINN).

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::optimizer::Adam;
use super::random::{Purpose, add_noise, generator, uniform};
use super::{Batch, Learner, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::artifact::{StoredTensors, WEIGHTS_FILE};
use crate::policies::{Initial, Network, ParameterSource, Policy, PolicyConfig, PolicyError};

/// The optimiser's moments, beside the policy's weights.
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// How far the optimiser is.
const OPTIMIZER_STATE_FILE: &str = "optimizer.json";

#[derive(Serialize, Deserialize)]
struct OptimizerState {
    steps: u64,
}

/// Sums over the updates since the metrics were last asked for; on the device until then.
struct Sums {
    count: u64,
    loss: Tensor<1>,
    grad_norm: Tensor<1>,
    learning_rate: f64,
}

/// A network that learns to repeat the demonstrations.
pub struct BehaviourCloning {
    config: TrainConfig,
    policy: PolicyConfig,
    /// On `device`, which differentiates.
    network: Network,
    optimizer: Adam,
    device: Device,
    sums: Option<Sums>,
}

impl BehaviourCloning {
    /// A fresh network on `device` (without `.autodiff()`), whose weights depend on the run's seed alone. `policy`
    /// holds layouts and normalisers; its network and head are those of `config`.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(config: &TrainConfig, policy: PolicyConfig, device: &Device) -> Result<Self, TrainError> {
        let policy = PolicyConfig { network: config.network.clone(), head: config.head.clone(), ..policy };
        let device = device.clone().autodiff();
        let sizes = (policy.observation.size(), policy.action.size());
        let mut source = Fresh(generator(config.training.seed, Purpose::Weights, 0));
        let network = Network::new(&config.network, &config.head, sizes, &mut source, &device)?;
        let optimizer = Adam::new(config.optimizer.clone());
        Ok(Self { config: config.clone(), policy, network, optimizer, device, sums: None })
    }

    /// One `[rows, width]` mask for each hidden layer, or none without dropout.
    fn dropout(&self, rows: usize, generator: &mut Pcg64) -> Vec<Tensor<2>> {
        let drop = self.config.network.dropout;
        if drop <= 0.0 {
            return Vec::new();
        }
        let keep = 1.0 / (1.0 - drop);
        let mask = |&width: &usize| {
            let values = (0..rows * width).map(|_| if uniform(generator) < drop { 0.0 } else { keep }).collect();
            self.tensor(values, [rows, width])
        };
        self.config.network.hidden.iter().map(mask).collect()
    }

    fn tensor(&self, values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// The loss `[1]` of a batch.
    fn loss(&self, batch: Batch, masks: &[Tensor<2>]) -> Tensor<1> {
        let rows = batch.rows;
        let (wide, narrow) = (self.policy.observation.size(), self.policy.action.size());
        let targets = self.tensor(batch.actions, [rows, narrow]);
        let weights = batch.weights.map(|w| self.tensor(w, [rows, 1]));
        self.network.forward(self.tensor(batch.observations, [rows, wide]), masks).loss(targets, weights)
    }
}

impl Learner for BehaviourCloning {
    fn name(&self) -> &'static str {
        "behaviour_cloning"
    }

    fn update(&mut self, mut batch: Batch, step: UpdateStep) -> Result<(), TrainError> {
        let mut generator = generator(step.seed, Purpose::Step, step.index);
        let noise = self.config.data.observation_noise;
        if noise > 0.0 {
            add_noise(&mut batch.observations, noise, &mut generator);
        }
        let masks = self.dropout(batch.rows, &mut generator);
        let loss = self.loss(batch, &masks);
        let grads = GradientsParams::from_grads(loss.backward(), &self.network);
        let (network, norm) = self.optimizer.step(self.network.clone(), grads, step.learning_rate);
        self.network = network;
        let loss = loss.inner();
        self.sums = Some(match self.sums.take() {
            None => Sums { count: 1, loss, grad_norm: norm, learning_rate: step.learning_rate },
            Some(sums) => Sums {
                count: sums.count + 1,
                loss: sums.loss + loss,
                grad_norm: sums.grad_norm + norm,
                learning_rate: step.learning_rate,
            },
        });
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let Some(sums) = self.sums.take() else { return Ok(Vec::new()) };
        let count = sums.count as f32;
        let loss = finite(number(sums.loss) / count, step, "the loss")?;
        let grad_norm = finite(number(sums.grad_norm) / count, step, "the gradient")?;
        Ok(vec![
            Metric { tag: "train/loss", value: loss },
            Metric { tag: "train/grad_norm", value: grad_norm },
            Metric { tag: "train/learning_rate", value: sums.learning_rate as f32 },
        ])
    }

    fn validate(&mut self, batches: &mut dyn Iterator<Item = Batch>, step: u64) -> Result<Validation, TrainError> {
        let (mut loss, mut error, mut rows) = (0.0f64, 0.0f64, 0usize);
        for batch in batches {
            let count = batch.rows;
            let (wide, narrow) = (self.policy.observation.size(), self.policy.action.size());
            // Parameters without the tape: nothing to differentiate here.
            let network = self.network.clone().valid();
            let device = self.device.clone().inner();
            let tensor = |values, width| Tensor::<2>::from_data(TensorData::new(values, [count, width]), &device);
            let output = network.forward(tensor(batch.observations, wide), &[]);
            let targets = tensor(batch.actions, narrow);
            let difference = (output.mean.clone() - targets.clone()).abs().mean();
            let weights = batch.weights.map(|w| tensor(w, 1));
            loss += f64::from(number(output.loss(targets, weights))) * count as f64;
            error += f64::from(number(difference)) * count as f64;
            rows += count;
        }
        let rows = rows.max(1) as f64;
        Ok(Validation {
            loss: finite((loss / rows) as f32, step, "the validation loss")?,
            action_error: (error / rows) as f32,
        })
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        let mut copy = Copied::default();
        self.network.visit(&mut copy);
        let device = Device::flex();
        let sizes = (self.policy.observation.size(), self.policy.action.size());
        let network = Network::new(&self.policy.network, &self.policy.head, sizes, &mut copy, &device)?;
        Ok(Policy::new(self.policy.clone(), network, device))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.optimizer.save(&dir.join(OPTIMIZER_FILE))?;
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = format!("{{\"steps\": {}}}\n", self.optimizer.steps());
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let mut stored = StoredTensors::read(&dir.join(WEIGHTS_FILE))?;
        let sizes = (self.policy.observation.size(), self.policy.action.size());
        let network = Network::new(&self.policy.network, &self.policy.head, sizes, &mut stored, &self.device)?;
        stored.finish()?;
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = std::fs::read(&path).map_err(TrainError::io("read", &path))?;
        let state: OptimizerState = serde_json::from_slice(&text)
            .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
        self.optimizer.load(&dir.join(OPTIMIZER_FILE), &network, state.steps)?;
        self.network = network;
        self.sums = None;
        Ok(())
    }
}

fn finite(value: f32, step: u64, what: &'static str) -> Result<f32, TrainError> {
    if value.is_finite() { Ok(value) } else { Err(TrainError::Diverged { step, what }) }
}

/// A one-element tensor's number; NaN when the device cannot give it.
fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().iter::<f32>().next().unwrap_or(f32::NAN)
}

/// First values from a generator.
struct Fresh(Pcg64);

impl ParameterSource for Fresh {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError> {
        let count = shape.iter().product();
        Ok(match initial {
            Initial::Constant(value) => vec![value; count],
            Initial::Uniform(bound) => (0..count).map(|_| bound * (2.0 * uniform(&mut self.0) - 1.0)).collect(),
        })
    }
}

/// Values of another network's parameters, by name.
#[derive(Default)]
struct Copied {
    path: Vec<String>,
    values: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Copied {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.insert(self.path.join("."), param.val().into_data().iter::<f32>().collect());
    }
}

impl ParameterSource for Copied {
    fn parameter(&mut self, name: &str, _: &[usize], _: Initial) -> Result<Vec<f32>, PolicyError> {
        let missing = || PolicyError::Network { message: format!("the trained network has no parameter {name}") };
        self.values.remove(name).ok_or_else(missing)
    }
}
