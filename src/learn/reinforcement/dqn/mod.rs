//! Deep Q-learning over joint actions (Mnih et al. 2015): double (van Hasselt et al. 2015, arXiv:1509.06461, equation 4),
//! dueling, with n-step returns (Sutton 1988) and prioritized replay.

mod config;
mod spec;

use std::collections::VecDeque;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

pub use config::DqnConfig;
pub use spec::DqnLearner;

use super::demonstrations::demo_transitions;
use super::environment::{check_rewards, validate};
use super::rollout_buffer::{curriculum_metric, episode_metrics, normalized};
use super::train::check_settings;
use super::{EpisodeResult, ReplayBuffer, ReplaySample, RunningMeanStd, Transition, VecEnvironment};
use crate::demos::Episode;
use crate::learn::core::metrics::{finite, number};
use crate::learn::core::random::{Purpose, below, generator, uniform};
use crate::learn::core::run_dir::{not_whole, read_state, write_state};
use crate::learn::core::tensors::tensor;
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::{Extent, Learner, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::heads::dueling_q::DuelingQ;
use crate::policies::{Network, Policy, PolicyError};

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

/// The network's head, if it is a dueling Q head.
fn dueling_q(network: &Network) -> Option<&DuelingQ> {
    network.head().as_any().downcast_ref()
}

/// Q-values of all joint actions, `[rows, joint actions]`, for normalized observations.
fn q_values(network: &Network, inputs: Tensor<3>) -> Tensor<2> {
    let features = network.features(inputs, &[]);
    dueling_q(network).map_or_else(|| features.clone(), |head| head.forward(features.clone()))
}

impl Dqn {
    /// An untrained network for the agent of `environment`.
    ///
    /// # Errors
    /// Settings out of range, or an agent with too many joint actions.
    pub fn new(
        config: &TrainConfig,
        environment: Box<dyn VecEnvironment>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        check_settings(config)?;
        let fail = |message: &str| {
            Err(TrainError::Config { origin: "the training configuration".into(), message: message.into() })
        };
        if config.network.n_obs_steps > 1 || config.network.is_recurrent() {
            return fail(
                "train dqn supports only the observation of one tick; set network.kind to mlp and network.n_obs_steps to 1",
            );
        }
        if !config.init.from.is_empty() {
            return fail("train dqn requires random initialization; remove --init-from");
        }
        let mut policy = environment.policy_config();
        (policy.network, policy.head) = (config.network.clone(), config.head.clone());
        let (obs_dim, n_envs) = (policy.observation.size(), environment.num_envs());
        let online = TrainableNetwork::new(config, policy, None, device)?;
        if dueling_q(online.network()).is_none() {
            return fail("head.kind must be dueling_q for train dqn");
        }
        let target = online.network().clone().valid();
        let state = State {
            started: false,
            obs_stats: RunningMeanStd::new(obs_dim),
            pending: vec![VecDeque::new(); n_envs],
            random_actions: vec![None; n_envs],
            held_actions: vec![0; n_envs],
            ticks_left: vec![0; n_envs],
            total_timesteps: 0,
            gradient_steps: 0,
            environment: Vec::new(),
        };
        let replay = ReplayBuffer::new(&config.get::<DqnConfig>().replay, obs_dim);
        Ok(Self {
            config: config.clone(),
            environment,
            online,
            target,
            replay,
            state,
            sums: MetricSums::default(),
            episodes: Vec::new(),
        })
    }

    /// Deep Q-learning from demonstrations (Hester et al. 2017, DQfD, arXiv:1704.03732): the demonstrations stay in the
    /// replay buffer, the first gradient steps are on them alone, and the large margin loss applies to them.
    ///
    /// # Errors
    /// Demonstrations of another agent, without actions, or of actions that are not keys held for `head.chunk_size` ticks;
    /// no successful demonstration; or more of them than half of the replay buffer holds.
    pub fn with_demonstrations(mut self, episodes: &[Episode]) -> Result<Self, TrainError> {
        let Some(joint_actions) = dueling_q(self.online.network()).map(|head| head.joint_actions().to_vec()) else {
            return Ok(self);
        };
        let settings = self.config.get::<DqnConfig>();
        let transitions = demo_transitions(
            episodes,
            self.online.policy_config(),
            &joint_actions,
            settings.gamma,
            settings.n_step_returns,
        )?;
        if transitions.actions.len() * 2 > self.replay.buffer_size() {
            return Err(TrainError::Config {
                origin: "dqn.replay.buffer_size".into(),
                message: format!(
                    "the demonstrations have {} transitions, and may fill at most half of the replay buffer; set it to at \
                     least {}",
                    transitions.actions.len(),
                    2 * transitions.actions.len()
                ),
            });
        }
        self.state.obs_stats.update(&transitions.observations);
        transitions.add_to(&mut self.replay);
        self.replay.make_permanent();
        Ok(self)
    }

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
        self.online.set_observation_normalizer(self.state.obs_stats.normalizer());
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

    /// Take a gradient step on a sample of the replay buffer.
    fn gradient_step(&mut self, step: UpdateStep, rng: &mut Pcg64) {
        let progress = step.index as f32 / self.config.training.steps.max(1) as f32;
        let sample = self.replay.sample(self.config.training.batch_size, progress, rng);
        self.train_on(sample, step.learning_rate);
    }

    /// Take a gradient step on the Huber loss of the TD errors, plus the large margin loss for demonstrations.
    fn train_on(&mut self, sample: ReplaySample, learning_rate: f64) {
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
            self.online.set_observation_normalizer(state.obs_stats.normalizer());
        }
        self.state = State { environment: Vec::new(), ..state };
        Ok(())
    }
}
