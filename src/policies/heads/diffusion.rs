//! Denoising diffusion over a chunk of actions (Chi et al. 2023, Diffusion Policy, arXiv:2303.04137).

use std::f32::consts::PI;

use bevy::math::ops;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Chance, HeadConfig, HeadSizes, Targets};
use crate::policies::trunks::{Activation, Mlp};

/// Numbers that tell the step.
const TIME_SIZE: usize = 32;
/// Actions are normalised to a deviation of 1; what lies farther out than this in a denoised chunk was not demonstrated.
const LARGEST: f32 = 5.0;

/// Predicts the noise in a noisy chunk.
#[derive(Module, Debug)]
pub struct Diffusion {
    hidden: Mlp,
    noise: Linear,
    /// Share of the signal's variance after each step, from almost 1 down to almost 0.
    #[module(skip)]
    signal: Vec<f32>,
    #[module(skip)]
    sampling_steps: usize,
    #[module(skip)]
    numbers: usize,
}

impl Diffusion {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let numbers = config.chunk * sizes.actions;
        let widths = vec![config.width; config.layers];
        Self {
            hidden: Mlp::new(&widths, Activation::Gelu, false, sizes.features + numbers + TIME_SIZE, device),
            noise: LinearConfig::new(config.width, numbers).init(device),
            signal: cosine_schedule(config.diffusion_steps),
            sampling_steps: config.sampling_steps,
            numbers,
        }
    }

    /// The noise in `noisy` `[rows, chunk * actions]` at each row's step.
    fn predict(&self, features: Tensor<2>, noisy: Tensor<2>, steps: &[usize]) -> Tensor<2> {
        let device = features.device();
        let mut times = Vec::with_capacity(steps.len() * TIME_SIZE);
        for step in steps {
            // Sines and cosines from one turn over all steps to one within a few (Vaswani et al. 2017, section 3.5).
            let position = *step as f32 / self.signal.len() as f32;
            times.extend((0..TIME_SIZE / 2).flat_map(|i| {
                let angle = position * PI * 1.4f32.powi(i as i32);
                [ops::sin(angle), ops::cos(angle)]
            }));
        }
        let times = Tensor::from_data(TensorData::new(times, [steps.len(), TIME_SIZE]), &device);
        self.noise.forward(self.hidden.forward(Tensor::cat(vec![features, noisy, times], 1), &[]))
    }

    /// Squared error of the predicted noise at a random step of each row (Ho et al. 2020, arXiv:2006.11239, equation
    /// 14), a mean over numbers.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets, chance: &mut Chance<'_>) -> Tensor<1> {
        let device = features.device();
        let rows = features.dims()[0];
        let last = self.signal.len() - 1;
        let steps: Vec<usize> =
            chance.uniform(rows, 1).into_iter().map(|u| ((u * self.signal.len() as f32) as usize).min(last)).collect();
        let noise = chance.normal(rows, self.numbers, &device);
        let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
        let kept = column(steps.iter().map(|s| self.signal[*s].sqrt()).collect());
        let added = column(steps.iter().map(|s| (1.0 - self.signal[*s]).sqrt()).collect());
        let noisy = targets.demonstrated(targets.actions.clone() * kept + noise.clone() * added);
        targets.mean((self.predict(features, noisy, &steps) - noise).square())
    }

    /// From noise to a chunk in `sampling_steps` deterministic steps (Song et al. 2020, DDIM, arXiv:2010.02502,
    /// equation 12 with σ = 0).
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let rows = features.dims()[0];
        let mut chunk = chance.normal(rows, self.numbers, &features.device());
        let count = self.signal.len();
        let mut step = count - 1;
        for i in (0..self.sampling_steps).rev() {
            let noise = self.predict(features.clone(), chunk.clone(), &vec![step; rows]);
            let signal = self.signal[step];
            let clean = (chunk.clone() - noise.mul_scalar((1.0 - signal).sqrt()))
                .div_scalar(signal.sqrt())
                .clamp(-LARGEST, LARGEST);
            if i == 0 {
                return clean;
            }
            // The noise that is consistent with the clamped chunk.
            let noise = (chunk - clean.clone().mul_scalar(signal.sqrt())).div_scalar((1.0 - signal).sqrt());
            step = (i * count / self.sampling_steps).saturating_sub(1).min(step);
            let next = self.signal[step];
            chunk = clean.mul_scalar(next.sqrt()) + noise.mul_scalar((1.0 - next).sqrt());
        }
        chunk
    }
}

/// Share of the signal's variance after each step (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17).
fn cosine_schedule(steps: usize) -> Vec<f32> {
    let f = |t: f32| ops::cos((t + 0.008) / 1.008 * 0.5 * PI).powi(2);
    (1..=steps).map(|step| (f(step as f32 / steps as f32) / f(0.0)).clamp(1e-4, 0.9999)).collect()
}
