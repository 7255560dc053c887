//! Adversarial training: learning from observations that were moved to where the loss is greatest.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::random::uniform;
use super::student::Lesson;
use super::tensors::tensor_like;
use crate::policies::{Chance, Network};

/// `[adversarial]` (Madry et al. 2018, arXiv:1706.06083, equation 2.1)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdversarialConfig {
    /// How far each observed number is moved at most, in standard deviations; 0 for ordinary training.
    pub epsilon: f32,
    /// Steps along the sign of the gradient.
    pub steps: usize,
    /// Share of the loss that is measured at the moved observations; the rest is measured at the clean ones.
    pub share: f32,
}

impl Default for AdversarialConfig {
    fn default() -> Self {
        Self { epsilon: 0.0, steps: 4, share: 0.5 }
    }
}

/// The inputs `[rows, sequence, numbers]` of `lesson` moved within `epsilon` to where the loss of `network` is greater.
pub fn worst(network: &Network, lesson: &mut Lesson, config: &AdversarialConfig) -> Tensor<3> {
    let clean = lesson.inputs.clone().inner();
    let epsilon = config.epsilon;
    let count = clean.dims().iter().product();
    let start = (0..count).map(|_| epsilon * (2.0 * uniform(&mut lesson.generator) - 1.0)).collect();
    let mut moved = clean.clone() + tensor_like(start, &clean);
    let length = 2.5 * epsilon / config.steps as f32;
    for _ in 0..config.steps {
        let inputs = Tensor::from_inner(moved.clone()).require_grad();
        let mut chance = Chance::Shared(&mut lesson.generator);
        let loss = network.loss(inputs.clone(), &lesson.targets, &lesson.masks, &mut chance).total;
        let Some(slope) = inputs.grad(&loss.backward()) else { break };
        let low = clean.clone().sub_scalar(epsilon);
        let high = clean.clone().add_scalar(epsilon);
        moved = (moved + slope.sign().mul_scalar(length)).max_pair(low).min_pair(high);
    }
    Tensor::from_inner(moved)
}
