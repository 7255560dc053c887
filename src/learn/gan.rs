//! A conditional generative adversarial network of the action (Goodfellow et al. 2014; Mirza & Osindero 2014), trained
//! as R3GAN (Huang et al. 2024, arXiv:2501.05441): each demonstrated action is judged against a generated one, and the
//! discriminator's gradient is penalised at both, which makes the generator cover all ways of acting.

use std::path::Path;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::discriminator::{Discriminator, Judgement, half_square};
use super::optimizer::Adam;
use super::random::{Purpose, generator};
use super::student::Student;
use super::sums::Sums;
use super::weights::Fresh;
use super::{Batch, BatchLearner, LearnerKind, Metric, TrainConfig, TrainError, UpdateStep, Validation, Window};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{Chance, HeadKind, Policy, PolicyConfig, PolicyError, filled};

/// The discriminator's weights in a checkpoint.
const DISCRIMINATOR_FILE: &str = "discriminator.safetensors";
/// Its optimiser's moments.
const DISCRIMINATOR_OPTIMIZER_FILE: &str = "discriminator_optimizer.safetensors";

/// `[gan]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GanConfig {
    /// Width of each hidden layer of the discriminator, which sees the observations side by side and the actions.
    pub hidden: Vec<usize>,
    /// Weight of half the square of the discriminator's gradient by the actions, at demonstrated and at generated ones
    /// (γ of R3GAN, equation 4). Actions are normalised, so that one value serves all bodies.
    pub penalty: f32,
}

impl Default for GanConfig {
    fn default() -> Self {
        Self { hidden: vec![256, 256], penalty: 1.0 }
    }
}

/// A generator of actions that learns against a discriminator.
pub struct Gan {
    kind: LearnerKind,
    student: Student,
    discriminator: Discriminator,
    optimizer: Adam,
    penalty: f32,
    sums: Sums,
}

impl Gan {
    /// Fresh networks on `device` (without `.autodiff()`), whose weights depend on the run's seed alone. `policy` holds
    /// layouts and normalisers.
    ///
    /// # Errors
    /// Settings out of range, or another head than a generator.
    pub fn new(config: &TrainConfig, policy: PolicyConfig, device: &Device) -> Result<Self, TrainError> {
        if config.head.kind != HeadKind::Generator {
            return Err(TrainError::Config {
                origin: "the training configuration".into(),
                message: format!(
                    "head.kind must be generator to be trained by {}; use train bc for other heads",
                    config.training.learner.name()
                ),
            });
        }
        if config.network.shown > 0 {
            return Err(TrainError::Config {
                origin: "network.shown".into(),
                message: format!(
                    "train {} cannot be shown demonstrations; set it to 0",
                    config.training.learner.name()
                ),
            });
        }
        let sizes = (policy.observation.size() * config.network.stacked(), policy.action.size() * config.head.chunk);
        let student = Student::new(config, policy, device)?;
        let mut source = Fresh(generator(config.training.seed, Purpose::Weights, 1));
        let discriminator = Discriminator::new(sizes, &config.gan.hidden, student.device());
        let discriminator = filled(discriminator, &mut source, student.device())?;
        let optimizer = Adam::new(config.optimizer.clone());
        Ok(Self {
            kind: config.training.learner,
            student,
            discriminator,
            optimizer,
            penalty: config.gan.penalty,
            sums: Sums::default(),
        })
    }
}

/// How much the first of two scores is behind the other, softly: `softplus(second - first)`, a mean.
fn behind(first: Tensor<2>, second: Tensor<2>) -> Tensor<1> {
    activation::softplus(second - first, 1.0).mean()
}

/// Squared distance of the means of features `[rows, features]` (Salimans et al. 2016, arXiv:1606.03498, section 3.1): the
/// demonstrator's feature expectations (Abbeel & Ng 2004), in the space of the discriminator's last hidden layer.
fn apart(generated: Tensor<2>, shown: Tensor<2>) -> Tensor<1> {
    (generated.mean_dim(0) - shown.mean_dim(0)).square().sum()
}

impl BatchLearner for Gan {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn window(&self) -> Window {
        self.student.window()
    }

    fn update(&mut self, batch: Batch, step: UpdateStep) -> Result<(), TrainError> {
        let mut lesson = self.student.lesson(batch, step);
        let network = self.student.network();
        let condition = lesson.inputs.clone().flatten::<2>(0, 1);
        let features = network.features(lesson.inputs, &lesson.masks);
        let generated = network.head().decide(features, &mut Chance::Shared(&mut lesson.generator));
        let generated = lesson.targets.demonstrated(generated);
        let shown = lesson.targets.demonstrated(lesson.targets.actions.clone());

        let judge = |generated: Tensor<2>| self.discriminator.forward(Some(condition.clone()), generated);
        let Judgement { score: real, slope: at_real, .. } = judge(shown.clone());
        let Judgement { score: fake, slope: at_fake, .. } = judge(generated.clone().detach());
        let gap = (real.clone() - fake.clone()).mean();
        let penalty = half_square(at_real) + half_square(at_fake);
        let judgement = behind(real, fake);
        let loss = judgement.clone() + penalty.clone().mul_scalar(self.penalty);
        let grads = GradientsParams::from_grads(loss.backward(), &self.discriminator);
        let (discriminator, _) = self.optimizer.step(self.discriminator.clone(), grads, step.learning_rate);
        self.discriminator = discriminator;

        let fake = self.discriminator.forward(Some(condition.clone()), generated);
        let real = self.discriminator.forward(Some(condition), shown);
        let deceit = match self.kind {
            LearnerKind::FeatureMatching => apart(fake.features, real.features.detach()),
            _ => behind(fake.score, real.score.detach()),
        };
        let norm = self.student.descend(&deceit, step.learning_rate);
        let numbers = vec![
            ("train/loss", deceit),
            ("train/discriminator_loss", judgement),
            ("train/score_gap", gap),
            ("train/gradient_penalty", penalty),
        ];
        let mut numbers: Vec<_> = numbers.into_iter().map(|(tag, value)| (tag, value.inner())).collect();
        numbers.push(("train/grad_norm", norm));
        self.sums.add(numbers, step.learning_rate);
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        self.sums.take(step)
    }

    fn validate(&mut self, batches: &mut dyn Iterator<Item = Batch>, step: u64) -> Result<Validation, TrainError> {
        self.student.validate(batches, step)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.student.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.student.save(dir)?;
        write_tensors(&dir.join(DISCRIMINATOR_FILE), &self.discriminator)?;
        Ok(self.optimizer.save(&dir.join(DISCRIMINATOR_OPTIMIZER_FILE))?)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.sums = Sums::default();
        self.student.load(dir)?;
        let mut stored = StoredTensors::read(&dir.join(DISCRIMINATOR_FILE))?;
        self.discriminator = filled(self.discriminator.clone(), &mut stored, self.student.device())?;
        stored.finish()?;
        let path = dir.join(DISCRIMINATOR_OPTIMIZER_FILE);
        Ok(self.optimizer.load(&path, &self.discriminator, self.student.steps())?)
    }
}
