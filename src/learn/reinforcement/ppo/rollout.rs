//! The rollout of an update, and its rewards.

use burn::module::Module;
use burn::tensor::Device;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::{Ppo, PpoConfig};
use crate::learn::core::learned_reward::RolloutTransitions;
use crate::learn::core::random::{Purpose, generator};
use crate::learn::reinforcement::environment::check_rewards;
use crate::learn::reinforcement::inference::{SAMPLING_ROWS, action_log_probs, reset_hidden, sample_actions};
use crate::learn::reinforcement::rollout_buffer::{RolloutBuffer, normalized};
use crate::learn::{TrainError, UpdateStep};
use crate::policies::BatchRng;

impl Ppo {
    /// Collect the rollout of an update; also the hidden states of a recurrent actor before each sequence.
    pub(super) fn collect_rollout(&mut self, step: UpdateStep) -> Result<(RolloutBuffer, Vec<f32>), TrainError> {
        let n_envs = self.environment.num_envs();
        let config = self.actor.policy_config();
        let network = self.actor.network().clone().valid();
        let act_dim = config.action.size();
        let mut rollout = RolloutBuffer::new(n_envs);
        let counter = |env: usize| step.index * n_envs as u64 + env as u64;
        let mut rngs: Vec<Pcg64> =
            (0..n_envs).map(|env| generator(step.seed, Purpose::Explore, counter(env))).collect();
        let correlation = self.config.get::<PpoConfig>().noise_correlation;
        // Keeps the variance of the noise at 1.
        let innovation = (1.0 - correlation * correlation).sqrt();
        let (sequence_length, state_size) = (self.config.network.sequence_length(), network.trunk().state_size());
        let mut hidden_states = Vec::new();
        for tick in 0..self.config.get::<PpoConfig>().n_steps {
            if tick.is_multiple_of(sequence_length) {
                hidden_states.extend_from_slice(&self.state.hidden.actor);
            }
            let observations = self.environment.last_step().observations;
            let obs_dim = observations.len() / n_envs;
            rollout.observations.extend_from_slice(observations);
            let inputs = normalized(&config.observation_normalizer, observations);
            let samples = BatchRng::PerRow(rngs.iter_mut().collect()).normal(n_envs, act_dim, &Device::flex());
            for (noise, sample) in self.state.noise.iter_mut().zip(samples.into_data().iter::<f32>()) {
                *noise = correlation * *noise + innovation * sample;
            }
            let mut hidden_chunks = self.state.hidden.actor.chunks_mut((SAMPLING_ROWS * state_size).max(1));
            let chunks: Vec<_> = inputs
                .chunks(SAMPLING_ROWS * obs_dim)
                .zip(self.state.noise.chunks(SAMPLING_ROWS * act_dim))
                .map(|(inputs, noise)| (network.clone(), inputs, noise, hidden_chunks.next().unwrap_or_default()))
                .collect();
            let sampled: Vec<(Vec<f32>, Vec<f32>)> = chunks
                .into_par_iter()
                .with_max_len(1)
                .map(|(network, inputs, noise, hidden)| sample_actions(&network, inputs, noise, act_dim, hidden))
                .collect();
            let first = rollout.actions.len();
            for (actions, log_probs) in sampled {
                rollout.actions.extend(actions);
                rollout.log_probs.extend(log_probs);
            }
            let mut actions = rollout.actions[first..].to_vec();
            config.action_normalizer.denormalize(&mut actions);
            self.environment.step(&actions);
            check_rewards(&*self.environment, step)?;
            rollout.push(&*self.environment);
            reset_hidden(&mut self.state.hidden.actor, &rollout.statuses[rollout.statuses.len() - n_envs..]);
        }
        self.state.total_timesteps += (n_envs * self.config.get::<PpoConfig>().n_steps) as u64;
        Ok((rollout, hidden_states))
    }

    /// Replace the rewards of the rollout by the learned reward; returns its metrics.
    pub(super) fn relabel_rewards(
        &mut self,
        rollout: &mut RolloutBuffer,
        step: UpdateStep,
    ) -> Result<Vec<(&'static str, f32)>, TrainError> {
        let Some(reward) = &mut self.reward else { return Ok(Vec::new()) };
        let config = self.actor.policy_config();
        let network = self.actor.network().clone().valid();
        let mut actions = rollout.actions.clone();
        config.action_normalizer.denormalize(&mut actions);
        let bounds: Vec<(f32, f32)> = config.action.bounds().collect();
        for action in actions.chunks_exact_mut(bounds.len()) {
            action.iter_mut().zip(&bounds).for_each(|(x, (low, high))| *x = x.clamp(*low, *high));
        }
        let log_prob = |observations: &[f32], actions: &[f32]| {
            let mut actions = actions.to_vec();
            config.action_normalizer.normalize(&mut actions);
            let inputs = normalized(&config.observation_normalizer, observations);
            action_log_probs(&network, inputs, actions, bounds.len())
        };
        let (rewards, metrics) = reward.train_and_relabel(
            &RolloutTransitions {
                observations: &rollout.observations,
                actions: &actions,
                next_observations: &rollout.next_observations,
                rewards: &rollout.rewards,
                log_prob: &log_prob,
            },
            step,
        )?;
        rollout.rewards = rewards;
        Ok(metrics)
    }
}
