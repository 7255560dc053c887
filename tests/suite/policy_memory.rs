//! What policies remember: each agent by itself, from tick to tick, as in training.

use apprentice::policies::{
    HeadConfig, HeadKind, Initial, Network, NetworkConfig, NetworkKind, ParameterSource, Policy, PolicyConfig,
    PolicyError, PolicyMemory,
};
use bevy::math::ops;
use burn::tensor::{Device, Tensor, TensorData};

use super::learn_common::{Numbers, layout};

const WIDE: usize = 3;
const NARROW: usize = 2;
const TICKS: usize = 7;

struct Random(Numbers);

impl ParameterSource for Random {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError> {
        let (middle, spread) = match initial {
            Initial::Constant(value) => (value, 0.1),
            Initial::Uniform(bound) => (0.0, bound),
        };
        Ok((0..shape.iter().product()).map(|_| middle + spread * self.0.next()).collect())
    }
}

fn network(config: &PolicyConfig) -> Network {
    Network::new(config, &mut Random(Numbers(1)), &Device::flex()).unwrap()
}

fn config(network: NetworkConfig, head: HeadConfig) -> PolicyConfig {
    PolicyConfig::new("test", 0.1, layout("o", WIDE), layout("a", NARROW), network, head)
}

fn policy(config: &PolicyConfig) -> Policy {
    Policy::new(config.clone(), network(config), Device::flex())
}

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut numbers = Numbers(seed);
    (0..count).map(|_| numbers.next()).collect()
}

fn networks() -> Vec<NetworkConfig> {
    let of = |kind, history| NetworkConfig { kind, history, hidden: vec![8], width: 8, ..NetworkConfig::default() };
    vec![
        of(NetworkKind::Mlp, 1),
        of(NetworkKind::Mlp, 4),
        of(NetworkKind::Lstm, 5),
        of(NetworkKind::Gru, 5),
        of(NetworkKind::Transformer, 4),
    ]
}

fn heads() -> Vec<HeadConfig> {
    let of = |kind, chunk, execute, ensemble| HeadConfig {
        kind,
        chunk,
        execute,
        ensemble,
        width: 8,
        layers: 1,
        ..HeadConfig::default()
    };
    vec![
        of(HeadKind::SquaredError, 1, 1, 0.0),
        of(HeadKind::SquaredError, 4, 3, 0.0),
        of(HeadKind::SquaredError, 4, 1, 0.1),
        of(HeadKind::Mixture, 1, 1, 0.0),
        of(HeadKind::Categorical, 2, 2, 0.0),
        of(HeadKind::Vae, 1, 1, 0.0),
        of(HeadKind::Diffusion, 3, 2, 0.0),
        of(HeadKind::Act, 4, 1, 0.01),
    ]
}

/// The actions of one agent over some ticks.
fn drive(policy: &mut Policy, observations: &[f32], seed: u64) -> Vec<f32> {
    let mut memory = [PolicyMemory::new(seed)];
    let mut all = Vec::new();
    for observation in observations.chunks_exact(WIDE) {
        let mut action = [0.0; NARROW];
        policy.act(observation, &mut memory, &mut action);
        all.extend(action);
    }
    all
}

#[test]
fn an_agent_does_the_same_whoever_is_decided_with_it() {
    const AGENTS: usize = 70;
    for network in networks() {
        for head in heads() {
            let config = config(network.clone(), head.clone());
            let mut policy = policy(&config);
            let seen: Vec<Vec<f32>> = (0..AGENTS).map(|agent| numbers(agent as u64, TICKS * WIDE)).collect();
            let mut memories: Vec<_> = (0..AGENTS as u64).map(PolicyMemory::new).collect();
            let mut together = vec![Vec::<f32>::new(); AGENTS];
            for tick in 0..TICKS {
                // Some begin their episode later than others.
                let rows: Vec<f32> = seen.iter().flat_map(|s| s[tick * WIDE..][..WIDE].to_vec()).collect();
                for late in (0..AGENTS).filter(|agent| agent % 5 == tick) {
                    memories[late] = PolicyMemory::new(late as u64);
                    together[late].clear();
                }
                let mut actions = vec![0.0; AGENTS * NARROW];
                policy.act(&rows, &mut memories, &mut actions);
                actions.chunks_exact(NARROW).zip(&mut together).for_each(|(action, all)| all.extend(action));
            }
            for agent in [0, 1, 4, 33, 69] {
                let first = agent % 5;
                let alone = drive(&mut policy, &seen[agent][first * WIDE..], agent as u64);
                assert_eq!(alone.len(), together[agent].len());
                for (a, b) in alone.iter().zip(&together[agent]) {
                    assert!((a - b).abs() < 1e-4, "{network:?} {head:?}: {a} alone, {b} together");
                }
            }
        }
    }
}

#[test]
fn a_sequence_is_decided_as_it_is_trained() {
    for network in networks().into_iter().filter(|network| network.sequence() > 1) {
        let config = config(network, HeadConfig::default());
        let ticks = config.network.sequence();
        let observations = numbers(9, ticks * WIDE);
        let inputs = Tensor::<3>::from_data(TensorData::new(observations.clone(), [1, ticks, WIDE]), &Device::flex());
        let trained = self::network(&config);
        let mut unused = rand_pcg::Pcg64::new(0, 0);
        let decided = trained
            .head()
            .decide(trained.features(inputs, &[]), &mut apprentice::policies::Chance::Shared(&mut unused));
        let wanted: Vec<f32> = decided.into_data().iter::<f32>().collect();
        let found = drive(&mut policy(&config), &observations, 0);
        for (a, b) in wanted.iter().zip(&found) {
            assert!((a - b).abs() < 1e-5, "{:?}: {a} in training, {b} in driving", config.network.kind);
        }
    }
}

#[test]
fn a_chunk_is_carried_out_before_the_next_is_decided() {
    let mlp = NetworkConfig { hidden: vec![8], ..NetworkConfig::default() };
    let config = config(mlp, HeadConfig { chunk: 4, execute: 3, ..HeadConfig::default() });
    let mut policy = policy(&config);
    let observations = numbers(3, 6 * WIDE);
    let found = drive(&mut policy, &observations, 0);
    // What is seen between two decisions changes nothing.
    let mut other = observations.clone();
    other[WIDE..3 * WIDE].fill(0.7);
    other[4 * WIDE..].fill(-0.7);
    assert_eq!(drive(&mut policy, &other, 0), found);
    other[3 * WIDE] += 0.5;
    let changed = drive(&mut policy, &other, 0);
    assert_eq!(changed[..3 * NARROW], found[..3 * NARROW]);
    assert_ne!(changed[3 * NARROW..], found[3 * NARROW..]);
}

#[test]
fn an_ensemble_is_the_weighted_mean_of_all_chunks() {
    const RATE: f32 = 0.3;
    let mlp = NetworkConfig { hidden: vec![8], ..NetworkConfig::default() };
    let chunked = HeadConfig { chunk: 3, ..HeadConfig::default() };
    let observations = numbers(3, 4 * WIDE);
    // Each tick's chunk, from a policy that carries each out whole.
    let mut whole = policy(&config(mlp.clone(), HeadConfig { execute: 3, ..chunked.clone() }));
    let chunks: Vec<Vec<f32>> =
        observations.chunks_exact(WIDE).map(|observation| drive(&mut whole, &observation.repeat(3), 0)).collect();
    let mut ensemble = policy(&config(mlp, HeadConfig { ensemble: RATE, ..chunked }));
    let found = drive(&mut ensemble, &observations, 0);
    // At the fourth tick the chunks of ticks 1, 2 and 3 speak.
    let weights = [1.0, ops::exp(-RATE), ops::exp(-2.0 * RATE)];
    for number in 0..NARROW {
        let said = [chunks[1][2 * NARROW + number], chunks[2][NARROW + number], chunks[3][number]];
        let mean = said.iter().zip(weights).map(|(a, w)| a * w).sum::<f32>() / weights.iter().sum::<f32>();
        assert!((found[3 * NARROW + number] - mean).abs() < 1e-5);
    }
}

#[test]
fn chance_is_the_agent_s_own() {
    let mlp = NetworkConfig { hidden: vec![8], ..NetworkConfig::default() };
    let mut policy = policy(&config(mlp, HeadConfig { kind: HeadKind::Vae, width: 8, ..HeadConfig::default() }));
    let observations = numbers(3, TICKS * WIDE);
    assert_eq!(drive(&mut policy, &observations, 5), drive(&mut policy, &observations, 5));
    assert_ne!(drive(&mut policy, &observations, 5), drive(&mut policy, &observations, 6));
}

#[test]
#[should_panic(expected = "memories for 2 agents")]
fn a_policy_that_remembers_wants_a_memory_for_each_agent() {
    let gru = networks().remove(3);
    policy(&config(gru, HeadConfig::default())).act(&[0.0; 2 * WIDE], &mut [], &mut [0.0; 2 * NARROW]);
}
