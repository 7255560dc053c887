//! A gradient step on a sample of the replay buffer.

use burn::module::Module;
use burn::tensor::Device;
use rand_pcg::Pcg64;

use super::q_network::q_values;
use super::{Dqn, DqnConfig};
use crate::learn::UpdateStep;
use crate::learn::core::metrics::number;
use crate::learn::core::tensors::tensor;
use crate::learn::reinforcement::ReplaySample;
use crate::learn::reinforcement::rollout_buffer::normalized;
use crate::policies::DuelingQ;

impl Dqn {
    /// Take a gradient step on a sample of the replay buffer.
    pub(super) fn gradient_step(&mut self, step: UpdateStep, rng: &mut Pcg64) {
        let progress = step.index as f32 / self.config.training.steps.max(1) as f32;
        let sample = self.replay.sample(self.config.training.batch_size, progress, rng);
        self.train_on(sample, step.learning_rate);
    }

    /// Take a gradient step on the Huber loss of the TD errors, plus the large margin loss for demonstrations.
    pub(super) fn train_on(&mut self, sample: ReplaySample, learning_rate: f64) {
        let rows = sample.indices.len();
        let obs_dim = self.online.policy_config().observation.size();
        let mut observations = Vec::with_capacity(rows * obs_dim);
        let mut next_observations = Vec::with_capacity(rows * obs_dim);
        let (mut actions, mut rewards) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for index in &sample.indices {
            let transition = self.replay.get(*index);
            observations.extend_from_slice(transition.observation);
            next_observations.extend_from_slice(transition.next_observation);
            actions.push(transition.action as usize);
            rewards.push((transition.reward, transition.discount));
        }
        let normalizer = self.online.policy_config().observation_normalizer.clone();
        let inner = Device::flex();
        let next_inputs = tensor(normalized(&normalizer, &next_observations), [rows, 1, obs_dim], &inner);
        // Double Q-learning: the online network selects the next action, the target network evaluates it.
        let online_q = q_values(&self.online.network().clone().valid(), next_inputs.clone());
        let target_q = q_values(&self.target, next_inputs);
        let n_joint_actions = online_q.dims()[1];
        // Equal largest Q-values share the weight.
        let greedy = online_q.clone().equal(online_q.max_dim(1).expand([rows, n_joint_actions])).float();
        let next_values = (target_q * greedy.clone()).sum_dim(1) / greedy.sum_dim(1);
        let next_values: Vec<f32> = next_values.into_data().iter::<f32>().collect();
        let targets =
            rewards.iter().zip(next_values).map(|((reward, discount), value)| reward + discount * value).collect();
        let device = self.online.device().clone();
        let inputs = tensor(normalized(&normalizer, &observations), [rows, 1, obs_dim], &device);
        let mut action_mask = vec![0.0f32; rows * n_joint_actions];
        actions.iter().enumerate().for_each(|(row, action)| action_mask[row * n_joint_actions + action] = 1.0);
        let all_q = q_values(self.online.network(), inputs);
        let action_mask = tensor(action_mask, [rows, n_joint_actions], &device);
        let action_q = (all_q.clone() * action_mask.clone()).sum_dim(1);
        let td_error = action_q.clone() - tensor(targets, [rows, 1], &device);
        let weights = tensor(sample.weights, [rows, 1], &device);
        // Huber loss with delta 1: quadratic near zero, linear beyond.
        let clamped = td_error.clone().abs().clamp_max(1.0);
        let huber = clamped.clone() * td_error.clone().abs() - clamped.square().mul_scalar(0.5);
        let mut loss = (huber * weights).mean();
        if self.replay.permanent() > 0 {
            let is_demo =
                sample.indices.iter().map(|index| f32::from(u8::from(*index < self.replay.permanent()))).collect();
            let margin = action_mask.neg().add_scalar(1.0).mul_scalar(DuelingQ::EXPERT_MARGIN);
            let margin_loss = ((all_q + margin).max_dim(1) - action_q.clone()) * tensor(is_demo, [rows, 1], &device);
            loss = loss + margin_loss.mean().mul_scalar(self.config.get::<DqnConfig>().margin_loss_coef);
        }
        self.online.gradient_step(&loss, learning_rate);
        let td_errors: Vec<f32> = td_error.inner().into_data().iter::<f32>().collect();
        if td_errors.iter().all(|error| error.is_finite()) {
            self.replay.update_priorities(&sample.indices, &td_errors);
        }
        self.sums.loss += number(loss.inner());
        self.sums.q_value += number(action_q.mean().inner());
        self.sums.gradient_steps += 1.0;
        self.state.gradient_steps += 1;
        if self.state.gradient_steps.is_multiple_of(self.config.get::<DqnConfig>().target_update_interval) {
            self.target = self.online.network().clone().valid();
        }
    }
}
