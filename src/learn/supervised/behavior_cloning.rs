//! Behavior cloning: supervised learning of the demonstrated action from the observation (Pomerleau 1988, ALVINN),
//! with any network and head.

use std::path::Path;

use burn::tensor::Device;

use crate::learn::core::data_loader::DataLoader;
use crate::learn::core::metrics::MeanMetrics;
use crate::learn::core::section::AnySection;
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::supervised::adversarial_training::{AdversarialConfig, adversarial_inputs};
use crate::learn::{
    Batch, ContinualConfig, DataConfig, Extent, Learner, LearnerParts, Metric, Need, PreparedData, Requirements,
    TrainConfig, TrainError, UpdateStep, Validation,
};
use crate::policies::{BatchRng, Policy, PolicyError};

/// The inputs of a learner by behavior cloning.
pub(in crate::learn) const REQUIREMENTS: Requirements = Requirements {
    dataset: Need::Required,
    episodes: Need::No,
    scene: Need::No,
    earlier: true,
    reward: false,
    expert: false,
    gpu: true,
    any_head: false,
    two_sided: false,
};

/// The sections of a learner by behavior cloning.
pub(in crate::learn) fn sections() -> Vec<Box<dyn AnySection>> {
    vec![Box::new(DataConfig::default()), Box::new(ContinualConfig::default()), Box::new(AdversarialConfig::default())]
}

/// Behavior cloning of the demonstrations with any network and head.
pub struct BehaviorCloning<'a> {
    name: &'static str,
    network: TrainableNetwork,
    loader: DataLoader<'a>,
    adversarial: AdversarialConfig,
    metrics: MeanMetrics,
}

impl<'a> BehaviorCloning<'a> {
    /// A new network, whose initial weights depend on the run's seed only.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(parts: LearnerParts<'a>) -> Result<Self, TrainError> {
        let network = TrainableNetwork::new(parts.config, parts.policy, parts.pretrained, parts.device)?;
        let adversarial = parts.config.find::<AdversarialConfig>().cloned().unwrap_or_default();
        let name = parts.config.spec().name();
        Ok(Self { name, network, loader: parts.loader, adversarial, metrics: MeanMetrics::default() })
    }

    /// As [`BehaviorCloning::new`], on `data`.
    ///
    /// # Errors
    /// As [`BehaviorCloning::new`], or data that the network cannot be trained on.
    pub fn on_data(
        config: &'a TrainConfig,
        data: &'a PreparedData<'a>,
        device: &'a Device,
    ) -> Result<Self, TrainError> {
        let loader = config.data_loader(data)?;
        Self::new(LearnerParts {
            config,
            policy: data.policy_config(&config.network, &config.head),
            loader,
            pretrained: None,
            device,
        })
    }

    /// Take one step on a batch.
    pub fn update_on(&mut self, batch: Batch, step: UpdateStep) {
        let mut minibatch = self.network.minibatch(batch, step);
        let network = self.network.network();
        let adversarial = &self.adversarial;
        let perturbed = (adversarial.epsilon > 0.0).then(|| adversarial_inputs(network, &mut minibatch, adversarial));
        let mut rng = BatchRng::Shared(&mut minibatch.rng);
        let loss = network.loss(minibatch.inputs, &minibatch.targets, &minibatch.masks, &mut rng);
        let mut values = vec![("train/loss", loss.total.clone().inner())];
        let mut total = loss.total;
        if let Some(perturbed) = perturbed {
            let adversarial_loss = network.loss(perturbed, &minibatch.targets, &minibatch.masks, &mut rng).total;
            values.push(("train/adversarial_loss", adversarial_loss.clone().inner()));
            total = total.mul_scalar(1.0 - adversarial.loss_fraction)
                + adversarial_loss.mul_scalar(adversarial.loss_fraction);
        }
        let norm = self.network.gradient_step(&total, step.learning_rate);
        values.extend(loss.components.into_iter().map(|(tag, value)| (tag, value.inner())));
        values.push(("train/grad_norm", norm));
        self.metrics.add(values, step.learning_rate);
    }
}

impl Learner for BehaviorCloning<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn extent(&self) -> Extent {
        self.loader.extent()
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        let batch = self.loader.batch(step.index);
        self.update_on(batch, step);
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        self.metrics.take(step)
    }

    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError> {
        if !self.loader.validates() {
            return Ok(None);
        }
        self.network.validate(&mut self.loader.validation_batches(), step).map(Some)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.network.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.network.save(dir)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.metrics = MeanMetrics::default();
        self.network.load(dir)
    }

    fn consolidate(&mut self, batches: &mut dyn Iterator<Item = Batch>, lambda: f32) -> Result<(), TrainError> {
        if self.network.window().n_demonstration_frames > 0 {
            return Err(TrainError::Config {
                origin: "continual.method".into(),
                message: "one-shot policies do not support elastic weight consolidation; use rehearsal".into(),
            });
        }
        self.network.consolidate(batches, lambda);
        Ok(())
    }
}
