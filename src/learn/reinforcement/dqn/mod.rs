//! Deep Q-learning over joint actions (Mnih et al. 2015): double (van Hasselt et al. 2015, arXiv:1509.06461, equation 4),
//! dueling, with n-step returns (Sutton 1988) and prioritized replay.

mod config;
mod q_network;
mod setup;
mod spec;
mod update;

use std::collections::VecDeque;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

pub use config::DqnConfig;
use q_network::{dueling_q, q_values};
pub use spec::DqnLearner;

use super::environment::{check_rewards, validate};
use super::rollout_buffer::{curriculum_metric, episode_metrics, normalized};
use super::{EpisodeResult, ReplayBuffer, ReplaySample, RunningMeanStd, Transition, VecEnvironment};
use crate::learn::core::metrics::finite;
use crate::learn::core::random::{Purpose, below, generator, uniform};
use crate::learn::core::run_dir::{not_whole, read_state, write_state};
use crate::learn::core::tensors::tensor;
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::{Extent, Learner, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{DuelingQ, Network, Policy, PolicyError};

/// The training state, in the policy's folder.
const STATE_FILE: &str = "dqn.bin";
/// The replay buffer.
const REPLAY_FILE: &str = "replay.bin";
/// The target network.
const TARGET_FILE: &str = "target.safetensors";

/// An n-step transition that is not complete yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingTransition {
    observation: Vec<f32>,
    action: u32,
    reward: f32,
    /// Discount of the next reward.
    discount: f32,
}

/// The training state without networks, optimizer and replay buffer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Whether the environments were reset for the first time.
    started: bool,
    /// Statistics of the observations.
    obs_stats: RunningMeanStd,
    /// Incomplete transitions of each environment, oldest first.
    pending: Vec<VecDeque<PendingTransition>>,
    /// The random action of each environment's last decision, which may be repeated.
    random_actions: Vec<Option<u32>>,
    /// The joint action that each environment holds.
    held_actions: Vec<u32>,
    /// Ticks for which it is still held.
    ticks_left: Vec<usize>,
    /// Ticks of all environments.
    total_timesteps: u64,
    gradient_steps: u64,
    /// Serialized state of the environments.
    environment: Vec<u8>,
}

/// Sums over the gradient steps since [`Learner::metrics`] was called.
#[derive(Default)]
struct MetricSums {
    loss: f32,
    q_value: f32,
    gradient_steps: f32,
}

/// Deep Q-learning over joint actions.
pub struct Dqn {
    config: TrainConfig,
    environment: Box<dyn VecEnvironment>,
    online: TrainableNetwork,
    target: Network,
    replay: ReplayBuffer,
    state: State,
    sums: MetricSums,
    episodes: Vec<EpisodeResult>,
}

impl Dqn {
    /// Probability of a random action in update `index`.
    fn epsilon(&self, index: u64) -> f32 {
        let settings = self.config.get::<DqnConfig>();
        let decay_updates = (self.config.training.steps as f32 * settings.exploration_fraction).max(1.0);
        let progress = (index as f32 / decay_updates).min(1.0);
        settings.exploration_initial_eps
            + (settings.exploration_final_eps - settings.exploration_initial_eps) * progress
    }

    /// Step all environments by one tick with epsilon-greedy actions, and add the complete transitions to the replay
    /// buffer.
    fn step_environments(&mut self, step: UpdateStep, epsilon: f32, rng: &mut Pcg64) -> Result<(), TrainError> {
        let config = self.online.policy_config();
        let network = self.online.network().clone().valid();
        let Some(joint_actions) = dueling_q(&network).map(DuelingQ::joint_actions) else { return Ok(()) };
        let (n_envs, act_dim) = (self.environment.num_envs(), config.action.size());
        let n_joint_actions = joint_actions.len() / act_dim;
        let observations = self.environment.last_step().observations.to_vec();
        let obs_dim = observations.len() / n_envs;
        let inputs = normalized(&config.observation_normalizer, &observations);
        let q_values = q_values(&network, tensor(inputs, [n_envs, 1, obs_dim], &Device::flex()));
        let q_values: Vec<f32> = q_values.into_data().iter::<f32>().collect();
        let mut actions = Vec::with_capacity(n_envs * act_dim);
        let repeat_prob = self.config.get::<DqnConfig>().exploration_repeat_prob;
        // Probability that a random action starts, such that the fraction of random decisions is `epsilon` with repetitions.
        let start_prob = epsilon * (1.0 - repeat_prob) / (1.0 - epsilon * repeat_prob).max(1e-6);
        let decides: Vec<bool> = self.state.ticks_left.iter().map(|left| *left == 0).collect();
        for (env, q_values) in q_values.chunks_exact(n_joint_actions).enumerate() {
            if decides[env] {
                let repeated = self.state.random_actions[env].filter(|_| uniform(rng) < repeat_prob);
                let random =
                    repeated.or_else(|| (uniform(rng) < start_prob).then(|| below(rng, n_joint_actions) as u32));
                self.state.random_actions[env] = random;
                self.state.held_actions[env] = random.unwrap_or_else(|| DuelingQ::argmax(q_values) as u32);
                self.state.ticks_left[env] = self.config.head.chunk_size;
            }
            self.state.ticks_left[env] -= 1;
            let action = self.state.held_actions[env] as usize;
            actions.extend_from_slice(&joint_actions[action * act_dim..(action + 1) * act_dim]);
        }
        self.environment.step(&actions);
        check_rewards(&*self.environment, step)?;
        self.state.total_timesteps += n_envs as u64;
        self.store_transitions(&observations, &decides);
        Ok(())
    }

    /// Add the rewards of the last tick to the pending transitions, and the complete ones to the replay buffer.
    /// `observations`: those before the tick; `decided`: the environments whose action was chosen at it.
    fn store_transitions(&mut self, observations: &[f32], decided: &[bool]) {
        let (gamma, n_steps) = (self.config.get::<DqnConfig>().gamma, self.config.get::<DqnConfig>().n_step_returns);
        let step = self.environment.last_step();
        let obs_dim = step.observations.len() / decided.len();
        for (env, decided) in decided.iter().enumerate() {
            let range = env * obs_dim..(env + 1) * obs_dim;
            let pending = &mut self.state.pending[env];
            if *decided {
                let observation = observations[range.clone()].to_vec();
                let action = self.state.held_actions[env];
                pending.push_back(PendingTransition { observation, action, reward: 0.0, discount: 1.0 });
            }
            for transition in pending.iter_mut() {
                transition.reward += transition.discount * step.rewards[env];
                transition.discount *= gamma;
            }
            let ended = step.terminated[env] || step.truncated[env];
            let next_observation = if ended { &step.final_observations[range] } else { &step.observations[range] };
            let decision_ended = self.state.ticks_left[env] == 0;
            while decision_ended && pending.len() >= n_steps || ended && !pending.is_empty() {
                let Some(oldest) = pending.pop_front() else { break };
                self.replay.push(&Transition {
                    observation: &oldest.observation,
                    action: oldest.action,
                    reward: oldest.reward,
                    discount: if step.terminated[env] { 0.0 } else { oldest.discount },
                    next_observation,
                });
            }
            if ended {
                (self.state.random_actions[env], self.state.ticks_left[env]) = (None, 0);
                self.episodes.push(self.environment.episode_result(env));
            }
        }
    }

    /// Reset the environments, fill the replay buffer by random actions, and train on the demonstrations if there are any.
    fn start(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        self.state.started = true;
        let seed = self.config.training.seed;
        self.environment.reset(seed);
        let mut rng = generator(seed, Purpose::Explore, u64::MAX);
        for _ in 0..self.config.get::<DqnConfig>().learning_starts.div_ceil(self.environment.num_envs()) {
            self.state.obs_stats.update(self.environment.last_step().observations);
            self.step_environments(step, 1.0, &mut rng)?;
        }
        // The normalizer does not change any more: Q-values of the whole run must stay comparable.
        self.online
            .set_observation_normalizer(self.state.obs_stats.normalizer(&self.online.policy_config().observation));
        self.episodes.clear();
        if self.replay.permanent() > 0 {
            for _ in 0..self.config.get::<DqnConfig>().pretrain_steps {
                let indices = (0..self.config.training.batch_size)
                    .map(|_| below(&mut rng, self.replay.permanent()))
                    .collect::<Vec<_>>();
                let weights = vec![1.0; indices.len()];
                self.train_on(ReplaySample { indices, weights }, step.learning_rate);
            }
        }
        Ok(())
    }
}

impl Learner for Dqn {
    fn name(&self) -> &'static str {
        self.config.spec().name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if !self.state.started {
            self.start(step)?;
        }
        if self.environment.advance_curriculum() {
            self.state.pending.iter_mut().for_each(VecDeque::clear);
            self.state.random_actions.fill(None);
            self.state.ticks_left.fill(0);
        }
        let mut rng = generator(step.seed, Purpose::Explore, step.index);
        let epsilon = self.epsilon(step.index);
        for _ in 0..self.config.get::<DqnConfig>().train_freq {
            self.step_environments(step, epsilon, &mut rng)?;
        }
        if self.replay.is_empty() {
            return Ok(());
        }
        for _ in 0..self.config.get::<DqnConfig>().gradient_steps {
            self.gradient_step(step, &mut rng);
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let MetricSums { loss, q_value, gradient_steps: count } = std::mem::take(&mut self.sums);
        let mut metrics = Vec::new();
        if count > 0.0 {
            metrics.push(Metric { tag: "train/loss", value: finite(loss / count, step, "train/loss")? });
            let q_value = finite(q_value / count, step, "train/q_value_mean")?;
            metrics.push(Metric { tag: "train/q_value_mean", value: q_value });
            metrics.push(Metric { tag: "time/total_timesteps", value: self.state.total_timesteps as f32 });
            metrics.push(Metric { tag: "rollout/exploration_rate", value: self.epsilon(step) });
            metrics.extend(curriculum_metric(&*self.environment));
        }
        metrics.extend(episode_metrics(&std::mem::take(&mut self.episodes)));
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        let policy = self.online.policy()?;
        validate(
            &mut *self.environment,
            &policy,
            self.config.get::<DqnConfig>().n_eval_episodes,
            self.config.training.seed,
        )
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.online.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.online.save(dir)?;
        write_tensors(&dir.join(TARGET_FILE), &self.target)?;
        let state = State { environment: self.environment.save(), ..self.state.clone() };
        write_state(dir, STATE_FILE, &state)?;
        let path = dir.join(REPLAY_FILE);
        std::fs::write(&path, self.replay.save()).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let state: State = read_state(dir, STATE_FILE)?;
        let State { pending, random_actions, held_actions, ticks_left, .. } = &state;
        let lengths = [pending.len(), random_actions.len(), held_actions.len(), ticks_left.len()];
        if lengths != [self.environment.num_envs(); 4] || state.started && !self.environment.load(&state.environment) {
            return Err(not_whole(dir, STATE_FILE, "belongs to other environments"));
        }
        let path = dir.join(REPLAY_FILE);
        if !self.replay.load(&std::fs::read(&path).map_err(TrainError::io("read", &path))?) {
            return Err(not_whole(dir, REPLAY_FILE, "is damaged"));
        }
        self.online.load(dir)?;
        let mut stored = StoredTensors::read(&dir.join(TARGET_FILE))?;
        self.target = Network::new(self.online.policy_config(), &mut stored, &Device::flex())?;
        stored.finish()?;
        if state.started {
            self.online
                .set_observation_normalizer(state.obs_stats.normalizer(&self.online.policy_config().observation));
        }
        self.state = State { environment: Vec::new(), ..state };
        Ok(())
    }
}
