//! Proximal policy optimization (Schulman et al. 2017, arXiv:1707.06347, equations 7 and 9) with generalized advantage
//! estimation, and REINFORCE with a learned baseline (Williams 1992), which shares its rollouts.

mod config;
mod rollout;
mod setup;
pub mod spec;
mod update;

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

pub use config::PpoConfig;
pub use spec::PpoLearner;

use super::environment::validate;
use super::rollout_buffer::{curriculum_metric, episode_metrics};
use super::{EpisodeResult, RunningMeanStd, VecEnvironment};
use crate::learn::core::learned_reward::LearnedReward;
use crate::learn::core::metrics::finite;
use crate::learn::core::random::{Purpose, generator};
use crate::learn::core::run_dir::{not_whole, read_state, write_state};
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::{Extent, Learner, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::{BatchRng, Network, Policy, PolicyError};

/// The training state, in the policy's folder.
const STATE_FILE: &str = "ppo.bin";
/// The critic's folder, in the policy's folder.
const CRITIC_DIR: &str = "critic";
/// Steps with random actions whose observations initialize the observation normalizer.
const NORMALIZER_WARMUP_STEPS: usize = 64;

/// The training state without networks and optimizers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Whether the environments were reset for the first time.
    started: bool,
    /// Statistics of the observations.
    obs_stats: RunningMeanStd,
    /// Statistics of the discounted returns, by which rewards are normalized.
    return_stats: RunningMeanStd,
    /// `[n_envs]`: running discounted returns.
    returns: Vec<f32>,
    /// `[n_envs, act_dim]`: exploration noise of the last step.
    noise: Vec<f32>,
    hidden: HiddenStates,
    /// Adaptive learning rate.
    adaptive_lr: f64,
    /// Ticks of all environments.
    total_timesteps: u64,
    /// Serialized state of the environments.
    environment: Vec<u8>,
}

/// Hidden states of recurrent networks, `[n_envs, state]` each; empty for other networks.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HiddenStates {
    actor: Vec<f32>,
    critic: Vec<f32>,
    /// Those of the pretrained policy.
    pretrained: Vec<f32>,
}

/// Sums of metrics over the updates since [`Learner::metrics`] was called.
#[derive(Default)]
struct MetricSums {
    updates: f32,
    sums: Vec<(&'static str, f32)>,
    episodes: Vec<EpisodeResult>,
}

/// Proximal policy optimization with an actor and a critic. With a `clip_range` of 0 and one epoch it is REINFORCE with the
/// critic as the baseline.
pub struct Ppo {
    config: TrainConfig,
    environment: Box<dyn VecEnvironment>,
    actor: TrainableNetwork,
    critic: TrainableNetwork,
    /// The pretrained policy (`init.from`).
    pretrained: Option<Network>,
    /// Replaces the rewards of the environment.
    reward: Option<Box<dyn LearnedReward>>,
    state: State,
    metrics: MetricSums,
}

impl Ppo {
    /// Train on a learned reward in place of the environment's.
    #[must_use]
    pub fn with_reward(self, reward: Box<dyn LearnedReward>) -> Self {
        Self { reward: Some(reward), ..self }
    }

    /// Reset the environments. Without a pretrained policy, also initialize the observation normalizer by random actions.
    fn start(&mut self) {
        self.state.started = true;
        let seed = self.config.training.seed;
        self.environment.reset(seed);
        if self.pretrained.is_some() {
            return;
        }
        let mut rng = generator(seed, Purpose::Explore, u64::MAX);
        let (n_envs, act_dim) = (self.environment.num_envs(), self.actor.policy_config().action.size());
        for _ in 0..NORMALIZER_WARMUP_STEPS {
            self.state.obs_stats.update(self.environment.last_step().observations);
            let actions = BatchRng::Shared(&mut rng).normal(n_envs, act_dim, &Device::flex());
            let mut actions: Vec<f32> = actions.into_data().iter::<f32>().collect();
            self.actor.policy_config().action_normalizer.denormalize(&mut actions);
            self.environment.step(&actions);
        }
        self.actor.set_observation_normalizer(self.state.obs_stats.normalizer(&self.actor.policy_config().observation));
    }
}

impl Learner for Ppo {
    fn name(&self) -> &'static str {
        self.config.spec().name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if !self.state.started {
            self.start();
        }
        if self.environment.advance_curriculum() {
            self.state.returns.fill(0.0);
            let HiddenStates { actor, critic, pretrained } = &mut self.state.hidden;
            [actor, critic, pretrained].into_iter().for_each(|hidden| hidden.fill(0.0));
        }
        let (mut rollout, actor_hidden) = self.collect_rollout(step)?;
        self.metrics.episodes.append(&mut rollout.episodes);
        let reward_metrics = self.relabel_rewards(&mut rollout, step)?;
        let State { returns, return_stats, .. } = &mut self.state;
        rollout.normalize_rewards(self.config.get::<PpoConfig>().gamma, returns, return_stats);
        let observations = rollout.observations.clone();
        let update = self.prepare_update(rollout, actor_hidden, step);
        let learning_rate =
            if self.config.get::<PpoConfig>().desired_kl > 0.0 { self.state.adaptive_lr } else { step.learning_rate };
        let warmup = self.is_critic_warmup(step);
        let (actor, critic, config) = (&mut self.actor, &mut self.critic, &self.config);
        let ((actor_metrics, adaptive_lr), value_loss) = rayon::join(
            || Self::train_actor(actor, config, &update, learning_rate, warmup, step),
            || Self::train_critic(critic, config, &update, config.optimizer.learning_rate, step),
        );
        self.state.adaptive_lr = adaptive_lr;
        let critic_metrics =
            [("train/value_loss", value_loss), ("train/explained_variance", update.explained_variance)];
        let new = actor_metrics.into_iter().chain(critic_metrics).chain(reward_metrics);
        if self.metrics.sums.is_empty() {
            self.metrics.sums = new.collect();
        } else {
            self.metrics.sums.iter_mut().zip(new).for_each(|(sum, (_, x))| sum.1 += x);
        }
        self.metrics.updates += 1.0;
        if self.pretrained.is_none() {
            self.state.obs_stats.update(&observations);
            self.actor
                .set_observation_normalizer(self.state.obs_stats.normalizer(&self.actor.policy_config().observation));
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let MetricSums { updates, sums, episodes } = std::mem::take(&mut self.metrics);
        let mut metrics = Vec::new();
        for (tag, sum) in sums {
            metrics.push(Metric { tag, value: finite(sum / updates, step, tag)? });
        }
        metrics.extend(episode_metrics(&episodes));
        if !metrics.is_empty() {
            metrics.push(Metric { tag: "train/learning_rate", value: self.state.adaptive_lr as f32 });
            metrics.push(Metric { tag: "time/total_timesteps", value: self.state.total_timesteps as f32 });
            metrics.extend(curriculum_metric(&*self.environment));
        }
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        let policy = self.actor.policy()?;
        validate(
            &mut *self.environment,
            &policy,
            self.config.get::<PpoConfig>().n_eval_episodes,
            self.config.training.seed,
        )
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.actor.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.actor.save(dir)?;
        let critic = dir.join(CRITIC_DIR);
        std::fs::create_dir_all(&critic).map_err(TrainError::io("make the folder", &critic))?;
        self.critic.policy()?.write_into(&critic)?;
        self.critic.save(&critic)?;
        if let Some(reward) = &self.reward {
            reward.save(dir)?;
        }
        let state = State { environment: self.environment.save(), ..self.state.clone() };
        write_state(dir, STATE_FILE, &state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let state: State = read_state(dir, STATE_FILE)?;
        let sizes = |state: &State| {
            let HiddenStates { actor, critic, pretrained } = &state.hidden;
            [&state.returns, &state.noise, actor, critic, pretrained].map(Vec::len)
        };
        if sizes(&state) != sizes(&self.state) || state.started && !self.environment.load(&state.environment) {
            return Err(not_whole(dir, STATE_FILE, "belongs to other environments"));
        }
        self.actor.load(dir)?;
        self.critic.load(&dir.join(CRITIC_DIR))?;
        if let Some(reward) = &mut self.reward {
            reward.load(dir)?;
        }
        if self.pretrained.is_none() && state.started {
            self.actor.set_observation_normalizer(state.obs_stats.normalizer(&self.actor.policy_config().observation));
        }
        self.state = State { environment: Vec::new(), ..state };
        Ok(())
    }
}
