//! A conditional generative adversarial network of the action (Goodfellow et al. 2014; Mirza & Osindero 2014), trained
//! as R3GAN (Huang et al. 2024, arXiv:2501.05441): a relativistic loss compares each demonstrated action with a
//! generated one, and gradient penalties at both avoid mode collapse.

use std::path::Path;

use burn::optim::GradientsParams;
use burn::tensor::{Tensor, activation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::train::train_job;
use crate::learn::core::data_loader::DataLoader;
use crate::learn::core::discriminator::{Discriminator, DiscriminatorOutput, gradient_penalty};
use crate::learn::core::metrics::MeanMetrics;
use crate::learn::core::optimizer::Adam;
use crate::learn::core::random::{Purpose, generator};
use crate::learn::core::random_init::RandomInit;
use crate::learn::core::section::{AnySection, Section};
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::{
    ContinualConfig, DataConfig, Extent, Learner, LearnerParts, LearnerSpec, Metric, Progress, Requirements,
    TrainConfig, TrainError, TrainJob, TrainReport, UpdateStep, Validation,
};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{BatchRng, HeadKind, Policy, PolicyError, load_parameters};

/// The discriminator's weights in a checkpoint.
const DISCRIMINATOR_FILE: &str = "discriminator.safetensors";
/// The moments of the discriminator's optimizer.
const DISCRIMINATOR_OPTIMIZER_FILE: &str = "discriminator_optimizer.safetensors";

/// Discriminator of a generator of actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GanConfig {
    /// Size of each hidden layer of the discriminator, whose input is the stacked observations and the action chunk.
    #[schemars(length(min = 1), inner(range(min = 1, max = 4096)))]
    pub hidden_sizes: Vec<usize>,
    /// Coefficient of the gradient penalty: half the squared gradient of the discriminator by the actions, at
    /// demonstrated and at generated actions (gamma of R3GAN, equation 4). Actions are normalized, so one value suits
    /// all bodies.
    #[schemars(range(min = 0))]
    pub gradient_penalty_coef: f32,
}

impl Default for GanConfig {
    fn default() -> Self {
        Self { hidden_sizes: vec![256, 256], gradient_penalty_coef: 1.0 }
    }
}

impl Section for GanConfig {
    const NAME: &'static str = "gan";
}

/// `apprentice train gan`
pub struct GanLearner;

impl LearnerSpec for GanLearner {
    fn name(&self) -> &'static str {
        "gan"
    }

    fn about(&self) -> &'static str {
        "Generative adversarial network of the action: a generator against a discriminator (R3GAN)"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene slalom --dataset demos/slalom",
            "apprentice train gan --dataset demos/slalom --run runs/gan",
            "apprentice eval --policy runs/gan --scene slalom",
        ]
    }

    fn requirements(&self) -> Requirements {
        super::behavior_cloning::REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_defaults(config);
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(Gan::new(parts, Objective::Relativistic)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}

/// The sections of a learner with a generator.
pub(super) fn sections() -> Vec<Box<dyn AnySection>> {
    vec![Box::new(DataConfig::default()), Box::new(ContinualConfig::default()), Box::new(GanConfig::default())]
}

/// The defaults of a learner with a generator.
pub(super) fn set_defaults(config: &mut TrainConfig) {
    config.head.kind = HeadKind::GENERATOR;
    super::set_chunk_defaults(config);
    config.optimizer.ema_decay = 0.999;
}

/// What the generator minimizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The relativistic loss against the discriminator's scores.
    Relativistic,
    /// The distance of the discriminator's mean features.
    FeatureMatching,
}

/// A generator of actions, trained against a discriminator.
pub struct Gan<'a> {
    name: &'static str,
    objective: Objective,
    generator_net: TrainableNetwork,
    loader: DataLoader<'a>,
    discriminator: Discriminator,
    optimizer: Adam,
    gradient_penalty_coef: f32,
    metrics: MeanMetrics,
}

impl<'a> Gan<'a> {
    /// New networks, whose initial weights depend on the run's seed only.
    ///
    /// # Errors
    /// Settings out of range, or the head is not a generator.
    pub fn new(parts: LearnerParts<'a>, objective: Objective) -> Result<Self, TrainError> {
        let LearnerParts { config, policy, loader, pretrained, device } = parts;
        let name = config.spec().name();
        if config.head.kind != HeadKind::GENERATOR {
            return Err(TrainError::Config {
                origin: "the training configuration".into(),
                message: format!("head.kind must be generator to be trained by {name}; use train bc for other heads"),
            });
        }
        if config.network.n_demonstration_frames > 0 {
            return Err(TrainError::Config {
                origin: "network.n_demonstration_frames".into(),
                message: format!("train {name} does not support one-shot policies; set it to 0"),
            });
        }
        let condition_dim = policy.observation.size() * config.network.n_stack();
        let input_dim = policy.action.size() * config.head.chunk_size;
        let settings = config.get::<GanConfig>();
        let generator_net = TrainableNetwork::new(config, policy, pretrained, device)?;
        let mut random_init = RandomInit::new(generator(config.training.seed, Purpose::Weights, 1));
        let discriminator =
            Discriminator::new(condition_dim, input_dim, &settings.hidden_sizes, generator_net.device());
        let discriminator = load_parameters(discriminator, &mut random_init, generator_net.device())?;
        Ok(Self {
            name,
            objective,
            generator_net,
            loader,
            discriminator,
            optimizer: Adam::new(config.optimizer.clone()),
            gradient_penalty_coef: settings.gradient_penalty_coef,
            metrics: MeanMetrics::default(),
        })
    }
}

/// The relativistic loss of two scores, the mean of `softplus(second - first)`: small where `first` is above `second`.
fn relativistic_loss(first: Tensor<2>, second: Tensor<2>) -> Tensor<1> {
    activation::softplus(second - first, 1.0).mean()
}

/// Feature matching: squared distance of the means of features `[rows, features]` (Salimans et al. 2016,
/// arXiv:1606.03498, section 3.1). It matches the demonstrator's feature expectations (Abbeel & Ng 2004), with the
/// activations of the discriminator's last hidden layer as features.
fn feature_matching_loss(generated: Tensor<2>, demonstrated: Tensor<2>) -> Tensor<1> {
    (generated.mean_dim(0) - demonstrated.mean_dim(0)).square().sum()
}

impl Learner for Gan<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn extent(&self) -> Extent {
        self.loader.extent()
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        let batch = self.loader.batch(step.index);
        let mut minibatch = self.generator_net.minibatch(batch, step);
        let network = self.generator_net.network();
        let condition = minibatch.inputs.clone().flatten::<2>(0, 1);
        let features = network.features(minibatch.inputs, &minibatch.masks);
        let generated = network.head().predict(features, &mut BatchRng::Shared(&mut minibatch.rng));
        let generated = minibatch.targets.masked(generated);
        let demonstrated = minibatch.targets.masked(minibatch.targets.actions.clone());

        let discriminate = |generated: Tensor<2>| self.discriminator.forward(Some(condition.clone()), generated);
        let DiscriminatorOutput { score: real, input_gradient: real_gradient, .. } = discriminate(demonstrated.clone());
        let DiscriminatorOutput { score: fake, input_gradient: fake_gradient, .. } =
            discriminate(generated.clone().detach());
        let score_gap = (real.clone() - fake.clone()).mean();
        let penalty = gradient_penalty(real_gradient) + gradient_penalty(fake_gradient);
        let discriminator_loss = relativistic_loss(real, fake);
        let loss = discriminator_loss.clone() + penalty.clone().mul_scalar(self.gradient_penalty_coef);
        let grads = GradientsParams::from_grads(loss.backward(), &self.discriminator);
        let (discriminator, _) = self.optimizer.step(self.discriminator.clone(), grads, step.learning_rate);
        self.discriminator = discriminator;

        let fake = self.discriminator.forward(Some(condition.clone()), generated);
        let real = self.discriminator.forward(Some(condition), demonstrated);
        let generator_loss = match self.objective {
            Objective::FeatureMatching => feature_matching_loss(fake.features, real.features.detach()),
            Objective::Relativistic => relativistic_loss(fake.score, real.score.detach()),
        };
        let norm = self.generator_net.gradient_step(&generator_loss, step.learning_rate);
        let values = vec![
            ("train/loss", generator_loss),
            ("disc/loss", discriminator_loss),
            ("disc/score_gap", score_gap),
            ("disc/gradient_penalty", penalty),
        ];
        let mut values: Vec<_> = values.into_iter().map(|(tag, value)| (tag, value.inner())).collect();
        values.push(("train/grad_norm", norm));
        self.metrics.add(values, step.learning_rate);
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        self.metrics.take(step)
    }

    fn validate(&mut self, step: u64) -> Result<Option<Validation>, TrainError> {
        if !self.loader.validates() {
            return Ok(None);
        }
        self.generator_net.validate(&mut self.loader.validation_batches(), step).map(Some)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.generator_net.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.generator_net.save(dir)?;
        write_tensors(&dir.join(DISCRIMINATOR_FILE), &self.discriminator)?;
        Ok(self.optimizer.save(&dir.join(DISCRIMINATOR_OPTIMIZER_FILE))?)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.metrics = MeanMetrics::default();
        self.generator_net.load(dir)?;
        let mut stored = StoredTensors::read(&dir.join(DISCRIMINATOR_FILE))?;
        self.discriminator = load_parameters(self.discriminator.clone(), &mut stored, self.generator_net.device())?;
        stored.finish()?;
        let path = dir.join(DISCRIMINATOR_OPTIMIZER_FILE);
        Ok(self.optimizer.load(&path, &self.discriminator, self.generator_net.steps())?)
    }
}
