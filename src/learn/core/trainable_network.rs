//! A policy network with its optimizer, EMA and low-rank adapters, as all learners use it.

use std::path::Path;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::learn::core::ema::{Ema, EmaParameters};
use crate::learn::core::fisher::FisherDiagonal;
use crate::learn::core::init::PretrainedPolicy;
use crate::learn::core::metrics::{finite, number};
use crate::learn::core::optimizer::Adam;
use crate::learn::core::random::{Purpose, add_noise, generator, uniform};
use crate::learn::core::random_init::RandomInit;
use crate::learn::core::tensors::{tensor, tensors};
use crate::learn::{Batch, DataConfig, TrainConfig, TrainError, UpdateStep, Validation, Window};
use crate::policies::artifact::{StoredTensors, WEIGHTS_FILE, write_tensors};
use crate::policies::{
    ADAPTER_FILE, BatchRng, LoraAdapter, Network, Policy, PolicyConfig, PolicyError, StateDict, Targets,
};
use crate::spaces::Normalizer;

/// The moments of the optimizer, beside the policy's weights.
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// The step count of the optimizer.
const OPTIMIZER_STATE_FILE: &str = "optimizer.json";
/// The newest weights, where the policy's weights are their EMA.
const NEWEST_WEIGHTS_FILE: &str = "newest.safetensors";

#[derive(Serialize, Deserialize)]
struct OptimizerState {
    steps: u64,
}

/// A network in training.
pub struct TrainableNetwork {
    config: TrainConfig,
    policy: PolicyConfig,
    /// On `device`, with autodiff.
    network: Network,
    ema: Option<Ema>,
    lora: Option<Lora>,
    optimizer: Adam,
    device: Device,
}

/// A frozen network with low-rank adapters, which are trained instead.
struct Lora {
    /// The frozen network.
    base: Network,
    adapter: LoraAdapter,
}

/// A batch on the device, ready for a training step.
pub struct Minibatch {
    /// `[rows, sequence, input_dim]`, with observation noise.
    pub inputs: Tensor<3>,
    /// The demonstrated actions.
    pub targets: Targets,
    /// Dropout masks.
    pub masks: Vec<Tensor<2>>,
    /// Generator for the other random numbers of this training step.
    pub rng: Pcg64,
}

/// Checks that each entry of `init.freeze` is the prefix of a parameter name.
fn check_frozen(frozen: &[String], network: &Network) -> Result<(), TrainError> {
    let parameters = StateDict::of(network);
    let Some(unknown) = frozen.iter().find(|prefix| !parameters.names().any(|name| name.starts_with(prefix.as_str())))
    else {
        return Ok(());
    };
    let known: Vec<&str> = parameters.names().collect();
    Err(TrainError::Config {
        origin: "init.freeze".into(),
        message: format!("no parameter's name starts with {unknown:?}; there are {}", known.join(", ")),
    })
}

impl TrainableNetwork {
    /// A new network on `device` (without `.autodiff()`), whose initial weights depend on the run's seed only. `policy`
    /// has the layouts and normalizers; network and head come from `config`.
    ///
    /// # Errors
    /// Settings out of range, or the policy of `init.from` cannot be used.
    pub fn new(
        config: &TrainConfig,
        policy: PolicyConfig,
        pretrained: Option<&PretrainedPolicy>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut policy = PolicyConfig { network: config.network.clone(), head: config.head.clone(), ..policy };
        let device = device.clone().autodiff();
        let mut random_init = RandomInit::new(generator(config.training.seed, Purpose::Weights, 0));
        let network = match pretrained {
            None => Network::new(&policy, &mut random_init, &device)?,
            Some(base) => Network::new(&policy, &mut base.parameters(&policy, &mut random_init), &device)?,
        };
        let mut lora = None;
        if let (Some(base), rank @ 1..) = (pretrained, config.init.lora_rank) {
            policy.adapter = Some(base.adapter(&config.init, &policy)?);
            let adapter = LoraAdapter::new(&network, rank, config.init.lora_alpha, &mut random_init, &device)?;
            lora = Some(Lora { base: network.clone(), adapter });
        }
        check_frozen(&config.init.freeze, &network)?;
        let ema = new_ema(config, &network);
        let optimizer = Adam::new(config.optimizer.clone()).with_frozen(&config.init.freeze);
        let mut trainable = Self { config: config.clone(), policy, network, ema, lora, optimizer, device };
        trainable.merge();
        Ok(trainable)
    }

    /// Sets the network to the frozen network merged with the adapters.
    fn merge(&mut self) {
        if let Some(Lora { base, adapter }) = &self.lora {
            self.network = adapter.merged(base.clone());
        }
    }

    /// Adds the penalty of elastic weight consolidation to all later steps. `batches` are earlier demonstrations, one
    /// row each, from which the Fisher information is estimated; its mean over all weights is scaled to `lambda`.
    pub fn consolidate(&mut self, batches: &mut dyn Iterator<Item = Batch>, lambda: f32) {
        let mut fisher = FisherDiagonal::default();
        for (index, batch) in batches.enumerate() {
            let mut rng = generator(self.config.training.seed, Purpose::Validation, index as u64);
            let mut rng = BatchRng::Shared(&mut rng);
            let (inputs, mut targets) = tensors(batch, &self.device);
            // The true Fisher information needs the gradient at targets sampled from the network's own distribution. At
            // the demonstrated targets it vanishes where the network fits them (Kunstner et al. 2019,
            // arXiv:1905.12558).
            let features = self.network.features(inputs.clone(), &[]);
            let predicted = self.network.head().predict(features, &mut rng).detach();
            let [rows, columns] = predicted.dims();
            targets.actions = predicted + rng.normal(rows, columns, &self.device);
            let loss = self.network.loss(inputs, &targets, &[], &mut rng).total;
            let grads = GradientsParams::from_grads(loss.backward(), &self.network);
            fisher.add(&self.network, &grads);
        }
        self.optimizer.set_ewc_penalties(fisher.ewc_penalties(&self.network, lambda));
    }

    /// Replaces the observation normalizer.
    pub fn set_observation_normalizer(&mut self, normalizer: Normalizer) {
        self.policy.observation_normalizer = normalizer;
    }

    /// Everything but the weights.
    pub fn policy_config(&self) -> &PolicyConfig {
        &self.policy
    }

    /// The network, with autodiff.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The device, with autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Optimizer steps taken.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// The ticks in each row of its batches.
    pub fn window(&self) -> Window {
        Window::of(&self.policy.network, &self.policy.head)
    }

    /// Moves a batch to the device, with observation noise and dropout masks.
    pub fn minibatch(&self, mut batch: Batch, step: UpdateStep) -> Minibatch {
        let mut rng = generator(step.seed, Purpose::Step, step.index);
        let noise = self.config.find::<DataConfig>().map_or(0.0, |data| data.observation_noise_std);
        if noise > 0.0 {
            add_noise(&mut batch.observations, noise, &mut rng);
        }
        let masks = self.dropout_masks(batch.rows * batch.window.sequence_length, &mut rng);
        let (inputs, targets) = tensors(batch, &self.device);
        Minibatch { inputs, targets, masks, rng }
    }

    /// Dropout masks `[inputs, size]` for each layer with dropout; empty without dropout.
    fn dropout_masks(&self, inputs: usize, rng: &mut Pcg64) -> Vec<Tensor<2>> {
        let p = self.config.network.dropout;
        let scale = 1.0 / (1.0 - p);
        let mask = |&size: &usize| {
            let values = (0..inputs * size).map(|_| if uniform(rng) < p { 0.0 } else { scale }).collect();
            tensor(values, [inputs, size], &self.device)
        };
        self.config.network.dropout_sizes().iter().map(mask).collect()
    }

    /// Takes one optimizer step on `loss` `[1]`. Returns the gradient norm `[1]` before clipping, still on the device.
    pub fn gradient_step(&mut self, loss: &Tensor<1>, learning_rate: f64) -> Tensor<1> {
        if let Some(Lora { adapter, .. }) = &mut self.lora {
            let grads = GradientsParams::from_grads(loss.backward(), adapter);
            let (stepped, norm) = self.optimizer.step(adapter.clone(), grads, learning_rate);
            *adapter = stepped;
            self.merge();
            return norm;
        }
        let grads = GradientsParams::from_grads(loss.backward(), &self.network);
        let (network, norm) = self.optimizer.step(self.network.clone(), grads, learning_rate);
        self.network = network;
        if let Some(ema) = &mut self.ema {
            ema.update(&self.network);
        }
        norm
    }

    /// Computes the head's loss and the action error on held-out batches.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when it is not finite.
    pub fn validate(&self, batches: &mut dyn Iterator<Item = Batch>, step: u64) -> Result<Validation, TrainError> {
        // Without autodiff: no gradients are needed.
        let device = self.device.clone().inner();
        let network = match &self.ema {
            Some(ema) => Network::new(&self.policy, &mut EmaParameters(ema), &device)?,
            None => self.network.clone().valid(),
        };
        let (mut loss, mut error, mut rows) = (0.0f64, 0.0f64, 0usize);
        for (index, batch) in batches.enumerate() {
            // The same random numbers in every validation, so that the losses are comparable.
            let mut rng = generator(self.config.training.seed, Purpose::Validation, index as u64);
            let mut rng = BatchRng::Shared(&mut rng);
            let count = batch.rows;
            let (inputs, targets) = tensors(batch, &device);
            let features = network.features(inputs, &[]);
            let predicted = network.head().predict(features.clone(), &mut rng);
            let unweighted = Targets { weights: None, ..targets.clone() };
            let difference = unweighted.mean((predicted - targets.actions.clone()).abs());
            loss += f64::from(number(network.head().loss(features, &targets, &mut rng).total)) * count as f64;
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
        let network = match &self.ema {
            Some(ema) => Network::new(&self.policy, &mut EmaParameters(ema), &device)?,
            None => Network::new(&self.policy, &mut StateDict::of(&self.network), &device)?,
        };
        let policy = Policy::new(self.policy.clone(), network, device.clone());
        let (Some(Lora { base, adapter }), Some(stored)) = (&self.lora, &self.policy.adapter) else {
            return Ok(policy);
        };
        let mut copied = StateDict::of(adapter);
        Ok(policy.with_adapter(LoraAdapter::new(base, stored.rank, stored.alpha, &mut copied, &device)?))
    }

    /// Writes the training state that the policy itself does not contain into the policy's folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.optimizer.save(&dir.join(OPTIMIZER_FILE))?;
        if self.ema.is_some() {
            write_tensors(&dir.join(NEWEST_WEIGHTS_FILE), &self.network)?;
        }
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = format!("{{\"steps\": {}}}\n", self.optimizer.steps());
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    /// Restores the state that the policy and [`TrainableNetwork::save`] wrote to `dir`.
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
        let (mut network, mut loaded_ema) = (self.network.clone(), None);
        match (&mut self.lora, &self.policy.adapter) {
            (Some(Lora { base, adapter }), Some(stored)) => {
                let mut tensors = StoredTensors::read(&dir.join(ADAPTER_FILE))?;
                *adapter = LoraAdapter::new(base, stored.rank, stored.alpha, &mut tensors, &self.device)?;
                tensors.finish()?;
            }
            _ => {
                let policy_network = read(WEIGHTS_FILE)?;
                loaded_ema = new_ema(&self.config, &policy_network);
                network = if loaded_ema.is_some() { read(NEWEST_WEIGHTS_FILE)? } else { policy_network };
            }
        }
        let path = dir.join(OPTIMIZER_STATE_FILE);
        let text = std::fs::read(&path).map_err(TrainError::io("read", &path))?;
        let state: OptimizerState = serde_json::from_slice(&text)
            .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
        match &self.lora {
            Some(Lora { adapter, .. }) => {
                self.optimizer.load(&dir.join(OPTIMIZER_FILE), adapter, state.steps)?;
            }
            None => self.optimizer.load(&dir.join(OPTIMIZER_FILE), &network, state.steps)?,
        }
        self.ema = loaded_ema.map(|mut ema| {
            // The initial network counts as an update.
            ema.resume(state.steps + 1);
            ema
        });
        self.network = network;
        self.merge();
        Ok(())
    }
}

fn new_ema(config: &TrainConfig, network: &Network) -> Option<Ema> {
    let decay = config.optimizer.ema_decay;
    (decay > 0.0).then(|| Ema::new(decay, network))
}
