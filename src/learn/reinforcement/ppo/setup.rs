//! Untrained networks for PPO, and the checks of settings and pretrained policy.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{HiddenStates, MetricSums, Ppo, PpoConfig, State};
use crate::learn::core::trainable_network::TrainableNetwork;
use crate::learn::reinforcement::exploration::{exploration_normalizer, exploration_normalizer_from};
use crate::learn::reinforcement::train::check_settings;
use crate::learn::reinforcement::{RunningMeanStd, VecEnvironment};
use crate::learn::{PretrainedPolicy, TrainConfig, TrainError};
use crate::policies::{HeadConfig, PolicyConfig};
use crate::spaces::{Field, Layout, Normalizer};

fn config_error(message: &str) -> TrainError {
    TrainError::Config { origin: "the training configuration".into(), message: message.into() }
}

/// Check that PPO supports the network and the head.
fn check_network(config: &TrainConfig) -> Result<(), TrainError> {
    check_settings(config)?;
    if config.head.chunk_size > 1 || config.network.n_obs_steps > 1 && !config.network.is_recurrent() {
        return Err(config_error(
            "reinforcement learning does not support action chunks or stacked observations: network.n_obs_steps and \
             head.chunk_size must be 1, also in the policy of init.from; for memory use network.kind lstm or gru",
        ));
    }
    if !config.get::<PpoConfig>().n_steps.is_multiple_of(config.network.sequence_length()) {
        return Err(config_error(
            "recurrent networks are trained on sequences of network.n_obs_steps ticks; ppo.n_steps must be a multiple of it",
        ));
    }
    Ok(())
}

/// Check that the weights of the pretrained policy can be used.
fn check_pretrained(
    pretrained: &PretrainedPolicy,
    policy: &PolicyConfig,
    config: &TrainConfig,
) -> Result<(), TrainError> {
    let pretrained = pretrained.config();
    if pretrained.observation.fields != policy.observation.fields || pretrained.action.fields != policy.action.fields {
        return Err(config_error("the fields of the policy of init.from differ from those of the scene's agent"));
    }
    let compatible_head =
        pretrained.head.kind == config.head.kind || config.head.kind.takes_mean_of(pretrained.head.kind);
    if !compatible_head || pretrained.head.chunk_size > 1 {
        return Err(config_error(
            "the policy of init.from has another head, whose weights cannot be reused; set head.kind to its kind if that is \
             gaussian or categorical, or train it with head.kind=gaussian, head.chunk_size=1 and head.n_action_steps=1",
        ));
    }
    let mut network = pretrained.network.clone();
    network.dropout = config.network.dropout;
    if config.network.is_recurrent() {
        network.n_obs_steps = config.network.n_obs_steps;
    }
    if network != config.network {
        return Err(config_error(
            "the policy of init.from has another network, whose weights cannot be reused; do not set network.*, --init-from \
             takes it from the policy",
        ));
    }
    Ok(())
}

impl Ppo {
    /// Untrained networks for the agent of `environment`, or those of the pretrained policy.
    ///
    /// # Errors
    /// Settings out of range, or a network or head that PPO does not support.
    pub fn new(
        config: &TrainConfig,
        environment: Box<dyn VecEnvironment>,
        pretrained: Option<&PretrainedPolicy>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        check_network(config)?;
        let mut policy = environment.policy_config();
        (policy.network, policy.head) = (config.network.clone(), config.head.clone());
        policy.action_normalizer = exploration_normalizer(&policy.action);
        let obs_dim = policy.observation.size();
        let mut obs_stats = RunningMeanStd::new(obs_dim);
        if let Some(pretrained) = pretrained {
            check_pretrained(pretrained, &policy, config)?;
            policy.observation_normalizer = pretrained.config().observation_normalizer.clone();
            policy.action_normalizer = exploration_normalizer_from(pretrained.config());
            obs_stats = RunningMeanStd::default();
        }
        let mut critic_policy = PolicyConfig {
            head: HeadConfig::default(),
            action: Layout::new("value", vec![Field::new("value", 1, "1", -1.0, 1.0)]),
            action_normalizer: Normalizer::identity(1),
            ..policy.clone()
        };
        critic_policy.action_hash = crate::policies::artifact::hex(critic_policy.action.hash());
        let actor = TrainableNetwork::new(config, policy, pretrained, device)?;
        let mut critic_config = config.clone();
        (critic_config.init, critic_config.head) = Default::default();
        let critic = TrainableNetwork::new(&critic_config, critic_policy, None, device)?;
        let features = actor.network().features(Tensor::zeros([1, 1, obs_dim], actor.device()), &[]);
        let act_dim = actor.policy_config().action.size();
        let actions = Tensor::zeros([1, act_dim], actor.device());
        if actor.network().head().evaluate_actions(features, actions).is_none() {
            return Err(config_error("head.kind must be gaussian or categorical for reinforcement learning"));
        }
        let pretrained = pretrained.is_some().then(|| actor.network().clone().valid());
        let n_envs = environment.num_envs();
        let hidden = |size: usize| vec![0.0; n_envs * size];
        let state = State {
            started: false,
            obs_stats,
            return_stats: RunningMeanStd::new(1),
            returns: vec![0.0; n_envs],
            noise: vec![0.0; n_envs * act_dim],
            hidden: HiddenStates {
                actor: hidden(actor.network().trunk().state_size()),
                critic: hidden(critic.network().trunk().state_size()),
                pretrained: hidden(pretrained.as_ref().map_or(0, |network| network.trunk().state_size())),
            },
            adaptive_lr: config.optimizer.learning_rate,
            total_timesteps: 0,
            environment: Vec::new(),
        };
        let (config, metrics) = (config.clone(), MetricSums::default());
        Ok(Self { config, environment, actor, critic, pretrained, reward: None, state, metrics })
    }
}
