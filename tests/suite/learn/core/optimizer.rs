//! Adam and AdamW against a reference of one number, as written in the papers.

use apprentice::learn::{Adam, OptimizerConfig, OptimizerKind};
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

/// A module with one parameter matrix of one element.
#[derive(Module, Debug)]
struct Line {
    weight: Param<Tensor<2>>,
}

/// Adam on one number, as written in the papers.
fn reference(config: &OptimizerConfig, gradients: &[f64], lr: f64, mut x: f64) -> f64 {
    let (b1, b2) = (f64::from(config.beta1), f64::from(config.beta2));
    let (mut m, mut v) = (0.0, 0.0);
    for (t, gradient) in (1..).zip(gradients) {
        let mut g = *gradient;
        if config.max_grad_norm > 0.0 {
            g *= (f64::from(config.max_grad_norm) / g.abs()).min(1.0);
        }
        match config.kind {
            OptimizerKind::Adam => g += f64::from(config.weight_decay) * x,
            OptimizerKind::AdamW => x -= lr * f64::from(config.weight_decay) * x,
        }
        m = b1 * m + (1.0 - b1) * g;
        v = b2 * v + (1.0 - b2) * g * g;
        x -= lr * (m / (1.0 - b1.powi(t))) / ((v / (1.0 - b2.powi(t))).sqrt() + f64::from(config.eps));
    }
    x
}

#[test]
fn steps_match_the_papers() {
    let device = Device::flex().autodiff();
    let gradients: [f64; 5] = [0.5, -2.0, 0.1, 4.0, 0.3];
    for kind in [OptimizerKind::Adam, OptimizerKind::AdamW] {
        for max_grad_norm in [0.0, 1.0] {
            let config = OptimizerConfig { kind, max_grad_norm, weight_decay: 0.1, ..OptimizerConfig::default() };
            let mut adam = Adam::new(config.clone());
            let mut line = Line { weight: Param::from_data(TensorData::from([[0.7f32]]), &device) };
            for gradient in gradients {
                let loss = line.weight.val().mul_scalar(gradient).sum();
                let grads = GradientsParams::from_grads(loss.backward(), &line);
                let (next, norm) = adam.step(line, grads, 0.05);
                line = next;
                let norm = norm.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
                assert!((norm - gradient.abs()).abs() < 1e-6, "{norm} instead of {gradient}");
            }
            let found = line.weight.val().into_data().iter::<f64>().next().unwrap_or(f64::NAN);
            let wanted = reference(&config, &gradients, 0.05, 0.7);
            assert!((found - wanted).abs() < 1e-5, "{kind:?} {max_grad_norm}: {found} instead of {wanted}");
        }
    }
}
