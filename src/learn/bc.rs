//! Behaviour cloning: supervised learning of the demonstrated action from the observation (Pomerleau 1988, ALVINN),
//! with any network and head.

use std::path::Path;

use burn::tensor::Device;

use super::adversarial::{AdversarialConfig, worst};
use super::student::Student;
use super::sums::Sums;
use super::{Batch, BatchLearner, LearnerKind, Metric, TrainConfig, TrainError, UpdateStep, Validation, Window};
use crate::policies::{Chance, Policy, PolicyConfig, PolicyError};

/// A network that learns to repeat the demonstrations.
pub struct BehaviourCloning {
    kind: LearnerKind,
    student: Student,
    adversarial: AdversarialConfig,
    sums: Sums,
}

impl BehaviourCloning {
    /// A fresh network on `device` (without `.autodiff()`), whose weights depend on the run's seed alone. `policy`
    /// holds layouts and normalisers; its network and head are those of `config`.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(config: &TrainConfig, policy: PolicyConfig, device: &Device) -> Result<Self, TrainError> {
        let student = Student::new(config, policy, device)?;
        let adversarial = config.adversarial.clone();
        Ok(Self { kind: config.training.learner, student, adversarial, sums: Sums::default() })
    }
}

impl BatchLearner for BehaviourCloning {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn window(&self) -> Window {
        self.student.window()
    }

    fn protect(&mut self, batches: &mut dyn Iterator<Item = Batch>, strength: f32) -> Result<(), TrainError> {
        if self.student.window().shown > 0 {
            return Err(TrainError::Config {
                origin: "continual.method".into(),
                message: "a policy that is shown demonstrations has no elastic weight consolidation; use rehearsal"
                    .into(),
            });
        }
        self.student.protect(batches, strength);
        Ok(())
    }

    fn update(&mut self, batch: Batch, step: UpdateStep) -> Result<(), TrainError> {
        let mut lesson = self.student.lesson(batch, step);
        let network = self.student.network();
        let adversarial = &self.adversarial;
        let moved = (adversarial.epsilon > 0.0).then(|| worst(network, &mut lesson, adversarial));
        let mut chance = Chance::Shared(&mut lesson.generator);
        let loss = network.loss(lesson.inputs, &lesson.targets, &lesson.masks, &mut chance);
        let mut numbers = vec![("train/loss", loss.total.clone().inner())];
        let mut total = loss.total;
        if let Some(moved) = moved {
            let worst = network.loss(moved, &lesson.targets, &lesson.masks, &mut chance).total;
            numbers.push(("train/adversarial_loss", worst.clone().inner()));
            total = total.mul_scalar(1.0 - adversarial.share) + worst.mul_scalar(adversarial.share);
        }
        let norm = self.student.descend(&total, step.learning_rate);
        numbers.extend(loss.parts.into_iter().map(|(tag, value)| (tag, value.inner())));
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
        self.student.save(dir)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.sums = Sums::default();
        self.student.load(dir)
    }
}
