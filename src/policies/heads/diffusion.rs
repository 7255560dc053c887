//! Denoising diffusion over an action chunk (Chi et al. 2023, Diffusion Policy, arXiv:2303.04137).

use std::f32::consts::PI;

use bevy::math::ops;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::trunks::{Activation, Mlp};
use crate::policies::{BatchRng, PolicyError};

/// Size of the timestep embedding.
const EMBEDDING_SIZE: usize = 32;
/// Bound of a denoised action, normalized to a standard deviation of 1; the demonstrations have no values beyond it.
const CLIP_SAMPLE_RANGE: f32 = 5.0;

/// Predicts the noise in a noisy action chunk.
#[derive(Module, Debug)]
pub struct Diffusion {
    hidden: Mlp,
    noise: Linear,
    /// `ᾱ` at each timestep, the signal's fraction of the variance, from almost 1 down to almost 0.
    #[module(skip)]
    alphas_cumprod: Vec<f32>,
    #[module(skip)]
    num_inference_steps: usize,
    /// Numbers of a chunk, `chunk_size * actions`.
    #[module(skip)]
    columns: usize,
}

impl Diffusion {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let columns = config.chunk_size * sizes.actions;
        let hidden_sizes = vec![config.hidden_size; config.num_layers];
        let inputs = sizes.features + columns + EMBEDDING_SIZE;
        Self {
            hidden: Mlp::new(&hidden_sizes, Activation::Gelu, false, inputs, device),
            noise: LinearConfig::new(config.hidden_size, columns).init(device),
            alphas_cumprod: cosine_schedule(config.num_train_timesteps),
            num_inference_steps: config.num_inference_steps,
            columns,
        }
    }

    /// Predict the noise in `noisy` `[rows, chunk_size * actions]` at each row's timestep.
    fn predict_noise(&self, features: Tensor<2>, noisy: Tensor<2>, timesteps: &[usize]) -> Tensor<2> {
        let device = features.device();
        let mut embeddings = Vec::with_capacity(timesteps.len() * EMBEDDING_SIZE);
        for timestep in timesteps {
            // Sinusoidal embedding (Vaswani et al. 2017, section 3.5), from half a period over all timesteps to one
            // period within a few.
            let position = *timestep as f32 / self.alphas_cumprod.len() as f32;
            embeddings.extend((0..EMBEDDING_SIZE / 2).flat_map(|i| {
                let angle = position * PI * power(1.4, i);
                [ops::sin(angle), ops::cos(angle)]
            }));
        }
        let embeddings = Tensor::from_data(TensorData::new(embeddings, [timesteps.len(), EMBEDDING_SIZE]), &device);
        self.noise.forward(self.hidden.forward(Tensor::cat(vec![features, noisy, embeddings], 1), &[]))
    }
}

impl HeadModule for Diffusion {
    /// Squared error of the predicted noise at a random timestep of each row (Ho et al. 2020, DDPM, arXiv:2006.11239,
    /// equation 14), a mean over numbers.
    fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss {
        let device = features.device();
        let rows = features.dims()[0];
        let count = self.alphas_cumprod.len();
        let timesteps: Vec<usize> =
            rng.uniform(rows, 1).into_iter().map(|u| ((u * count as f32) as usize).min(count - 1)).collect();
        let noise = rng.normal(rows, self.columns, &device);
        let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
        let signal_scale = column(timesteps.iter().map(|t| self.alphas_cumprod[*t].sqrt()).collect());
        let noise_scale = column(timesteps.iter().map(|t| (1.0 - self.alphas_cumprod[*t]).sqrt()).collect());
        let noisy = targets.masked(targets.actions.clone() * signal_scale + noise.clone() * noise_scale);
        targets.mean((self.predict_noise(features, noisy, &timesteps) - noise).square()).into()
    }

    /// Denoise random noise in `num_inference_steps` deterministic steps (Song et al. 2020, DDIM, arXiv:2010.02502,
    /// equation 12 with σ = 0).
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let rows = features.dims()[0];
        let mut chunk = rng.normal(rows, self.columns, &features.device());
        let count = self.alphas_cumprod.len();
        let mut timestep = count - 1;
        for i in (0..self.num_inference_steps).rev() {
            let noise = self.predict_noise(features.clone(), chunk.clone(), &vec![timestep; rows]);
            let alpha = self.alphas_cumprod[timestep];
            let denoised = (chunk.clone() - noise.mul_scalar((1.0 - alpha).sqrt()))
                .div_scalar(alpha.sqrt())
                .clamp(-CLIP_SAMPLE_RANGE, CLIP_SAMPLE_RANGE);
            if i == 0 {
                return denoised;
            }
            // The noise that is consistent with the clamped chunk.
            let noise = (chunk - denoised.clone().mul_scalar(alpha.sqrt())).div_scalar((1.0 - alpha).sqrt());
            timestep = (i * count / self.num_inference_steps).saturating_sub(1).min(timestep);
            let next_alpha = self.alphas_cumprod[timestep];
            chunk = denoised.mul_scalar(next_alpha.sqrt()) + noise.mul_scalar((1.0 - next_alpha).sqrt());
        }
        chunk
    }
}

/// The kind `diffusion`.
pub(super) struct DiffusionSpec;

impl HeadKind {
    /// A denoising diffusion model (Diffusion Policy).
    pub const DIFFUSION: Self = Self::new(&DiffusionSpec);
}

impl HeadSpec for DiffusionSpec {
    fn name(&self) -> &'static str {
        "diffusion"
    }

    fn about(&self) -> &'static str {
        "A denoising diffusion model (Diffusion Policy)."
    }

    fn type_name(&self) -> &'static str {
        "Diffusion"
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(Diffusion::new(config, sizes, device)))
    }
}

/// `base` to the power of `exponent`, rounded once. The rounding of [`f32::powi`] differs from build to build.
fn power(base: f32, exponent: usize) -> f32 {
    (0..exponent).map(|_| f64::from(base)).product::<f64>() as f32
}

/// Cosine noise schedule: `ᾱ` at each timestep (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17).
fn cosine_schedule(num_train_timesteps: usize) -> Vec<f32> {
    let f = |t: f32| ops::cos((t + 0.008) / 1.008 * 0.5 * PI).powi(2);
    (1..=num_train_timesteps)
        .map(|timestep| (f(timestep as f32 / num_train_timesteps as f32) / f(0.0)).clamp(1e-4, 0.9999))
        .collect()
}
