//! The Q-values of a network.

use burn::tensor::Tensor;

use crate::policies::{DuelingQ, Network};

/// The network's head, if it is a dueling Q head.
pub(super) fn dueling_q(network: &Network) -> Option<&DuelingQ> {
    network.head().as_any().downcast_ref()
}

/// Q-values of all joint actions, `[rows, joint actions]`, for normalized observations.
pub(super) fn q_values(network: &Network, inputs: Tensor<3>) -> Tensor<2> {
    let features = network.features(inputs, &[]);
    dueling_q(network).map_or_else(|| features.clone(), |head| head.forward(features.clone()))
}
