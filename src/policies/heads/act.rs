//! Action chunking with transformers (ACT; Zhao et al. 2023, arXiv:2304.13705): a conditional variational autoencoder
//! whose transformer encoder maps the demonstrated chunk to a latent variable, and whose transformer decoder maps features
//! and latent variable to a chunk.

use burn::module::{Module, Param};
use burn::nn::transformer::{
    TransformerDecoder, TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoder,
    TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::log_std::bounded;
use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use super::vae::{LATENT_LOG_STD_BOUNDS, kl_divergence, reparameterize};
use crate::policies::{BatchRng, PolicyError};

/// Attention heads of each transformer block; they divide `hidden_size`.
const ATTENTION_HEADS: usize = 4;

/// The encoder's tokens are `[features, action, action, ...]`; the decoder has one query for each tick of the chunk.
#[derive(Module, Debug)]
pub struct Act {
    encoder: ActTransformer<TransformerEncoder>,
    encoder_action: Linear,
    mean: Linear,
    log_std: Linear,
    decoder: ActTransformer<TransformerDecoder>,
    decoder_latent: Linear,
    actions: Linear,
    #[module(skip)]
    latent_dim: usize,
    #[module(skip)]
    kl_weight: f32,
}

/// Layers that encoder and decoder have in common.
#[derive(Module, Debug)]
pub struct ActTransformer<T: Module> {
    features: Linear,
    /// Position embeddings of the ticks of a chunk, `[chunk_size, hidden_size]`.
    positions: PositionEmbedding,
    blocks: T,
    norm: LayerNorm,
}

/// A trainable vector for each tick.
#[derive(Module, Debug)]
pub struct PositionEmbedding {
    weight: Param<Tensor<2>>,
}

impl<T: Module> ActTransformer<T> {
    fn new(blocks: T, features: usize, config: &HeadConfig, device: &Device) -> Self {
        let shape = [config.chunk_size, config.hidden_size];
        Self {
            features: LinearConfig::new(features, config.hidden_size).init(device),
            positions: PositionEmbedding { weight: Param::from_tensor(Tensor::zeros(shape, device)) },
            blocks,
            norm: LayerNormConfig::new(config.hidden_size).init(device),
        }
    }

    /// Position embeddings for a batch, `[rows, chunk_size, hidden_size]`.
    fn positions(&self, rows: usize) -> Tensor<3> {
        let [chunk_size, hidden_size] = self.positions.weight.dims();
        self.positions.weight.val().unsqueeze::<3>().expand([rows, chunk_size, hidden_size])
    }
}

impl Act {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let HeadConfig { hidden_size, num_layers, latent_dim, .. } = *config;
        // No dropout: Burn's draws from a global generator.
        let encoder = TransformerEncoderConfig::new(hidden_size, 2 * hidden_size, ATTENTION_HEADS, num_layers)
            .with_dropout(0.0)
            .with_norm_first(true);
        let decoder = TransformerDecoderConfig::new(hidden_size, 2 * hidden_size, ATTENTION_HEADS, num_layers)
            .with_dropout(0.0)
            .with_norm_first(true);
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            encoder: ActTransformer::new(encoder.init(device), sizes.features, config, device),
            encoder_action: linear(sizes.actions, hidden_size),
            mean: linear(hidden_size, latent_dim),
            log_std: linear(hidden_size, latent_dim),
            decoder: ActTransformer::new(decoder.init(device), sizes.features, config, device),
            decoder_latent: linear(latent_dim, hidden_size),
            actions: linear(hidden_size, sizes.actions),
            latent_dim,
            kl_weight: config.kl_weight,
        }
    }

    fn decode(&self, features: Tensor<2>, latent: Tensor<2>) -> Tensor<2> {
        let rows = features.dims()[0];
        let decoder = &self.decoder;
        let features = decoder.features.forward(features).unsqueeze_dim::<3>(1);
        let latent = self.decoder_latent.forward(latent).unsqueeze_dim::<3>(1);
        let memory = Tensor::cat(vec![features, latent], 1);
        let ticks = decoder.blocks.forward(TransformerDecoderInput::new(decoder.positions(rows), memory));
        let actions = self.actions.forward(decoder.norm.forward(ticks));
        let [rows, chunk_size, act_dim] = actions.dims();
        actions.reshape([rows, chunk_size * act_dim])
    }
}

impl HeadModule for Act {
    /// Absolute reconstruction error plus `kl_weight` times the KL divergence of the encoder's Gaussian from the prior
    /// (Zhao et al. 2023, algorithm 1).
    fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss {
        let [rows, columns] = targets.actions.dims();
        let encoder = &self.encoder;
        let actions = targets.masked(targets.actions.clone());
        let chunk_size = encoder.positions.weight.dims()[0];
        let actions = actions.reshape([rows, chunk_size, columns / chunk_size]);
        let actions = self.encoder_action.forward(actions) + encoder.positions(rows);
        let token = encoder.features.forward(features.clone()).unsqueeze_dim::<3>(1);
        let tokens = encoder.blocks.forward(TransformerEncoderInput::new(Tensor::cat(vec![token, actions], 1)));
        let encoded = encoder.norm.forward(tokens.slice([0..rows, 0..1])).squeeze_dim::<2>(1);
        let mean = self.mean.forward(encoded.clone());
        let log_std = bounded(self.log_std.forward(encoded), LATENT_LOG_STD_BOUNDS);
        let latent = reparameterize(mean.clone(), log_std.clone(), rng);
        let reconstruction = targets.mean((self.decode(features, latent) - targets.actions.clone()).abs());
        let kl = targets.row_mean(kl_divergence(mean, log_std));
        let total = reconstruction.clone() + kl.clone().mul_scalar(self.kl_weight);
        Loss { total, components: vec![("train/reconstruction_loss", reconstruction), ("train/kl_loss", kl)] }
    }

    /// The decoder's output for a latent variable sampled from the prior. The paper takes the prior's mean, which gives
    /// only one mode.
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let latent = rng.normal(features.dims()[0], self.latent_dim, &features.device());
        self.decode(features, latent)
    }
}

/// The kind `act`.
pub(super) struct ActSpec;

impl HeadKind {
    /// Action chunking with transformers (ACT).
    pub const ACT: Self = Self::new(&ActSpec);
}

impl HeadSpec for ActSpec {
    fn name(&self) -> &'static str {
        "act"
    }

    fn about(&self) -> &'static str {
        "Action chunking with transformers (ACT)."
    }

    fn type_name(&self) -> &'static str {
        "Act"
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn check(&self, config: &HeadConfig) -> Result<(), PolicyError> {
        let required = "a multiple of 4 with head.kind act, which has 4 attention heads";
        config.require(config.hidden_size.is_multiple_of(ATTENTION_HEADS), "hidden_size", required)
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(Act::new(config, sizes, device)))
    }
}
