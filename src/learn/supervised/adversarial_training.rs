//! Adversarial training: the loss is also computed at observations that were perturbed to maximize it.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::core::random::uniform;
use crate::learn::core::section::Section;
use crate::learn::core::tensors::tensor_like;
use crate::learn::core::trainable_network::Minibatch;
use crate::policies::{BatchRng, Network};

/// Adversarial training (Madry et al. 2018, arXiv:1706.06083, equation 2.1)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdversarialConfig {
    /// Largest perturbation of each observed number (L-infinity), in standard deviations; 0 for ordinary training.
    #[schemars(range(min = 0))]
    pub epsilon: f32,
    /// Steps of projected gradient descent (PGD), each along the sign of the gradient.
    #[schemars(range(min = 1, max = 100))]
    pub num_steps: usize,
    /// Weight of the loss at the perturbed observations; the loss at the clean observations has the rest.
    #[schemars(range(min = 0, max = 1))]
    pub loss_fraction: f32,
}

impl Section for AdversarialConfig {
    const NAME: &'static str = "adversarial";
}

impl Default for AdversarialConfig {
    fn default() -> Self {
        Self { epsilon: 0.0, num_steps: 4, loss_fraction: 0.5 }
    }
}

/// The inputs `[rows, sequence_length, input_dim]` of `minibatch`, perturbed within `epsilon` by PGD to increase the
/// loss of `network`.
pub fn adversarial_inputs(network: &Network, minibatch: &mut Minibatch, config: &AdversarialConfig) -> Tensor<3> {
    let clean = minibatch.inputs.clone().inner();
    let epsilon = config.epsilon;
    let count = clean.dims().iter().product();
    let start = (0..count).map(|_| epsilon * (2.0 * uniform(&mut minibatch.rng) - 1.0)).collect();
    let mut perturbed = clean.clone() + tensor_like(start, &clean);
    let step_size = 2.5 * epsilon / config.num_steps as f32;
    for _ in 0..config.num_steps {
        let inputs = Tensor::from_inner(perturbed.clone()).require_grad();
        let mut rng = BatchRng::Shared(&mut minibatch.rng);
        let loss = network.loss(inputs.clone(), &minibatch.targets, &minibatch.masks, &mut rng).total;
        let Some(gradient) = inputs.grad(&loss.backward()) else { break };
        let low = clean.clone().sub_scalar(epsilon);
        let high = clean.clone().add_scalar(epsilon);
        perturbed = (perturbed + gradient.sign().mul_scalar(step_size)).max_pair(low).min_pair(high);
    }
    Tensor::from_inner(perturbed)
}
