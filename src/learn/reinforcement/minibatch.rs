//! Minibatches of a rollout for PPO.

use burn::tensor::{Device, Tensor};

use super::PpoConfig;
use super::advantages::EpisodeStatus;
use crate::learn::core::random::{Purpose, generator, shuffle};
use crate::learn::core::tensors::tensor;
use crate::learn::{TrainConfig, UpdateStep};
use crate::policies::{Network, RecurrentInput};

/// A minibatch on a device.
pub(super) struct PpoBatch {
    /// `[sequences, sequence_length, obs_dim]`
    inputs: Tensor<3>,
    recurrent: Option<RecurrentInput>,
    /// `[sequences * sequence_length, act_dim]`
    pub actions: Tensor<2>,
    /// `[sequences * sequence_length, 1]`, as are `advantages` and `returns`.
    pub old_log_probs: Tensor<2>,
    pub advantages: Tensor<2>,
    pub returns: Tensor<2>,
    /// `[sequences * sequence_length, act_dim]`
    pub bc_targets: Option<Tensor<2>>,
}

impl PpoBatch {
    /// Features of `network`, `[sequences * sequence_length, hidden_size]`.
    pub fn features(&self, network: &Network) -> Tensor<2> {
        let output =
            self.recurrent.clone().and_then(|recurrent| network.forward_recurrent(self.inputs.clone(), recurrent));
        output.map_or_else(|| network.features(self.inputs.clone(), &[]), |(features, _)| features)
    }
}

/// The data of a rollout that PPO trains on: entry `step * n_envs + env`.
pub(super) struct PpoData {
    /// Number of environments.
    pub n_envs: usize,
    /// Consecutive steps of one environment that are trained on together: 1 for networks without hidden state.
    pub sequence_length: usize,
    /// Normalized observations, `[n_steps * n_envs, obs_dim]`.
    pub inputs: Vec<f32>,
    /// `[n_steps * n_envs, act_dim]`
    pub actions: Vec<f32>,
    /// `[n_steps * n_envs]`: log-probabilities when the actions were sampled.
    pub old_log_probs: Vec<f32>,
    /// `[n_steps * n_envs]`
    pub advantages: Vec<f32>,
    /// `[n_steps * n_envs]`
    pub returns: Vec<f32>,
    /// `[n_steps * n_envs]`
    pub statuses: Vec<EpisodeStatus>,
    /// Actions of the pretrained policy (`init.from`), `[n_steps * n_envs, act_dim]`: targets of the behavior cloning loss.
    pub bc_targets: Option<Vec<f32>>,
}

impl PpoData {
    /// Number of sequences, each of one environment.
    fn n_sequences(&self) -> usize {
        self.old_log_probs.len() / self.sequence_length
    }

    /// The minibatch of these sequences. `hidden_states`: hidden states of the network before each sequence of the rollout,
    /// `[n_sequences, state]`; empty without hidden state.
    pub fn minibatch(&self, sequences: &[usize], hidden_states: &[f32], device: &Device) -> PpoBatch {
        let all = self.old_log_probs.len();
        let entries: Vec<usize> = sequences
            .iter()
            .flat_map(|sequence| {
                let (piece, env) = (sequence / self.n_envs, sequence % self.n_envs);
                (0..self.sequence_length).map(move |step| (piece * self.sequence_length + step) * self.n_envs + env)
            })
            .collect();
        let gather = |values: &[f32]| -> Tensor<2> {
            let size = values.len() / all;
            let rows = entries.iter().flat_map(|at| &values[at * size..(at + 1) * size]).copied().collect();
            tensor(rows, [entries.len(), size], device)
        };
        let count = sequences.len();
        let recurrent = (!hidden_states.is_empty()).then(|| {
            let size = hidden_states.len() / self.n_sequences();
            let state = sequences.iter().flat_map(|at| &hidden_states[at * size..(at + 1) * size]).copied().collect();
            // The stored hidden state was already reset if an episode ended before the first step of the sequence.
            let continues = |(at, entry): (usize, &usize)| {
                at.is_multiple_of(self.sequence_length) || self.statuses[entry - self.n_envs] == EpisodeStatus::Running
            };
            let continuation_mask =
                entries.iter().enumerate().map(|entry| f32::from(u8::from(continues(entry)))).collect();
            RecurrentInput {
                state: tensor(state, [count, size], device),
                continuation_mask: Some(tensor(continuation_mask, [count, self.sequence_length], device)),
            }
        });
        let inputs = gather(&self.inputs);
        let obs_dim = inputs.dims()[1];
        PpoBatch {
            inputs: inputs.reshape([count, self.sequence_length, obs_dim]),
            recurrent,
            actions: gather(&self.actions),
            old_log_probs: gather(&self.old_log_probs),
            advantages: gather(&self.advantages),
            returns: gather(&self.returns),
            bc_targets: self.bc_targets.as_deref().map(gather),
        }
    }

    /// The sequences of each minibatch of an update, over all epochs. Each epoch has its own order.
    pub fn minibatch_indices(&self, config: &TrainConfig, step: UpdateStep) -> Vec<Vec<usize>> {
        let size = (config.training.batch_size / self.sequence_length).max(1);
        let mut minibatches = Vec::new();
        for epoch in 0..config.get::<PpoConfig>().n_epochs {
            let mut order: Vec<usize> = (0..self.n_sequences()).collect();
            shuffle(
                &mut order,
                &mut generator(step.seed, Purpose::Shuffle, step.index * config.get::<PpoConfig>().n_epochs + epoch),
            );
            minibatches.extend(order.chunks(size).map(<[usize]>::to_vec));
        }
        minibatches
    }
}
