//! Policy states: inference keeps one for each agent, and gives the same actions as training does over a sequence.

use apprentice::policies::{
    BatchRng, HeadConfig, HeadKind, Network, NetworkConfig, NetworkKind, ParameterInit, ParameterSource, Policy,
    PolicyConfig, PolicyError, PolicyState,
};
use bevy::math::ops;
use burn::tensor::{Device, Tensor, TensorData};

use crate::testing::learn::{Lcg, layout};

const OBS_DIM: usize = 3;
const ACT_DIM: usize = 2;
const TICKS: usize = 7;

struct Random(Lcg);

impl ParameterSource for Random {
    fn parameter(&mut self, _: &str, shape: &[usize], init: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let (center, spread) = match init {
            ParameterInit::Constant(value) => (value, 0.1),
            ParameterInit::Uniform(bound) => (0.0, bound),
        };
        Ok((0..shape.iter().product()).map(|_| center + spread * self.0.next()).collect())
    }
}

fn network(config: &PolicyConfig) -> Network {
    Network::new(config, &mut Random(Lcg(1)), &Device::flex()).unwrap()
}

fn config(network: NetworkConfig, head: HeadConfig) -> PolicyConfig {
    PolicyConfig::new("test", 0.1, layout("o", OBS_DIM), layout("a", ACT_DIM), network, head)
}

fn policy(config: &PolicyConfig) -> Policy {
    Policy::new(config.clone(), network(config), Device::flex())
}

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut numbers = Lcg(seed);
    (0..count).map(|_| numbers.next()).collect()
}

fn small_mlp() -> NetworkConfig {
    NetworkConfig { hidden_sizes: vec![8], ..NetworkConfig::default() }
}

fn networks() -> Vec<NetworkConfig> {
    let small = |kind, n_obs_steps| NetworkConfig { kind, n_obs_steps, hidden_size: 8, ..small_mlp() };
    vec![
        small(NetworkKind::MLP, 1),
        small(NetworkKind::MLP, 4),
        small(NetworkKind::LSTM, 5),
        small(NetworkKind::GRU, 5),
        small(NetworkKind::TRANSFORMER, 4),
    ]
}

fn heads() -> Vec<HeadConfig> {
    let small = |kind, chunk_size, n_action_steps, temporal_ensemble_coeff| HeadConfig {
        kind,
        chunk_size,
        n_action_steps,
        temporal_ensemble_coeff,
        hidden_size: 8,
        num_layers: 1,
        ..HeadConfig::default()
    };
    vec![
        small(HeadKind::SQUARED_ERROR, 1, 1, 0.0),
        small(HeadKind::SQUARED_ERROR, 4, 3, 0.0),
        small(HeadKind::SQUARED_ERROR, 4, 1, 0.1),
        small(HeadKind::MIXTURE, 1, 1, 0.0),
        small(HeadKind::CATEGORICAL, 2, 2, 0.0),
        small(HeadKind::VAE, 1, 1, 0.0),
        small(HeadKind::DIFFUSION, 3, 2, 0.0),
        small(HeadKind::ACT, 4, 1, 0.01),
    ]
}

/// The actions of one agent for a sequence of observations.
fn rollout(policy: &mut Policy, observations: &[f32], seed: u64) -> Vec<f32> {
    let mut state = [PolicyState::new(seed)];
    let mut actions = Vec::new();
    for observation in observations.chunks_exact(OBS_DIM) {
        let mut action = [0.0; ACT_DIM];
        policy.act(observation, &mut state, &mut action);
        actions.extend(action);
    }
    actions
}

#[test]
fn an_agents_actions_do_not_depend_on_the_other_agents_of_the_batch() {
    const AGENTS: usize = 70;
    for network in networks() {
        for head in heads() {
            let config = config(network.clone(), head.clone());
            let mut policy = policy(&config);
            let observations: Vec<Vec<f32>> = (0..AGENTS).map(|agent| numbers(agent as u64, TICKS * OBS_DIM)).collect();
            let mut states: Vec<_> = (0..AGENTS as u64).map(PolicyState::new).collect();
            let mut batched = vec![Vec::<f32>::new(); AGENTS];
            for tick in 0..TICKS {
                let rows: Vec<f32> =
                    observations.iter().flat_map(|all| all[tick * OBS_DIM..][..OBS_DIM].to_vec()).collect();
                // Some agents begin their episode later than others.
                for late in (0..AGENTS).filter(|agent| agent % 5 == tick) {
                    states[late] = PolicyState::new(late as u64);
                    batched[late].clear();
                }
                let mut actions = vec![0.0; AGENTS * ACT_DIM];
                policy.act(&rows, &mut states, &mut actions);
                actions.chunks_exact(ACT_DIM).zip(&mut batched).for_each(|(action, all)| all.extend(action));
            }
            for agent in [0, 1, 4, 33, 69] {
                let first = agent % 5;
                let single = rollout(&mut policy, &observations[agent][first * OBS_DIM..], agent as u64);
                assert_eq!(single.len(), batched[agent].len());
                for (a, b) in single.iter().zip(&batched[agent]) {
                    assert!((a - b).abs() < 1e-4, "{network:?} {head:?}: {a} alone, {b} in the batch");
                }
            }
        }
    }
}

#[test]
fn inference_tick_by_tick_matches_training_on_a_sequence() {
    for network in networks().into_iter().filter(|network| network.sequence_length() > 1) {
        let config = config(network, HeadConfig::default());
        let ticks = config.network.sequence_length();
        let observations = numbers(9, ticks * OBS_DIM);
        let inputs =
            Tensor::<3>::from_data(TensorData::new(observations.clone(), [1, ticks, OBS_DIM]), &Device::flex());
        let network = self::network(&config);
        let mut unused = rand_pcg::Pcg64::new(0, 0);
        let predicted = network.head().predict(network.features(inputs, &[]), &mut BatchRng::Shared(&mut unused));
        let training: Vec<f32> = predicted.into_data().iter::<f32>().collect();
        let inference = rollout(&mut policy(&config), &observations, 0);
        for (a, b) in training.iter().zip(&inference) {
            assert!((a - b).abs() < 1e-5, "{:?}: {a} in training, {b} at inference", config.network.kind);
        }
    }
}

#[test]
fn n_action_steps_of_a_chunk_are_executed_before_the_next_prediction() {
    let config = config(small_mlp(), HeadConfig { chunk_size: 4, n_action_steps: 3, ..HeadConfig::default() });
    let mut policy = policy(&config);
    let observations = numbers(3, 6 * OBS_DIM);
    let actions = rollout(&mut policy, &observations, 0);
    // Observations between two predictions have no influence.
    let mut other = observations.clone();
    other[OBS_DIM..3 * OBS_DIM].fill(0.7);
    other[4 * OBS_DIM..].fill(-0.7);
    assert_eq!(rollout(&mut policy, &other, 0), actions);
    other[3 * OBS_DIM] += 0.5;
    let changed = rollout(&mut policy, &other, 0);
    assert_eq!(changed[..3 * ACT_DIM], actions[..3 * ACT_DIM]);
    assert_ne!(changed[3 * ACT_DIM..], actions[3 * ACT_DIM..]);
}

#[test]
fn temporal_ensembling_is_the_weighted_mean_of_all_chunks() {
    const COEFF: f32 = 0.3;
    let chunked = HeadConfig { chunk_size: 3, ..HeadConfig::default() };
    let observations = numbers(3, 4 * OBS_DIM);
    // Each tick's chunk, from a policy that executes whole chunks.
    let mut whole = policy(&config(small_mlp(), HeadConfig { n_action_steps: 3, ..chunked.clone() }));
    let chunks: Vec<Vec<f32>> =
        observations.chunks_exact(OBS_DIM).map(|observation| rollout(&mut whole, &observation.repeat(3), 0)).collect();
    let mut ensemble = policy(&config(small_mlp(), HeadConfig { temporal_ensemble_coeff: COEFF, ..chunked }));
    let actions = rollout(&mut ensemble, &observations, 0);
    // The action of the fourth tick is the mean of the chunks of ticks 1, 2 and 3, counted from 0.
    let weights = [1.0, ops::exp(-COEFF), ops::exp(-2.0 * COEFF)];
    for i in 0..ACT_DIM {
        let predicted = [chunks[1][2 * ACT_DIM + i], chunks[2][ACT_DIM + i], chunks[3][i]];
        let mean = predicted.iter().zip(weights).map(|(a, w)| a * w).sum::<f32>() / weights.iter().sum::<f32>();
        assert!((actions[3 * ACT_DIM + i] - mean).abs() < 1e-5);
    }
}

#[test]
fn each_agent_has_its_own_random_generator() {
    let mut policy =
        policy(&config(small_mlp(), HeadConfig { kind: HeadKind::VAE, hidden_size: 8, ..HeadConfig::default() }));
    let observations = numbers(3, TICKS * OBS_DIM);
    assert_eq!(rollout(&mut policy, &observations, 5), rollout(&mut policy, &observations, 5));
    assert_ne!(rollout(&mut policy, &observations, 5), rollout(&mut policy, &observations, 6));
}

#[test]
#[should_panic(expected = "states for 2 agents")]
fn a_stateful_policy_needs_a_state_for_each_agent() {
    let gru = networks().remove(3);
    policy(&config(gru, HeadConfig::default())).act(&[0.0; 2 * OBS_DIM], &mut [], &mut [0.0; 2 * ACT_DIM]);
}
