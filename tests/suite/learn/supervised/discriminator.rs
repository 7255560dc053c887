//! The discriminator: its closed-form gradient, and its accuracy on two Gaussians.

use apprentice::learn::{Discriminator, DiscriminatorOutput};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::testing::learn::Lcg;

fn tensor(values: Vec<f32>, columns: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn its_closed_form_gradient_is_that_of_autodiff() {
    let device = Device::flex().autodiff();
    let discriminator = Discriminator::new(3, 2, &[16, 16, 8], &device);
    let mut numbers = Lcg(4);
    let mut random = |count| (0..count).map(|_| numbers.next()).collect::<Vec<f32>>();
    let condition = tensor(random(30), 3, &device);
    let action = tensor(random(20), 2, &device).require_grad();
    let DiscriminatorOutput { score, input_gradient: gradient, .. } =
        discriminator.forward(Some(condition), action.clone());
    let wanted = values(action.grad(&score.sum().backward()).expect("the score depends on the action"));
    let found = values(gradient);
    assert!(wanted.iter().any(|g| g.abs() > 1e-3));
    for (a, b) in wanted.iter().zip(&found) {
        assert!((a - b).abs() < 1e-5, "{a} by autodiff, {b} in closed form");
    }
}

#[test]
fn its_accuracy_on_two_gaussians_is_the_optimal_one() {
    // Means at a distance of 1.5, standard deviation 1: the Bayes-optimal accuracy is Φ(0.75) = 0.7734.
    const BAYES_ACCURACY: f32 = 0.7734;
    let device = Device::flex().autodiff();
    let mut discriminator = Discriminator::new(1, 1, &[32, 32], &device);
    let mut optimizer = AdamConfig::new().init();
    let mut numbers = Lcg(8);
    let mut sample = |mean: f32, count: usize| (0..count).map(|_| mean + numbers.normal()).collect::<Vec<f32>>();
    for _ in 0..600 {
        let condition = tensor(vec![0.0; 256], 1, &device);
        let real = discriminator.forward(Some(condition.clone()), tensor(sample(1.5, 256), 1, &device)).score;
        let fake = discriminator.forward(Some(condition), tensor(sample(0.0, 256), 1, &device)).score;
        let loss = (activation::softplus(real.neg(), 1.0) + activation::softplus(fake, 1.0)).mean();
        let grads = GradientsParams::from_grads(loss.backward(), &discriminator);
        discriminator = optimizer.step(2e-3, discriminator, grads);
    }
    let discriminator = discriminator.valid();
    let device = Device::flex();
    let mut accuracy = |mean: f32, real: bool| {
        let actions = sample(mean, 20_000);
        let score =
            discriminator.forward(Some(tensor(vec![0.0; 20_000], 1, &device)), tensor(actions, 1, &device)).score;
        values(score).iter().filter(|s| (**s > 0.0) == real).count() as f32 / 20_000.0
    };
    let accuracy = f32::midpoint(accuracy(1.5, true), accuracy(0.0, false));
    // Two standard errors of 20,000 samples are 0.003; the rest is for imperfect training.
    assert!((accuracy - BAYES_ACCURACY).abs() < 0.008, "accuracy {accuracy}; the optimal one is {BAYES_ACCURACY}");
}
