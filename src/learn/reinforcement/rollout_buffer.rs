//! The rollout buffer: the steps of all environments between two updates.

use super::{EpisodeResult, EpisodeStatus, RunningMeanStd, VecEnvironment, compute_gae};
use crate::learn::Metric;
use crate::policies::OBSERVATION_CLIP;
use crate::spaces::Normalizer;

/// Normalized rewards are clipped to this magnitude, as by Stable-Baselines3's `VecNormalize`.
const REWARD_CLIP: f32 = 10.0;

/// The steps of a rollout, step by step: entry `step * n_envs + env`.
#[derive(Clone, Debug, Default)]
pub(super) struct RolloutBuffer {
    /// Number of environments.
    pub n_envs: usize,
    /// `[n_steps * n_envs, obs_dim]`, in the layout's units.
    pub observations: Vec<f32>,
    /// `[n_steps * n_envs, act_dim]`: normalized actions as they were sampled, not clamped.
    pub actions: Vec<f32>,
    /// `[n_steps * n_envs]`: log-probability of each action when it was sampled.
    pub log_probs: Vec<f32>,
    /// `[n_steps * n_envs]`.
    pub rewards: Vec<f32>,
    /// `[n_steps * n_envs, obs_dim]`. Where an episode ended, its final observation.
    pub next_observations: Vec<f32>,
    /// `[n_steps * n_envs]`. [`EpisodeStatus::Truncated`] holds no value before [`RolloutBuffer::compute_advantages`].
    pub statuses: Vec<EpisodeStatus>,
    /// Results of the episodes that ended.
    pub episodes: Vec<EpisodeResult>,
}

impl RolloutBuffer {
    /// An empty buffer.
    pub fn new(n_envs: usize) -> Self {
        Self { n_envs, ..Self::default() }
    }

    /// Add the results of the last step of `environment`. Its observations, actions and log-probabilities are added by the
    /// caller.
    pub fn push(&mut self, environment: &dyn VecEnvironment) {
        let step = environment.last_step();
        let obs_dim = step.observations.len() / self.n_envs;
        self.rewards.extend_from_slice(step.rewards);
        for env in 0..self.n_envs {
            let status = if step.terminated[env] {
                EpisodeStatus::Terminated
            } else if step.truncated[env] {
                EpisodeStatus::Truncated(0.0)
            } else {
                EpisodeStatus::Running
            };
            self.statuses.push(status);
            let next = if status == EpisodeStatus::Running { step.observations } else { step.final_observations };
            self.next_observations.extend_from_slice(&next[env * obs_dim..(env + 1) * obs_dim]);
            if status != EpisodeStatus::Running {
                self.episodes.push(environment.episode_result(env));
            }
        }
    }

    /// Normalize the rewards as Stable-Baselines3's `VecNormalize` does: divide them by the standard deviation of the
    /// discounted returns. `returns` holds the running discounted return of each environment, `return_stats` their
    /// statistics; both are updated.
    pub fn normalize_rewards(&mut self, gamma: f32, returns: &mut [f32], return_stats: &mut RunningMeanStd) {
        let steps = self.rewards.chunks_mut(self.n_envs).zip(self.statuses.chunks(self.n_envs));
        for (rewards, statuses) in steps {
            returns.iter_mut().zip(&*rewards).for_each(|(sum, reward)| *sum = *sum * gamma + reward);
            return_stats.update(returns);
            let ended = returns.iter_mut().zip(statuses).filter(|(_, status)| **status != EpisodeStatus::Running);
            ended.for_each(|(sum, _)| *sum = 0.0);
            // The statistics up to this step, not those of the whole rollout.
            let scale = return_stats.std().next().map_or(1.0, f32::recip);
            rewards.iter_mut().for_each(|r| *r = (*r * scale).clamp(-REWARD_CLIP, REWARD_CLIP));
        }
    }

    /// The entries whose episode was truncated, and the final observations of these episodes, `[entries, obs_dim]`.
    pub fn truncated(&self) -> (Vec<usize>, Vec<f32>) {
        let obs_dim = self.next_observations.len() / self.statuses.len().max(1);
        let entries =
            self.statuses.iter().enumerate().filter(|(_, status)| matches!(status, EpisodeStatus::Truncated(_)));
        let entries: Vec<usize> = entries.map(|(entry, _)| entry).collect();
        let observations = entries
            .iter()
            .flat_map(|entry| &self.next_observations[entry * obs_dim..(entry + 1) * obs_dim])
            .copied()
            .collect();
        (entries, observations)
    }

    /// Advantage of each step, `[n_steps * n_envs]`.
    ///
    /// `values`: `[n_steps * n_envs]`. `final_values`: entry and value of the final state of each truncated episode.
    /// `next_values`: `[n_envs]`, values of the states after the last step.
    pub fn compute_advantages(
        &mut self,
        values: &[f32],
        final_values: impl Iterator<Item = (usize, f32)>,
        next_values: &[f32],
        gamma: f32,
        gae_lambda: f32,
    ) -> Vec<f32> {
        for (entry, value) in final_values {
            self.statuses[entry] = EpisodeStatus::Truncated(value);
        }
        let mut out = vec![0.0; self.rewards.len()];
        let column =
            |all: &[f32], env: usize| -> Vec<f32> { all.iter().skip(env).step_by(self.n_envs).copied().collect() };
        for (env, next_value) in next_values.iter().enumerate() {
            let (rewards, values) = (column(&self.rewards, env), column(values, env));
            let statuses: Vec<EpisodeStatus> = self.statuses.iter().skip(env).step_by(self.n_envs).copied().collect();
            let advantages = compute_gae(&rewards, &values, &statuses, *next_value, gamma, gae_lambda);
            for (step, advantage) in advantages.into_iter().enumerate() {
                out[step * self.n_envs + env] = advantage;
            }
        }
        out
    }
}

/// Mean reward and success rate of the episodes; no metrics if there are no episodes.
pub(super) fn episode_metrics(episodes: &[EpisodeResult]) -> Vec<Metric> {
    if episodes.is_empty() {
        return Vec::new();
    }
    let count = episodes.len() as f32;
    let reward: f32 = episodes.iter().map(|episode| episode.episode_return).sum();
    let successes = episodes.iter().filter(|episode| episode.success).count() as f32;
    vec![
        Metric { tag: "rollout/ep_rew_mean", value: reward / count },
        Metric { tag: "rollout/success_rate", value: successes / count },
    ]
}

/// The current curriculum stage, if the curriculum has more than one.
pub(super) fn curriculum_metric(environment: &dyn VecEnvironment) -> Option<Metric> {
    let progress = environment.curriculum_progress();
    (progress.n_stages > 1).then_some(Metric { tag: "curriculum/stage", value: progress.stage as f32 })
}

/// Normalized and clipped observations: the inputs of a network.
pub(super) fn normalized(normalizer: &Normalizer, observations: &[f32]) -> Vec<f32> {
    let mut inputs = observations.to_vec();
    normalizer.normalize(&mut inputs);
    inputs.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
    inputs
}
