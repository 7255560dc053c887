//! A causal transformer over the last observations.

use burn::module::{Module, Param};
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::module::{TrunkModule, with_dropout};
use super::spec::{NetworkConfig, NetworkKind, NetworkSpec, TrunkInput};
use crate::policies::PolicyError;

/// Causal self-attention over a window of ticks: each attends to itself and to earlier ones (Vaswani et al. 2017,
/// arXiv:1706.03762; pre-norm, Xiong et al. 2020, arXiv:2002.04745). Position embeddings are trainable and count from the
/// window's first tick.
#[derive(Module, Debug)]
pub struct Transformer {
    embedding: Linear,
    /// `[n_obs_steps, hidden_size]`.
    positions: Param<Tensor<2>>,
    blocks: TransformerEncoder,
    norm: LayerNorm,
}

impl Transformer {
    /// `hidden_size` must be a multiple of `num_heads`.
    fn new(inputs: usize, config: &NetworkConfig, device: &Device) -> Self {
        let NetworkConfig { hidden_size, num_heads, num_layers, n_obs_steps, .. } = *config;
        // Dropout is applied to the output, with masks that are passed in: Burn's draws from a global generator.
        let blocks = TransformerEncoderConfig::new(hidden_size, 4 * hidden_size, num_heads, num_layers)
            .with_dropout(0.0)
            .with_norm_first(true)
            .init(device);
        Self {
            embedding: LinearConfig::new(inputs, hidden_size).init(device),
            positions: Param::from_tensor(Tensor::zeros([n_obs_steps, hidden_size], device)),
            blocks,
            norm: LayerNormConfig::new(hidden_size).init(device),
        }
    }
}

impl TrunkModule for Transformer {
    /// For at most `n_obs_steps` ticks.
    fn forward(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        let [rows, ticks, _] = inputs.dims();
        let [_, hidden_size] = self.positions.dims();
        let positions = self.positions.val().slice([0..ticks, 0..hidden_size]).unsqueeze::<3>();
        let x = self.embedding.forward(inputs) + positions;
        let mask = generate_autoregressive_mask(rows, ticks, &x.device());
        let features = self.norm.forward(self.blocks.forward(TransformerEncoderInput::new(x).mask_attn(mask)));
        with_dropout(features, masks)
    }
}

/// The kind `transformer`.
pub(super) struct TransformerSpec;

impl NetworkKind {
    /// A causal transformer over the last `n_obs_steps` observations.
    pub const TRANSFORMER: Self = Self::new(&TransformerSpec);
}

impl NetworkSpec for TransformerSpec {
    fn name(&self) -> &'static str {
        "transformer"
    }

    fn about(&self) -> &'static str {
        "A causal transformer over the last `n_obs_steps` observations."
    }

    fn type_name(&self) -> &'static str {
        "Transformer"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Sequence
    }

    fn input_weight(&self) -> Option<&'static str> {
        Some("embedding.weight")
    }

    fn check(&self, config: &NetworkConfig) -> Result<(), PolicyError> {
        config.check_num_heads()
    }

    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError> {
        Ok(Box::new(Transformer::new(inputs, config, device)))
    }
}
