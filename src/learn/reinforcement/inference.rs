//! Forward passes over observations without gradients.

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::advantages::EpisodeStatus;
use super::rollout_buffer::{RolloutBuffer, normalized};
use crate::learn::core::tensors::tensor;
use crate::policies::{Network, RecurrentInput};
use crate::spaces::Normalizer;

/// Rows of one forward pass on one core while actions are sampled.
pub(super) const SAMPLING_ROWS: usize = 64;

fn to_vec(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Features of one step. `hidden`: hidden states of a recurrent network, `[rows, state]`, which are updated; empty for
/// other networks.
fn features(network: &Network, inputs: &[f32], rows: usize, hidden: &mut [f32]) -> Tensor<2> {
    let device = Device::flex();
    let inputs = tensor(inputs.to_vec(), [rows, 1, inputs.len() / rows], &device);
    if hidden.is_empty() {
        return network.features(inputs, &[]);
    }
    let state = tensor(hidden.to_vec(), [rows, hidden.len() / rows], &device);
    match network.forward_recurrent(inputs.clone(), RecurrentInput { state, continuation_mask: None }) {
        None => network.features(inputs, &[]),
        Some((features, state)) => {
            hidden.copy_from_slice(&to_vec(state));
            features
        }
    }
}

/// Sample actions `[rows, act_dim]` from standard normal `noise` of the same shape; also their log-probabilities `[rows]`.
/// `inputs`: normalized observations. `hidden`: as for [`features`].
pub(super) fn sample_actions(
    network: &Network,
    inputs: &[f32],
    noise: &[f32],
    act_dim: usize,
    hidden: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let rows = noise.len() / act_dim;
    let features = features(network, inputs, rows, hidden);
    let noise = tensor(noise.to_vec(), [rows, act_dim], &Device::flex());
    network
        .head()
        .sample(features.clone(), noise)
        .and_then(|actions| Some((actions.clone(), network.head().evaluate_actions(features, actions)?)))
        .map(|(actions, evaluation)| (to_vec(actions), to_vec(evaluation.log_prob)))
        .unwrap_or_default()
}

/// Log-probabilities `[rows]` of normalized actions `[rows, act_dim]` at normalized observations.
pub(super) fn action_log_probs(network: &Network, inputs: Vec<f32>, actions: Vec<f32>, act_dim: usize) -> Vec<f32> {
    let rows = actions.len() / act_dim;
    let obs_dim = inputs.len() / rows.max(1);
    let features = network.features(tensor(inputs, [rows, 1, obs_dim], &Device::flex()), &[]);
    let evaluation = network.head().evaluate_actions(features, tensor(actions, [rows, act_dim], &Device::flex()));
    evaluation.map_or_else(Vec::new, |evaluation| to_vec(evaluation.log_prob))
}

/// Deterministic outputs of one step: the mean of a Gaussian head, the median of a categorical one.
fn deterministic_outputs(network: &Network, inputs: &[f32], rows: usize, hidden: &mut [f32]) -> Vec<f32> {
    let features = features(network, inputs, rows, hidden);
    to_vec(network.head().deterministic(features))
}

/// Deterministic outputs of a network without hidden state for many rows, on all cores.
fn feed_forward_outputs(network: &Network, inputs: &[f32], obs_dim: usize) -> Vec<f32> {
    const ROWS: usize = 1024;
    let chunks: Vec<_> = inputs.chunks(ROWS * obs_dim).map(|inputs| (network.clone(), inputs)).collect();
    let outputs: Vec<Vec<f32>> = chunks
        .into_par_iter()
        .with_max_len(1)
        .map(|(network, inputs)| deterministic_outputs(&network, inputs, inputs.len() / obs_dim, &mut []))
        .collect();
    outputs.concat()
}

/// Deterministic outputs of a network for a rollout: values of a critic, or actions of a policy.
pub(super) struct RolloutOutputs {
    /// `[n_steps * n_envs, outputs]`.
    pub outputs: Vec<f32>,
    /// Outputs for the final observations of the truncated episodes, in the order of [`RolloutBuffer::truncated`].
    pub final_outputs: Vec<f32>,
    /// `[n_envs, outputs]`: outputs for the observations after the last step.
    pub next_outputs: Vec<f32>,
    /// Hidden states before each sequence, `[n_steps / sequence_length, n_envs, state]`; empty without hidden state.
    pub hidden_states: Vec<f32>,
}

/// Outputs of `network` for a rollout after which the environments return `next_observations`. `hidden`: hidden states
/// before the rollout, `[n_envs, state]`. They are updated to those after it and reset where episodes end; empty for
/// networks without hidden state.
pub(super) fn rollout_outputs(
    network: &Network,
    rollout: &RolloutBuffer,
    next_observations: &[f32],
    normalizer: &Normalizer,
    sequence_length: usize,
    hidden: &mut [f32],
) -> RolloutOutputs {
    let obs_dim = normalizer.size();
    let inputs = normalized(normalizer, &rollout.observations);
    let next = normalized(normalizer, next_observations);
    if hidden.is_empty() {
        let (_, final_observations) = rollout.truncated();
        return RolloutOutputs {
            outputs: feed_forward_outputs(network, &inputs, obs_dim),
            final_outputs: feed_forward_outputs(network, &normalized(normalizer, &final_observations), obs_dim),
            next_outputs: feed_forward_outputs(network, &next, obs_dim),
            hidden_states: Vec::new(),
        };
    }
    let n_envs = rollout.n_envs;
    let mut result = RolloutOutputs {
        outputs: Vec::new(),
        final_outputs: Vec::new(),
        next_outputs: Vec::new(),
        hidden_states: Vec::new(),
    };
    let steps = inputs.chunks_exact(n_envs * obs_dim).zip(rollout.statuses.chunks_exact(n_envs));
    for (step, (inputs, statuses)) in steps.enumerate() {
        if step.is_multiple_of(sequence_length) {
            result.hidden_states.extend_from_slice(hidden);
        }
        result.outputs.extend(deterministic_outputs(network, inputs, n_envs, hidden));
        if statuses.iter().any(|status| matches!(status, EpisodeStatus::Truncated(_))) {
            let row_range = step * n_envs * obs_dim..(step + 1) * n_envs * obs_dim;
            let final_inputs = normalized(normalizer, &rollout.next_observations[row_range]);
            let outputs = deterministic_outputs(network, &final_inputs, n_envs, &mut hidden.to_vec());
            for (env, output) in outputs.chunks_exact(outputs.len() / n_envs).enumerate() {
                if matches!(statuses[env], EpisodeStatus::Truncated(_)) {
                    result.final_outputs.extend_from_slice(output);
                }
            }
        }
        reset_hidden(hidden, statuses);
    }
    result.next_outputs = deterministic_outputs(network, &next, n_envs, &mut hidden.to_vec());
    result
}

/// Set the hidden states of the environments whose episode ended to zero.
pub(super) fn reset_hidden(hidden: &mut [f32], statuses: &[EpisodeStatus]) {
    if hidden.is_empty() {
        return;
    }
    let size = hidden.len() / statuses.len();
    for (hidden, status) in hidden.chunks_exact_mut(size).zip(statuses) {
        if *status != EpisodeStatus::Running {
            hidden.fill(0.0);
        }
    }
}
