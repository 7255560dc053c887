//! The network that is to become the policy, with its optimiser: what all learners have alike.

use std::path::Path;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::averages::{Averaged, Averages};
use super::importances::Importances;
use super::init::Base;
use super::optimizer::Adam;
use super::random::{Purpose, add_noise, generator, uniform};
use super::sums::{finite, number};
use super::tensors::{tensor, tensors};
use super::weights::Fresh;
use super::{Batch, TrainConfig, TrainError, UpdateStep, Validation, Window};
use crate::policies::artifact::{StoredTensors, WEIGHTS_FILE, write_tensors};
use crate::policies::{ADAPTER_FILE, Chance, Copied, LowRank, Network, Policy, PolicyConfig, PolicyError, Targets};
use crate::spaces::Normalizer;

/// The optimiser's moments, beside the policy's weights.
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// How far the optimiser is.
const OPTIMIZER_STATE_FILE: &str = "optimizer.json";
/// The newest weights, where the policy's are their average.
const NEWEST_WEIGHTS_FILE: &str = "newest.safetensors";

#[derive(Serialize, Deserialize)]
struct OptimizerState {
    steps: u64,
}

/// A network that learns.
pub struct Student {
    config: TrainConfig,
    policy: PolicyConfig,
    /// On `device`, which differentiates.
    network: Network,
    averages: Option<Averages>,
    adapting: Option<Adapting>,
    optimizer: Adam,
    device: Device,
}

/// Low-rank adapters that learn in the place of the network.
struct Adapting {
    /// The network that they add to.
    base: Network,
    adapter: LowRank,
}

/// A batch on the device, made ready for an update.
pub struct Lesson {
    /// `[rows, sequence, numbers]`, with noise.
    pub inputs: Tensor<3>,
    /// The demonstrated actions.
    pub targets: Targets,
    /// Dropout masks.
    pub masks: Vec<Tensor<2>>,
    /// For what else chance decides in this update.
    pub generator: Pcg64,
}

/// Each entry of `init.freeze` has to name something.
fn check_frozen(frozen: &[String], network: &Network) -> Result<(), TrainError> {
    let parameters = Copied::of(network);
    let Some(unknown) = frozen.iter().find(|part| !parameters.names().any(|name| name.starts_with(part.as_str())))
    else {
        return Ok(());
    };
    let known: Vec<&str> = parameters.names().collect();
    Err(TrainError::Config {
        origin: "init.freeze".into(),
        message: format!("no layer's name begins with {unknown:?}; there are {}", known.join(", ")),
    })
}

impl Student {
    /// A fresh network on `device` (without `.autodiff()`), whose weights depend on the run's seed alone. `policy`
    /// holds layouts and normalisers; its network and head are those of `config`.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(config: &TrainConfig, policy: PolicyConfig, device: &Device) -> Result<Self, TrainError> {
        let policy = PolicyConfig { network: config.network.clone(), head: config.head.clone(), ..policy };
        let device = device.clone().autodiff();
        let mut fresh = Fresh(generator(config.training.seed, Purpose::Weights, 0));
        let begun_from = Base::load(config)?;
        let mut policy = policy;
        let network = match &begun_from {
            None => Network::new(&policy, &mut fresh, &device)?,
            Some(base) => Network::new(&policy, &mut base.parameters(&policy, &mut fresh), &device)?,
        };
        let mut adapting = None;
        if let (Some(base), rank @ 1..) = (&begun_from, config.init.lora_rank) {
            policy.adapter = Some(base.adapter(config, &policy)?);
            let adapter = LowRank::new(&network, rank, config.init.lora_alpha, &mut fresh, &device)?;
            adapting = Some(Adapting { base: network.clone(), adapter });
        }
        check_frozen(&config.init.freeze, &network)?;
        let averages = averages(config, &network);
        let optimizer = Adam::new(config.optimizer.clone()).freezing(&config.init.freeze);
        let mut student = Self { config: config.clone(), policy, network, averages, adapting, optimizer, device };
        student.merge();
        Ok(student)
    }

    /// Make the network that of base and adapters.
    fn merge(&mut self) {
        if let Some(Adapting { base, adapter }) = &self.adapting {
            self.network = adapter.merged(base.clone());
        }
    }

    /// Draw the weights back from now on to where they are, each by how much the demonstrations in `batches` (of one row
    /// each) depend on it: by the mean square of the loss's gradient, with mean 1 over all weights, times `strength`.
    pub fn protect(&mut self, batches: &mut dyn Iterator<Item = Batch>, strength: f32) {
        let mut importances = Importances::default();
        for (index, batch) in batches.enumerate() {
            let mut generator = generator(self.config.training.seed, Purpose::Validation, index as u64);
            let mut chance = Chance::Shared(&mut generator);
            let (inputs, mut targets) = tensors(batch, &self.device);
            // Where the demonstrations are met, their own gradients vanish and tell nothing: the Fisher information asks
            // what the network would say to draws from what it believes (Kunstner et al. 2019, arXiv:1905.12558).
            let features = self.network.features(inputs.clone(), &[]);
            let decided = self.network.head().decide(features, &mut chance).detach();
            let [rows, numbers] = decided.dims();
            targets.actions = decided + chance.normal(rows, numbers, &self.device);
            let loss = self.network.loss(inputs, &targets, &[], &mut chance).total;
            let grads = GradientsParams::from_grads(loss.backward(), &self.network);
            importances.add(&self.network, &grads);
        }
        self.optimizer.anchor(importances.anchors(&self.network, strength));
    }

    /// Shift and scale observations by `normalizer` from now on.
    pub fn normalize_by(&mut self, normalizer: Normalizer) {
        self.policy.observation_normalizer = normalizer;
    }

    /// Everything but the weights.
    pub fn policy_config(&self) -> &PolicyConfig {
        &self.policy
    }

    /// The network, which differentiates.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where it learns, differentiating.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// Which ticks its batches hold.
    pub fn window(&self) -> Window {
        Window::of(&self.policy.network, &self.policy.head)
    }

    /// A batch with observation noise and dropout.
    pub fn lesson(&self, mut batch: Batch, step: UpdateStep) -> Lesson {
        let mut generator = generator(step.seed, Purpose::Step, step.index);
        let noise = self.config.data.observation_noise;
        if noise > 0.0 {
            add_noise(&mut batch.observations, noise, &mut generator);
        }
        let masks = self.dropout(batch.rows * batch.window.sequence, &mut generator);
        let (inputs, targets) = tensors(batch, &self.device);
        Lesson { inputs, targets, masks, generator }
    }

    /// Dropout masks `[inputs, width]`, or none without dropout.
    fn dropout(&self, inputs: usize, generator: &mut Pcg64) -> Vec<Tensor<2>> {
        let drop = self.config.network.dropout;
        let keep = 1.0 / (1.0 - drop);
        let mask = |&width: &usize| {
            let values = (0..inputs * width).map(|_| if uniform(generator) < drop { 0.0 } else { keep }).collect();
            tensor(values, [inputs, width], &self.device)
        };
        self.config.network.dropped().iter().map(mask).collect()
    }

    /// Take one step down the gradient of `loss` `[1]`; the gradient's norm `[1]` before clipping, still on the device.
    pub fn descend(&mut self, loss: &Tensor<1>, learning_rate: f64) -> Tensor<1> {
        if let Some(Adapting { adapter, .. }) = &mut self.adapting {
            let grads = GradientsParams::from_grads(loss.backward(), adapter);
            let (stepped, norm) = self.optimizer.step(adapter.clone(), grads, learning_rate);
            *adapter = stepped;
            self.merge();
            return norm;
        }
        let grads = GradientsParams::from_grads(loss.backward(), &self.network);
        let (network, norm) = self.optimizer.step(self.network.clone(), grads, learning_rate);
        self.network = network;
        if let Some(averages) = &mut self.averages {
            averages.update(&self.network);
        }
        norm
    }

    /// Measure the head's own loss on batches that are not learned from.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when it is not finite.
    pub fn validate(&self, batches: &mut dyn Iterator<Item = Batch>, step: u64) -> Result<Validation, TrainError> {
        // Parameters without the tape: nothing to differentiate here.
        let device = self.device.clone().inner();
        let network = match &self.averages {
            Some(averages) => Network::new(&self.policy, &mut Averaged(averages), &device)?,
            None => self.network.clone().valid(),
        };
        let (mut loss, mut error, mut rows) = (0.0f64, 0.0f64, 0usize);
        for (index, batch) in batches.enumerate() {
            // The same chance at every validation, so that the losses can be compared.
            let mut generator = generator(self.config.training.seed, Purpose::Validation, index as u64);
            let mut chance = Chance::Shared(&mut generator);
            let count = batch.rows;
            let (inputs, targets) = tensors(batch, &device);
            let features = network.features(inputs, &[]);
            let decided = network.head().decide(features.clone(), &mut chance);
            let alike = Targets { weights: None, ..targets.clone() };
            let difference = alike.mean((decided - targets.actions.clone()).abs());
            loss += f64::from(number(network.head().loss(features, &targets, &mut chance).total)) * count as f64;
            error += f64::from(number(difference)) * count as f64;
            rows += count;
        }
        let rows = rows.max(1) as f64;
        Ok(Validation {
            loss: finite((loss / rows) as f32, step, "the validation loss")?,
            action_error: Some((error / rows) as f32),
            episodes: None,
        })
    }

    /// A copy of the policy as it is now, on the CPU.
    ///
    /// # Errors
    /// The device fails.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        let device = Device::flex();
        let network = match &self.averages {
            Some(averages) => Network::new(&self.policy, &mut Averaged(averages), &device)?,
            None => Network::new(&self.policy, &mut Copied::of(&self.network), &device)?,
        };
        let policy = Policy::new(self.policy.clone(), network, device.clone());
        let (Some(Adapting { base, adapter }), Some(stored)) = (&self.adapting, &self.policy.adapter) else {
            return Ok(policy);
        };
        let mut copied = Copied::of(adapter);
        Ok(policy.with_adapter(LowRank::new(base, stored.rank, stored.alpha, &mut copied, &device)?))
    }

    /// Write what the policy's folder lacks to go on learning into that folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.optimizer.save(&dir.join(OPTIMIZER_FILE))?;
        if self.averages.is_some() {
            write_tensors(&dir.join(NEWEST_WEIGHTS_FILE), &self.network)?;
        }
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = format!("{{\"steps\": {}}}\n", self.optimizer.steps());
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    /// Become exactly the student whose policy and [`Student::save`] wrote `dir`.
    ///
    /// # Errors
    /// A file is missing or damaged, or belongs to another network.
    pub fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let read = |file: &str| -> Result<Network, PolicyError> {
            let mut stored = StoredTensors::read(&dir.join(file))?;
            let network = Network::new(&self.policy, &mut stored, &self.device)?;
            stored.finish()?;
            Ok(network)
        };
        let (mut network, mut found_averages) = (self.network.clone(), None);
        match (&mut self.adapting, &self.policy.adapter) {
            (Some(Adapting { base, adapter }), Some(stored)) => {
                let mut tensors = StoredTensors::read(&dir.join(ADAPTER_FILE))?;
                *adapter = LowRank::new(base, stored.rank, stored.alpha, &mut tensors, &self.device)?;
                tensors.finish()?;
            }
            _ => {
                let acting = read(WEIGHTS_FILE)?;
                found_averages = averages(&self.config, &acting);
                network = if found_averages.is_some() { read(NEWEST_WEIGHTS_FILE)? } else { acting };
            }
        }
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = std::fs::read(&path).map_err(TrainError::io("read", &path))?;
        let state: OptimizerState = serde_json::from_slice(&text)
            .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
        match &self.adapting {
            Some(Adapting { adapter, .. }) => {
                self.optimizer.load(&dir.join(OPTIMIZER_FILE), adapter, state.steps)?;
            }
            None => self.optimizer.load(&dir.join(OPTIMIZER_FILE), &network, state.steps)?,
        }
        self.averages = found_averages.map(|mut averages| {
            // The first network counts as an update.
            averages.resume(state.steps + 1);
            averages
        });
        self.network = network;
        self.merge();
        Ok(())
    }
}

fn averages(config: &TrainConfig, network: &Network) -> Option<Averages> {
    let decay = config.optimizer.average;
    (decay > 0.0).then(|| Averages::new(decay, network))
}
