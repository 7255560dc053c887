//! Gradients of the losses and of whole networks, compared with central differences.

use apprentice::policies::{
    Activation, BatchRng, HeadConfig, HeadKind, Network, NetworkConfig, NetworkKind, ParameterInit, ParameterSource,
    Policy, PolicyConfig, PolicyError, Targets,
};
use apprentice::spaces::{Field, Layout};
use burn::tensor::{Device, Tensor, TensorData};
use rand_pcg::Pcg64;

use crate::testing::learn::Lcg;

const ROWS: usize = 3;

struct Random(Lcg);

impl ParameterSource for Random {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        let count = shape.iter().product();
        Ok(match initial {
            ParameterInit::Constant(value) => (0..count).map(|_| value + 0.1 * self.0.next()).collect(),
            ParameterInit::Uniform(bound) => (0..count).map(|_| bound * self.0.next()).collect(),
        })
    }
}

fn tensor(values: &[f32]) -> Tensor<2> {
    let shape = [ROWS, values.len() / ROWS];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex().autodiff())
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().iter::<f32>().next().unwrap()
}

/// Compares the gradient of `loss` at `point` with `(loss(x + h) - loss(x - h)) / 2h`. In f32 the difference quotient
/// is accurate to about 1e-3 of the gradient's scale. `kinks`: elements near a kink are skipped, if there are not many.
fn check(what: &str, kinks: bool, point: &[f32], loss: impl Fn(Tensor<2>) -> Tensor<1>) {
    const H: f32 = 5e-3;
    let x = tensor(point).require_grad();
    let grads = loss(x.clone()).backward();
    let gradient = values(x.grad(&grads).expect("the loss depends on it"));
    let scale = gradient.iter().fold(0.0f32, |m, g| m.max(g.abs()));
    assert!(scale > 1e-4, "{what}: the gradient is all zero");
    let here = number(loss(tensor(point)));
    let mut compared = 0;
    for i in 0..point.len() {
        let quotient = |h: f32| {
            let mut point = point.to_vec();
            point[i] += h;
            (number(loss(tensor(&point))) - here) / h
        };
        let (right, left) = (quotient(H), quotient(-H));
        let tolerance = 5e-3 * scale + 1e-4;
        if kinks && (right - left).abs() > 2.0 * tolerance {
            // A kink of the ReLU lies between the two points, so the quotient is wrong by half the difference.
            continue;
        }
        compared += 1;
        let difference = f32::midpoint(right, left);
        assert!(
            (difference - gradient[i]).abs() < tolerance,
            "{what}, element {i}: gradient {}, difference {difference}",
            gradient[i]
        );
    }
    assert!(compared * 3 > point.len() * 2, "{what}: only {compared} elements could be compared");
}

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut numbers = Lcg(seed);
    (0..count).map(|_| numbers.next()).collect()
}

const INPUTS: usize = 4;
const ACTIONS: usize = 2;
const TICKS: usize = 3;

fn policy(network: NetworkConfig, head: HeadConfig) -> PolicyConfig {
    let layout = |name: &str, size| Layout::new(name, vec![Field::new(name, size, "", -3.0, 3.0)]);
    PolicyConfig::new("test", 0.1, layout("observation", INPUTS), layout("action", ACTIONS), network, head)
}

/// A small network whose random parameters have no symmetry.
fn network(config: &PolicyConfig, device: &Device) -> Network {
    Network::new(config, &mut Random(Lcg(11)), device).unwrap()
}

fn heads() -> Vec<HeadConfig> {
    let small = HeadConfig {
        num_modes: 3,
        log_std_min: -1.0,
        num_bins: 5,
        latent_dim: 2,
        hidden_size: 8,
        num_layers: 1,
        ..HeadConfig::default()
    };
    let chunked = HeadConfig { chunk_size: 3, ..small.clone() };
    let spread = HeadConfig { kind: HeadKind::GAUSSIAN, state_dependent_std: true, ..small.clone() };
    let kinds = [
        HeadKind::SQUARED_ERROR,
        HeadKind::GAUSSIAN,
        HeadKind::MIXTURE,
        HeadKind::CATEGORICAL,
        HeadKind::VAE,
        HeadKind::DIFFUSION,
        HeadKind::ACT,
        HeadKind::GENERATOR,
    ];
    let all = |base: &HeadConfig| kinds.map(|kind| HeadConfig { kind, ..base.clone() });
    all(&small).into_iter().chain(all(&chunked)).chain([spread]).collect()
}

/// Demonstrated actions for `rows` chunks; the last one is masked after its first tick, as at an episode's end.
fn targets(rows: usize, chunk: usize, weighted: bool) -> Targets {
    let device = Device::flex().autodiff();
    let tensor = |values: Vec<f32>, columns| Tensor::from_data(TensorData::new(values, [rows, columns]), &device);
    let mut mask = vec![1.0; rows * chunk];
    mask[(rows - 1) * chunk + 1..].fill(0.0);
    Targets {
        actions: tensor(numbers(6, rows * chunk * ACTIONS), chunk * ACTIONS),
        mask: (chunk > 1).then(|| tensor(mask, chunk)),
        chunk_size: chunk,
        weights: weighted.then(|| tensor((0..rows).map(|row| 0.5 + row as f32).collect(), 1)),
    }
}

#[test]
fn losses_have_the_right_gradient() {
    for head in heads() {
        for weighted in [false, true] {
            let config = policy(NetworkConfig { hidden_sizes: vec![], ..NetworkConfig::default() }, head.clone());
            let network = network(&config, &Device::flex().autodiff());
            let targets = targets(ROWS, head.chunk_size, weighted);
            // The ReLU layers of these heads have kinks.
            let kinks = [HeadKind::VAE, HeadKind::GENERATOR].contains(&head.kind);
            check(&format!("{:?}, chunk {}", head.kind, head.chunk_size), kinks, &numbers(5, ROWS * INPUTS), |x| {
                let mut generator = Pcg64::new(3, 0);
                network.head().loss(x, &targets, &mut BatchRng::Shared(&mut generator)).total
            });
        }
    }
}

#[test]
fn losses_have_the_right_value() {
    let linear = NetworkConfig { hidden_sizes: vec![], ..NetworkConfig::default() };
    let observations = numbers(5, ROWS * INPUTS);
    let targets = targets(ROWS, 1, false);
    let expected = values(targets.actions.clone());
    let loss = |head: HeadConfig| {
        let config = policy(linear.clone(), head);
        let network = network(&config, &Device::flex().autodiff());
        let mut generator = Pcg64::new(3, 0);
        let loss = network.head().loss(tensor(&observations), &targets, &mut BatchRng::Shared(&mut generator)).total;
        let mut policy = Policy::new(config.clone(), self::network(&config, &Device::flex()), Device::flex());
        let (mut means, mut stds) = (vec![0.0; ROWS * ACTIONS], vec![0.0; ROWS * ACTIONS]);
        policy.distribution(&observations, &mut means, &mut stds);
        (f64::from(number(loss)), means, stds)
    };
    let (found, means, _) = loss(HeadConfig::default());
    let squared: f32 = means.iter().zip(&expected).map(|(m, t)| (m - t).powi(2)).sum::<f32>() / expected.len() as f32;
    assert!((found - f64::from(squared)).abs() < 1e-6);

    let (found, means, stds) = loss(HeadConfig { kind: HeadKind::GAUSSIAN, ..HeadConfig::default() });
    let log_density = |i: usize| {
        let z = f64::from(expected[i] - means[i]) / f64::from(stds[i]);
        -0.5 * z * z - (f64::from(stds[i]) * (2.0 * std::f64::consts::PI).sqrt()).ln()
    };
    let likelihood = -(0..expected.len()).map(log_density).sum::<f64>() / ROWS as f64;
    assert!((found - likelihood).abs() < 1e-5, "{found} instead of {likelihood}");
}

/// `exp(-loss)` of one action, a density or a probability.
fn density(network: &Network, action: [f32; ACTIONS]) -> f64 {
    let device = Device::flex();
    let row = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &device);
    let targets = Targets { actions: row(&action), mask: None, chunk_size: 1, weights: None };
    let mut generator = Pcg64::new(3, 0);
    let loss = network.head().loss(row(&numbers(5, INPUTS)), &targets, &mut BatchRng::Shared(&mut generator)).total;
    f64::from(-number(loss)).exp()
}

#[test]
fn likelihoods_sum_to_one() {
    let linear = NetworkConfig { hidden_sizes: vec![], ..NetworkConfig::default() };
    for kind in [HeadKind::GAUSSIAN, HeadKind::MIXTURE] {
        let head = HeadConfig { kind, num_modes: 3, log_std_min: -1.0, ..HeadConfig::default() };
        let network = network(&policy(linear.clone(), head), &Device::flex());
        // The trapezoidal rule is accurate for a smooth density on a grid that is finer than its standard deviation.
        const STEP: f32 = 0.25;
        let grid = |i: i32| STEP * i as f32;
        let sum: f64 = (-60..=60)
            .flat_map(|i| (-60..=60).map(move |j| (i, j)))
            .map(|(i, j)| density(&network, [grid(i), grid(j)]))
            .sum();
        let integral = sum * f64::from(STEP * STEP);
        assert!((integral - 1.0).abs() < 1e-3, "{kind:?}: the density's integral is {integral}");
    }
    let head = HeadConfig { kind: HeadKind::CATEGORICAL, num_bins: 5, ..HeadConfig::default() };
    let network = network(&policy(linear, head), &Device::flex());
    let bin = |i: i32| -3.0 + 1.5 * i as f32;
    let sum: f64 =
        (0..5).flat_map(|i| (0..5).map(move |j| (i, j))).map(|(i, j)| density(&network, [bin(i), bin(j)])).sum();
    assert!((sum - 1.0).abs() < 1e-5, "the probabilities' sum is {sum}");
}

#[test]
fn masked_ticks_do_not_affect_the_loss() {
    for head in heads().into_iter().filter(|head| head.chunk_size > 1) {
        let config = policy(NetworkConfig { hidden_sizes: vec![], ..NetworkConfig::default() }, head.clone());
        let network = network(&config, &Device::flex().autodiff());
        let loss = |targets: &Targets| {
            let mut generator = Pcg64::new(3, 0);
            let features = tensor(&numbers(5, ROWS * INPUTS));
            number(network.head().loss(features, targets, &mut BatchRng::Shared(&mut generator)).total)
        };
        let plain = targets(ROWS, head.chunk_size, false);
        let mut other = values(plain.actions.clone());
        let cut = (ROWS - 1) * head.chunk_size * ACTIONS + ACTIONS;
        other[cut..].fill(2.5);
        let device = Device::flex().autodiff();
        let actions = Tensor::from_data(TensorData::new(other, plain.actions.dims()), &device);
        let found = loss(&Targets { actions, ..plain.clone() });
        assert!((found - loss(&plain)).abs() < 1e-5, "{:?}", head.kind);
    }
}

#[test]
fn networks_have_the_right_gradient() {
    let gaussian = HeadConfig { kind: HeadKind::GAUSSIAN, state_dependent_std: true, ..HeadConfig::default() };
    let check_one = |config: &PolicyConfig, kinks| {
        let network = network(config, &Device::flex().autodiff());
        let ticks = config.network.sequence_length();
        let targets = targets(ROWS * ticks, 1, false);
        check(&format!("{:?}", config.network), kinks, &numbers(5, ROWS * TICKS * INPUTS), |x| {
            let inputs = x.reshape([ROWS, ticks, TICKS / ticks * INPUTS]);
            let mut generator = Pcg64::new(3, 0);
            network.loss(inputs, &targets, &[], &mut BatchRng::Shared(&mut generator)).total
        });
    };
    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::Elu] {
        for layer_norm in [false, true] {
            for head in [HeadConfig::default(), gaussian.clone()] {
                let hidden_sizes = vec![8, 8];
                let network =
                    NetworkConfig { hidden_sizes, n_obs_steps: TICKS, activation, layer_norm, ..Default::default() };
                check_one(&policy(network, head), activation == Activation::Relu);
            }
        }
    }
    for kind in [NetworkKind::LSTM, NetworkKind::GRU, NetworkKind::TRANSFORMER] {
        let activation = Activation::Tanh;
        let network =
            NetworkConfig { kind, hidden_size: 8, n_obs_steps: TICKS, activation, ..NetworkConfig::default() };
        check_one(&policy(network, HeadConfig::default()), false);
    }
}

/// Checks the gradient of a network with encoders for `fields`, of `inputs` numbers in all.
fn check_encoded(what: &str, fields: Vec<Field>, network: NetworkConfig, inputs: usize) {
    let action = Layout::new("action", vec![Field::new("action", ACTIONS, "", -3.0, 3.0)]);
    let layout = Layout::new("observation", fields);
    let config = PolicyConfig::new("test", 0.1, layout, action, network, HeadConfig::default());
    let network = self::network(&config, &Device::flex().autodiff());
    let targets = targets(ROWS, 1, false);
    check(what, true, &numbers(5, ROWS * inputs), |x| {
        let mut generator = Pcg64::new(3, 0);
        network.loss(x.unsqueeze_dim(1), &targets, &[], &mut BatchRng::Shared(&mut generator)).total
    });
}

#[test]
fn encoders_have_the_right_gradient() {
    let hidden_sizes = vec![8];
    let body = Field::new("body", 3, "", -3.0, 3.0);
    let rays = Field::new("ray", 13, "", -3.0, 3.0);
    let conv_features = vec!["ray".to_owned()];
    let network = NetworkConfig {
        hidden_sizes: hidden_sizes.clone(),
        feature_size: 6,
        conv_features,
        ..NetworkConfig::default()
    };
    check_encoded("rays", vec![body.clone(), rays], network, 16);
    let image = Field::image("depth", (9, 11), "", -3.0, 3.0);
    let network = NetworkConfig { hidden_sizes: hidden_sizes.clone(), feature_size: 6, ..NetworkConfig::default() };
    check_encoded("an image", vec![image, body.clone()], network.clone(), 102);
    let stacked = NetworkConfig { n_obs_steps: 2, ..network };
    check_encoded("two images", vec![Field::image("depth", (9, 9), "", -3.0, 3.0), body.clone()], stacked, 168);
    let one_shot = NetworkConfig {
        hidden_sizes,
        n_demonstration_frames: 4,
        hidden_size: 8,
        num_heads: 2,
        ..NetworkConfig::default()
    };
    check_encoded("a demonstration", vec![body], one_shot, 3 + 4 * 2 * 3);
}

#[test]
fn fields_that_cannot_be_encoded_are_refused_by_name() {
    let refused = |fields: Vec<Field>, network: NetworkConfig| {
        let action = Layout::new("action", vec![Field::new("action", ACTIONS, "", -3.0, 3.0)]);
        let layout = Layout::new("observation", fields);
        let config = PolicyConfig::new("test", 0.1, layout, action, network, HeadConfig::default());
        Network::new(&config, &mut Random(Lcg(11)), &Device::flex()).unwrap_err().to_string()
    };
    let convolve = |name: &str| NetworkConfig { conv_features: vec![name.to_owned()], ..NetworkConfig::default() };
    let rays = Field::new("ray", 8, "", -3.0, 3.0);
    let error = refused(vec![rays.clone()], convolve("rays"));
    assert!(error.contains("rays") && error.contains("ray"), "{error}");
    let error = refused(vec![rays], convolve("ray"));
    assert!(error.contains("too small"), "{error}");
    let image = Field::image("depth", (9, 9), "", -3.0, 3.0);
    let error = refused(vec![image], NetworkConfig { n_demonstration_frames: 4, ..NetworkConfig::default() });
    assert!(error.contains("network.n_demonstration_frames"), "{error}");
}
