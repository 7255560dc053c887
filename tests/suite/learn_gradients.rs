//! Gradients of the losses, and of whole networks, against central differences.

use apprentice::policies::{
    Activation, HeadConfig, HeadKind, HeadOutput, Initial, Network, NetworkConfig, ParameterSource, PolicyError,
};
use burn::tensor::{Device, Tensor, TensorData};

use super::learn_common::Numbers;

const ROWS: usize = 3;

struct Random(Numbers);

impl ParameterSource for Random {
    fn parameter(&mut self, _: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError> {
        let count = shape.iter().product();
        Ok(match initial {
            Initial::Constant(value) => (0..count).map(|_| value + 0.1 * self.0.next()).collect(),
            Initial::Uniform(bound) => (0..count).map(|_| bound * self.0.next()).collect(),
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

/// Compare `loss`'s gradient at `point` with `(loss(x + h) - loss(x - h)) / 2h`. In f32 the difference quotient is good
/// to about 1e-3 of the gradient's scale. `kinks`: elements with a kink nearby are left out, if there are not many.
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
            // A kink of the rectifier lies between the two points, which puts the quotient off by half the difference.
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
    let mut numbers = Numbers(seed);
    (0..count).map(|_| numbers.next()).collect()
}

#[test]
fn losses_have_the_right_gradient() {
    let (mean, log_std, targets) = (numbers(1, 6), numbers(2, 6), numbers(3, 6));
    let weights = [0.5, 2.0, 0.5];
    for weighted in [false, true] {
        let loss = |mean: Tensor<2>, log_std: Option<Tensor<2>>| {
            HeadOutput { mean, log_std }.loss(tensor(&targets), weighted.then(|| tensor(&weights)))
        };
        check("squared error by the mean", false, &mean, |x| loss(x, None));
        check("likelihood by the mean", false, &mean, |x| loss(x, Some(tensor(&log_std))));
        check("likelihood by the deviation", false, &log_std, |x| loss(tensor(&mean), Some(x)));
    }
}

#[test]
fn losses_have_the_right_value() {
    let (mean, log_std, targets) = (numbers(1, 6), numbers(2, 6), numbers(3, 6));
    let squared = HeadOutput { mean: tensor(&mean), log_std: None }.loss(tensor(&targets), None);
    let wanted: f32 = mean.iter().zip(&targets).map(|(m, t)| (m - t).powi(2)).sum::<f32>() / 6.0;
    assert!((number(squared) - wanted).abs() < 1e-6);
    let nll = HeadOutput { mean: tensor(&mean), log_std: Some(tensor(&log_std)) }.loss(tensor(&targets), None);
    let density = |i: usize| {
        let std = f64::from(log_std[i]).exp();
        let z = f64::from(targets[i] - mean[i]) / std;
        (-0.5 * z * z).exp() / (std * (2.0 * std::f64::consts::PI).sqrt())
    };
    let wanted = -(0..6).map(|i| density(i).ln()).sum::<f64>() / 3.0;
    assert!((f64::from(number(nll)) - wanted).abs() < 1e-5);
}

#[test]
fn networks_have_the_right_gradient() {
    let observations = numbers(5, ROWS * 4);
    let targets = numbers(6, ROWS * 2);
    let heads = [(HeadKind::SquaredError, false), (HeadKind::Gaussian, false), (HeadKind::Gaussian, true)];
    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::Elu] {
        for layer_norm in [false, true] {
            for (kind, state_dependent) in heads {
                let network = NetworkConfig { hidden: vec![8, 8], activation, layer_norm, dropout: 0.0 };
                let head = HeadConfig { kind, state_dependent, ..HeadConfig::default() };
                let device = Device::flex().autodiff();
                let network = Network::new(&network, &head, (4, 2), &mut Random(Numbers(11)), &device).unwrap();
                check(
                    &format!("{activation:?}, {layer_norm}, {kind:?}, {state_dependent}"),
                    activation == Activation::Relu,
                    &observations,
                    |x| network.forward(x, &[]).loss(tensor(&targets), None),
                );
            }
        }
    }
}
