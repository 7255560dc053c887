//! An update: advantages and returns of a rollout, and the training of critic and actor on them.

use burn::module::Module;

use super::{Ppo, PpoConfig};
use crate::learn::core::metrics::number;
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::reinforcement::inference::{RolloutOutputs, rollout_outputs};
use crate::learn::reinforcement::minibatch::PpoData;
use crate::learn::reinforcement::rollout_buffer::{RolloutBuffer, normalized};
use crate::learn::reinforcement::running_stats::{explained_variance, mean_and_std};
use crate::learn::{TrainConfig, UpdateStep};
use crate::policies::BatchRng;

/// Smallest and largest adaptive learning rate.
const ADAPTIVE_LR_RANGE: (f64, f64) = (1e-5, 1e-2);

/// The data of an update, with the hidden states of the networks before each sequence.
pub(super) struct Update {
    pub data: PpoData,
    pub actor_hidden: Vec<f32>,
    pub critic_hidden: Vec<f32>,
    pub explained_variance: f32,
}

/// The decay of the behavior cloning loss and the GAE lambda at an update.
fn bc_decay(settings: &PpoConfig, step: UpdateStep) -> f32 {
    settings.bc_coef_decay.powi(step.index.min(i32::MAX as u64) as i32)
}

impl Ppo {
    /// Whether only the critic is trained in this update.
    pub(super) fn is_critic_warmup(&self, step: UpdateStep) -> bool {
        self.pretrained.is_some() && step.index < self.config.get::<PpoConfig>().critic_warmup_updates
    }

    /// Compute the values, advantages and returns of the rollout.
    pub(super) fn prepare_update(
        &mut self,
        mut rollout: RolloutBuffer,
        actor_hidden: Vec<f32>,
        step: UpdateStep,
    ) -> Update {
        let settings = self.config.get::<PpoConfig>();
        let normalizer = &self.actor.policy_config().observation_normalizer;
        let next_observations = self.environment.last_step().observations;
        let sequence_length = self.config.network.sequence_length();
        let hidden = &mut self.state.hidden;
        let critic = self.critic.network().clone().valid();
        let RolloutOutputs {
            outputs: values,
            final_outputs: final_values,
            next_outputs: next_values,
            hidden_states: critic_hidden,
        } = rollout_outputs(&critic, &rollout, next_observations, normalizer, sequence_length, &mut hidden.critic);
        let final_values = rollout.truncated().0.into_iter().zip(final_values);
        let bc_targets = self.pretrained.as_ref().map(|pretrained| {
            rollout_outputs(
                pretrained,
                &rollout,
                next_observations,
                normalizer,
                sequence_length,
                &mut hidden.pretrained,
            )
            .outputs
        });
        let gae_lambda = if self.pretrained.is_some() {
            settings.gae_lambda + (1.0 - settings.gae_lambda) * bc_decay(settings, step)
        } else {
            settings.gae_lambda
        };
        let mut advantages =
            rollout.compute_advantages(&values, final_values, &next_values, settings.gamma, gae_lambda);
        let returns: Vec<f32> = advantages.iter().zip(&values).map(|(a, v)| a + v).collect();
        let explained_variance = explained_variance(&values, &returns);
        let (mean, std) = mean_and_std(&advantages);
        advantages.iter_mut().for_each(|a| *a = (*a - mean) / (std + 1e-8));
        let data = PpoData {
            n_envs: rollout.n_envs,
            sequence_length,
            inputs: normalized(normalizer, &rollout.observations),
            actions: rollout.actions,
            old_log_probs: rollout.log_probs,
            advantages,
            returns,
            statuses: rollout.statuses,
            bc_targets,
        };
        Update { data, actor_hidden, critic_hidden, explained_variance }
    }

    /// Train the critic on the returns; returns the mean loss.
    pub(super) fn train_critic(
        critic: &mut TrainableNetwork,
        config: &TrainConfig,
        update: &Update,
        learning_rate: f64,
        step: UpdateStep,
    ) -> f32 {
        let device = critic.device().clone();
        let mut sum = None;
        let mut count = 0.0;
        for sequences in update.data.minibatch_indices(config, step) {
            let batch = update.data.minibatch(&sequences, &update.critic_hidden, &device);
            let network = critic.network();
            let values = network.head().predict(batch.features(network), &mut BatchRng::PerRow(Vec::new()));
            let loss = (values - batch.returns).square().mean();
            critic.gradient_step(&loss, learning_rate);
            let loss = loss.inner();
            sum = Some(match sum {
                None => loss,
                Some(sum) => sum + loss,
            });
            count += 1.0;
        }
        sum.map_or(f32::NAN, number) / count
    }

    /// Train the actor, or only compute its metrics if `warmup`. Returns the metrics and the adaptive learning rate after
    /// the update.
    pub(super) fn train_actor(
        actor: &mut TrainableNetwork,
        config: &TrainConfig,
        update: &Update,
        mut learning_rate: f64,
        warmup: bool,
        step: UpdateStep,
    ) -> (Vec<(&'static str, f32)>, f64) {
        let settings = config.get::<PpoConfig>();
        let device = actor.device().clone();
        let bc_coef = settings.bc_coef * bc_decay(settings, step);
        let ent_coef = settings.ent_coef * (step.learning_rate / config.optimizer.learning_rate) as f32;
        let mut sums = [0.0f32; 4];
        let mut count = 0.0;
        for sequences in update.data.minibatch_indices(config, step) {
            let batch = update.data.minibatch(&sequences, &update.actor_hidden, &device);
            let network = actor.network();
            let features = batch.features(network);
            let Some(evaluation) = network.head().evaluate_actions(features.clone(), batch.actions) else { break };
            let log_ratio = evaluation.log_prob.clone() - batch.old_log_probs;
            let ratio = log_ratio.clone().exp();
            let objective = if settings.clip_range > 0.0 {
                let clipped = ratio.clone().clamp(1.0 - settings.clip_range, 1.0 + settings.clip_range);
                (ratio.clone() * batch.advantages.clone()).min_pair(clipped * batch.advantages)
            } else {
                evaluation.log_prob * batch.advantages
            };
            let entropy = evaluation.entropy.mean();
            let mut loss = objective.mean().neg() - entropy.clone().mul_scalar(ent_coef);
            if let Some(bc_targets) = batch.bc_targets
                && let Some(bc_loss) = network.head().bc_loss(features, bc_targets)
                && bc_coef > 0.0
            {
                loss = loss + bc_loss.mul_scalar(bc_coef);
            }
            // Never negative, and of smaller variance than the mean of the log ratios (Schulman 2020, "Approximating KL
            // divergence").
            let approx_kl = number((ratio.clone().sub_scalar(1.0) - log_ratio).mean().inner());
            let clip_fraction = ratio.sub_scalar(1.0).abs().greater_elem(settings.clip_range).float().mean();
            if settings.desired_kl > 0.0 && !warmup {
                if approx_kl > 2.0 * settings.desired_kl {
                    learning_rate = (learning_rate / 1.5).max(ADAPTIVE_LR_RANGE.0);
                } else if approx_kl < 0.5 * settings.desired_kl {
                    learning_rate = (learning_rate * 1.5).min(ADAPTIVE_LR_RANGE.1);
                }
            }
            if !warmup {
                actor.gradient_step(&loss, learning_rate);
            }
            let values = [number(loss.inner()), number(entropy.inner()), approx_kl, number(clip_fraction.inner())];
            sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
            count += 1.0;
        }
        let tags = ["train/loss", "train/entropy", "train/approx_kl", "train/clip_fraction"];
        (tags.into_iter().zip(sums.map(|sum| sum / count)).collect(), learning_rate)
    }
}
