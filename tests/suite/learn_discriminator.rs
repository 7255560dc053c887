//! The discriminator: its written-out gradient, and how well it tells two Gaussians apart.

use apprentice::learn::{Discriminator, Judgement};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::learn_common::Numbers;

fn tensor(values: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn its_gradient_by_the_action_is_autodiff_s() {
    let device = Device::flex().autodiff();
    let discriminator = Discriminator::new((3, 2), &[16, 16, 8], &device);
    let mut numbers = Numbers(4);
    let mut random = |count| (0..count).map(|_| numbers.next()).collect::<Vec<f32>>();
    let condition = tensor(random(30), 3, &device);
    let action = tensor(random(20), 2, &device).require_grad();
    let Judgement { score, slope: gradient, .. } = discriminator.forward(Some(condition), action.clone());
    let wanted = values(action.grad(&score.sum().backward()).expect("the score depends on the action"));
    let found = values(gradient);
    assert!(wanted.iter().any(|g| g.abs() > 1e-3));
    for (a, b) in wanted.iter().zip(&found) {
        assert!((a - b).abs() < 1e-5, "{a} by autodiff, {b} written out");
    }
}

#[test]
fn it_tells_two_gaussians_apart_as_well_as_can_be() {
    // Means 1.5 apart, deviation 1: the best possible share of right answers is Φ(0.75) = 0.7734.
    const BAYES: f32 = 0.7734;
    let device = Device::flex().autodiff();
    let mut discriminator = Discriminator::new((1, 1), &[32, 32], &device);
    let mut optimizer = AdamConfig::new().init();
    let mut numbers = Numbers(8);
    let mut draw = |mean: f32, count: usize| (0..count).map(|_| mean + numbers.normal()).collect::<Vec<f32>>();
    for _ in 0..600 {
        let nothing = tensor(vec![0.0; 256], 1, &device);
        let real = discriminator.forward(Some(nothing.clone()), tensor(draw(1.5, 256), 1, &device)).score;
        let fake = discriminator.forward(Some(nothing), tensor(draw(0.0, 256), 1, &device)).score;
        let loss = (activation::softplus(real.neg(), 1.0) + activation::softplus(fake, 1.0)).mean();
        let grads = GradientsParams::from_grads(loss.backward(), &discriminator);
        discriminator = optimizer.step(2e-3, discriminator, grads);
    }
    let judge = discriminator.valid();
    let device = Device::flex();
    let mut share = |mean: f32, real: bool| {
        let actions = draw(mean, 20_000);
        let score = judge.forward(Some(tensor(vec![0.0; 20_000], 1, &device)), tensor(actions, 1, &device)).score;
        values(score).iter().filter(|s| (**s > 0.0) == real).count() as f32 / 20_000.0
    };
    let right = f32::midpoint(share(1.5, true), share(0.0, false));
    // A 20,000-fold draw strays by 0.003 (two deviations); the network may lose a little more.
    assert!((right - BAYES).abs() < 0.008, "{right} are told right; the best possible is {BAYES}");
}
