//! An untrained Q-network, and demonstrations in the replay buffer.

use std::collections::VecDeque;

use burn::module::Module;
use burn::tensor::Device;

use super::q_network::dueling_q;
use super::{Dqn, DqnConfig, MetricSums, State};
use crate::demos::Episode;
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::reinforcement::demonstrations::demo_transitions;
use crate::learn::reinforcement::train::check_settings;
use crate::learn::reinforcement::{ReplayBuffer, RunningMeanStd, VecEnvironment};
use crate::learn::{TrainConfig, TrainError};

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
}
