//! Action chunking with transformers (Zhao et al. 2023, arXiv:2304.13705): a transformer decodes a chunk from features
//! and a latent variable that an encoder reads out of the demonstrated chunk.

use burn::module::{Module, Param};
use burn::nn::transformer::{
    TransformerDecoder, TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
    TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::gaussian::bounded;
use super::vae::{LATENT_BOUNDS, divergence, reparameterized};
use super::{Chance, HeadConfig, HeadSizes, Loss, Targets};

/// Parts that the width is split into, each attending by itself.
pub(super) const ATTENTION_HEADS: usize = 4;

/// Encoder over `[features, action, action, ...]`, decoder of one query for each tick of the chunk.
#[derive(Module, Debug)]
pub struct Act {
    encoder: Side<TransformerEncoder>,
    encoder_action: Linear,
    mean: Linear,
    spread: Linear,
    decoder: Side<TransformerDecoder>,
    decoder_latent: Linear,
    actions: Linear,
    #[module(skip)]
    latent: usize,
    #[module(skip)]
    kl_weight: f32,
}

/// What encoder and decoder have alike.
#[derive(Module, Debug)]
pub struct Side<T: Module> {
    features: Linear,
    /// What each tick of the chunk begins from, `[chunk, width]`.
    ticks: Embedding,
    blocks: T,
    norm: LayerNorm,
}

/// A learned vector for each tick.
#[derive(Module, Debug)]
pub struct Embedding {
    weight: Param<Tensor<2>>,
}

impl<T: Module> Side<T> {
    fn new(blocks: T, (features, width, chunk): (usize, usize, usize), device: &Device) -> Self {
        Self {
            features: LinearConfig::new(features, width).init(device),
            ticks: Embedding { weight: Param::from_tensor(Tensor::zeros([chunk, width], device)) },
            blocks,
            norm: LayerNormConfig::new(width).init(device),
        }
    }

    /// `[rows, chunk, width]`.
    fn ticks(&self, rows: usize) -> Tensor<3> {
        let [chunk, width] = self.ticks.weight.dims();
        self.ticks.weight.val().unsqueeze::<3>().expand([rows, chunk, width])
    }
}

impl Act {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let width = config.width;
        let shape = (sizes.features, width, config.chunk);
        // Dropout would draw from Burn's global generator.
        let encoder = TransformerEncoderConfig::new(width, 2 * width, ATTENTION_HEADS, config.layers)
            .with_dropout(0.0)
            .with_norm_first(true);
        let decoder = TransformerDecoderConfig::new(width, 2 * width, ATTENTION_HEADS, config.layers)
            .with_dropout(0.0)
            .with_norm_first(true);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            encoder: Side::new(encoder.init(device), shape, device),
            encoder_action: linear(sizes.actions, width),
            mean: linear(width, config.latent),
            spread: linear(width, config.latent),
            decoder: Side::new(decoder.init(device), shape, device),
            decoder_latent: linear(config.latent, width),
            actions: linear(width, sizes.actions),
            latent: config.latent,
            kl_weight: config.kl_weight,
        }
    }

    fn decode(&self, features: Tensor<2>, latent: Tensor<2>) -> Tensor<2> {
        let rows = features.dims()[0];
        let side = &self.decoder;
        let features = side.features.forward(features).unsqueeze_dim::<3>(1);
        let latent = self.decoder_latent.forward(latent).unsqueeze_dim::<3>(1);
        let memory = Tensor::cat(vec![features, latent], 1);
        let ticks = side.blocks.forward(TransformerDecoderInput::new(side.ticks(rows), memory));
        let actions = self.actions.forward(side.norm.forward(ticks));
        let [rows, chunk, actions_size] = actions.dims();
        actions.reshape([rows, chunk * actions_size])
    }

    /// Mean absolute error of the reconstruction and `kl_weight` times the divergence of the encoder's Gaussian from
    /// the prior (Zhao et al., algorithm 1).
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets, chance: &mut Chance<'_>) -> Loss {
        let [rows, numbers] = targets.actions.dims();
        let side = &self.encoder;
        let seen = targets.demonstrated(targets.actions.clone());
        let chunk = side.ticks.weight.dims()[0];
        let actions = self.encoder_action.forward(seen.reshape([rows, chunk, numbers / chunk])) + side.ticks(rows);
        let token = side.features.forward(features.clone()).unsqueeze_dim::<3>(1);
        let all = side.blocks.forward(TransformerEncoderInput::new(Tensor::cat(vec![token, actions], 1)));
        let read = side.norm.forward(all.slice([0..rows, 0..1])).squeeze_dim::<2>(1);
        let mean = self.mean.forward(read.clone());
        let log_std = bounded(self.spread.forward(read), LATENT_BOUNDS);
        let latent = reparameterized(mean.clone(), log_std.clone(), chance);
        let reconstruction = targets.mean((self.decode(features, latent) - targets.actions.clone()).abs());
        let kl = targets.row_mean(divergence(mean, log_std));
        let total = reconstruction.clone() + kl.clone().mul_scalar(self.kl_weight);
        Loss { total, parts: vec![("train/reconstruction", reconstruction), ("train/kl", kl)] }
    }

    /// The chunk of a latent variable drawn from the prior. The paper takes the prior's mean, which has but one way of
    /// acting.
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let latent = chance.normal(features.dims()[0], self.latent, &features.device());
        self.decode(features, latent)
    }
}
