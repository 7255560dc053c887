//! A reward network that is trained against the agent, with the agent's rollouts as negatives.

use std::path::Path;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::reward_net::RewardNet;
use super::reward_spec::{RewardSpec, WEIGHTS_FILE};
use super::transitions::LogProb;
use crate::learn::core::metrics::{finite, number};
use crate::learn::core::optimizer::Adam;
use crate::learn::core::random::{Purpose, below, generator};
use crate::learn::core::random_init::RandomInit;
use crate::learn::core::run_dir::{not_whole, read_state, write_state};
use crate::learn::{LearnedReward, OptimizerConfig, RolloutTransitions, Schedule, TrainError, UpdateStep};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{BatchRng, load_parameters};
use crate::rollout::Transitions;

/// The training state in a checkpoint, beside weights and optimizer.
const STATE_FILE: &str = "reward.bin";
/// The moments of the reward network's optimizer.
const OPTIMIZER_FILE: &str = "reward_optimizer.safetensors";
/// Step size of the dual ascent on the bottleneck's multiplier (Peng et al. 2019, equation 9).
const BETA_STEP_SIZE: f32 = 0.01;
/// Transitions in one forward pass of one core.
const INFERENCE_BATCH: usize = 1024;

/// Training state beside weights and optimizer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    steps: u64,
    /// The bottleneck's Lagrange multiplier, beta.
    beta: f32,
    /// Ring buffer of the agent's earlier transitions.
    buffer: Transitions,
    /// Transitions ever added to the buffer.
    total_added: u64,
}

/// A reward network of any kind, with everything that trains it.
struct AdversarialReward<N: RewardNet> {
    spec: RewardSpec,
    network: N,
    optimizer: Adam,
    optimizer_config: OptimizerConfig,
    expert: Transitions,
    state: State,
    /// Updates of the whole run.
    total_updates: u64,
    device: Device,
}

/// What a learned reward is built from.
pub(super) struct RewardParts<'a> {
    /// Learner, layouts, normalization, settings.
    pub spec: &'a RewardSpec,
    /// The demonstrations.
    pub expert: Transitions,
    /// Seed of the initial weights.
    pub seed: u64,
    /// Updates of the whole run.
    pub total_updates: u64,
    /// Device, with autodiff.
    pub device: &'a Device,
}

/// The untrained reward of a network of type `N`, which trains against the agent.
///
/// # Errors
/// The device fails.
pub(super) fn build_reward<N: RewardNet>(parts: RewardParts<'_>) -> Result<Box<dyn LearnedReward>, TrainError> {
    let mut init = RandomInit::new(generator(parts.seed, Purpose::Weights, 2));
    let network = load_parameters(N::new(parts.spec, parts.device), &mut init, parts.device)?;
    let optimizer_config = OptimizerConfig {
        learning_rate: parts.spec.reward.learning_rate,
        // Discriminator and policy only converge together as both learning rates decay.
        schedule: Schedule::Cosine,
        min_lr_ratio: 0.05,
        warmup_steps: 0,
        weight_decay: 0.0,
        ..OptimizerConfig::default()
    };
    Ok(Box::new(AdversarialReward {
        spec: parts.spec.clone(),
        network,
        optimizer: Adam::new(optimizer_config.clone()),
        optimizer_config,
        expert: parts.expert,
        state: State::default(),
        total_updates: parts.total_updates,
        device: parts.device.clone(),
    }))
}

impl<N: RewardNet> AdversarialReward<N> {
    /// One gradient step on one batch. Returns the loss, the accuracy, and the KL divergence of the bottleneck.
    fn train_step(
        &mut self,
        agent: &Transitions,
        log_prob: Option<LogProb<'_>>,
        step: UpdateStep,
        index: u64,
    ) -> [f32; 3] {
        let config = &self.spec.reward;
        let mut rng = generator(step.seed, Purpose::Reward, step.index * config.n_disc_updates + index);
        let mut sample = |transitions: &Transitions, count: usize| -> Vec<usize> {
            (0..count).map(|_| below(&mut rng, transitions.rows())).collect()
        };
        let size = config.batch_size;
        let expert_rows = sample(&self.expert, size);
        let n_buffered = if self.state.buffer.rows() > 0 { size / 2 } else { 0 };
        let agent_rows = sample(agent, size - n_buffered);
        let buffered_rows = sample(&self.state.buffer, n_buffered);
        let batch = |transitions: &Transitions, rows: &[usize]| {
            transitions.batch(rows, &self.spec.normalizer, log_prob, &self.device)
        };
        let expert = batch(&self.expert, &expert_rows);
        let mut agent = batch(agent, &agent_rows);
        if !buffered_rows.is_empty() {
            agent = agent.concatenate(batch(&self.state.buffer, &buffered_rows));
        }
        let noise = BatchRng::Shared(&mut rng).normal(2 * size, config.latent_dim, &self.device);
        let output = self.network.loss(&expert, &agent, config, noise);
        let logit_squares = output.expert_scores.clone().square().mean() + output.agent_scores.clone().square().mean();
        let mut loss = output.loss + logit_squares.mul_scalar(0.5 * config.logit_reg_coef);
        let mut kl_nats = 0.0;
        if let Some(kl) = output.kl {
            kl_nats = number(kl.clone().inner());
            loss = loss + kl.mul_scalar(self.state.beta);
            let excess = kl_nats - config.kl_bottleneck;
            self.state.beta = (self.state.beta + BETA_STEP_SIZE * excess).max(0.0);
        }
        let correct =
            output.expert_scores.greater_elem(0.0).float().mean() + output.agent_scores.lower_elem(0.0).float().mean();
        let accuracy = number(correct.inner()) / 2.0;
        let grads = GradientsParams::from_grads(loss.backward(), &self.network);
        let learning_rate = self.optimizer_config.learning_rate_at(step.index, self.total_updates);
        let (network, _) = self.optimizer.step(self.network.clone(), grads, learning_rate);
        self.network = network;
        self.state.steps += 1;
        [number(loss.inner()), accuracy, kl_nats]
    }

    /// The reward of each transition of the agent.
    fn rewards(&self, agent: &Transitions, log_prob: Option<LogProb<'_>>) -> Vec<f32> {
        let rows: Vec<usize> = (0..agent.rows()).collect();
        let device = Device::flex();
        let batches: Vec<_> = rows
            .chunks(INFERENCE_BATCH)
            .map(|rows| {
                let batch = agent.batch(rows, &self.spec.normalizer, log_prob, &device);
                (self.network.clone().valid(), batch)
            })
            .collect();
        let rewards: Vec<Vec<f32>> = batches
            .into_par_iter()
            .with_max_len(1)
            .map(|(network, batch)| network.reward_train(&batch).into_data().iter::<f32>().collect())
            .collect();
        rewards.concat()
    }
}

impl<N: RewardNet> LearnedReward for AdversarialReward<N> {
    fn train_and_relabel(
        &mut self,
        rollout: &RolloutTransitions<'_>,
        step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let actions = if self.expert.act_dim > 0 { rollout.actions.to_vec() } else { Vec::new() };
        let agent = Transitions {
            obs_dim: self.expert.obs_dim,
            act_dim: self.expert.act_dim,
            observations: rollout.observations.to_vec(),
            actions,
            next_observations: rollout.next_observations.to_vec(),
        };
        let log_prob = N::USES_LOG_PROB.then_some(rollout.log_prob);
        let mut sums = [0.0; 3];
        for index in 0..self.spec.reward.n_disc_updates {
            let values = self.train_step(&agent, log_prob, step, index);
            sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
        }
        if self.spec.reward.disc_buffer_size > 0 {
            let State { buffer, total_added, .. } = &mut self.state;
            buffer.push_ring(&agent, self.spec.reward.disc_buffer_size, total_added);
        }
        let inferred = self.rewards(&agent, log_prob);
        let mean = inferred.iter().sum::<f32>() / inferred.len().max(1) as f32;
        let task_weight = self.spec.reward.task_reward_weight;
        let rewards = inferred
            .iter()
            .zip(rollout.rewards)
            .map(|(inferred, task)| (1.0 - task_weight) * inferred + task_weight * task)
            .collect();
        let [loss, accuracy, kl] = sums.map(|sum| sum / self.spec.reward.n_disc_updates.max(1) as f32);
        let mut metrics = vec![("disc/loss", finite(loss, step.index, "disc/loss")?), ("disc/acc", accuracy)];
        if N::HAS_BOTTLENECK {
            metrics.push(("disc/kl", kl));
        }
        metrics.push(("disc/policy_reward_mean", finite(mean, step.index, "disc/policy_reward_mean")?));
        Ok((rewards, metrics))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.spec.write(dir)?;
        write_tensors(&dir.join(WEIGHTS_FILE), &self.network)?;
        self.optimizer.save(&dir.join(OPTIMIZER_FILE))?;
        write_state(dir, STATE_FILE, &self.state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.state = read_state(dir, STATE_FILE)?;
        if !self.state.buffer.fits(&self.expert) {
            return Err(not_whole(dir, STATE_FILE, "belongs to another reward"));
        }
        let mut stored = StoredTensors::read(&dir.join(WEIGHTS_FILE))?;
        self.network = load_parameters(self.network.clone(), &mut stored, &self.device)?;
        stored.finish()?;
        Ok(self.optimizer.load(&dir.join(OPTIMIZER_FILE), &self.network, self.state.steps)?)
    }
}
