//! A causal transformer over the last ticks.

use burn::module::{Module, Param};
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

/// Self-attention over the ticks of a window, each of which sees itself and those before it (Vaswani et al. 2017,
/// arXiv:1706.03762; normalised before each block, Xiong et al. 2020, arXiv:2002.04745). Positions count from the
/// window's first tick and are learned.
#[derive(Module, Debug)]
pub struct Transformer {
    embedding: Linear,
    /// `[ticks, width]`.
    positions: Param<Tensor<2>>,
    blocks: TransformerEncoder,
    norm: LayerNorm,
}

impl Transformer {
    /// `width` must be a multiple of `heads`.
    pub(super) fn new(
        (inputs, width, layers): (usize, usize, usize),
        (heads, ticks): (usize, usize),
        device: &Device,
    ) -> Self {
        // Dropout is applied to what comes out, with masks from outside: Burn's own draws from a global generator.
        let blocks = TransformerEncoderConfig::new(width, 4 * width, heads, layers)
            .with_dropout(0.0)
            .with_norm_first(true)
            .init(device);
        Self {
            embedding: LinearConfig::new(inputs, width).init(device),
            positions: Param::from_tensor(Tensor::zeros([ticks, width], device)),
            blocks,
            norm: LayerNormConfig::new(width).init(device),
        }
    }

    /// `[rows, ticks, inputs]` to `[rows, ticks, width]`, for at most as many ticks as the window has.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [rows, ticks, _] = x.dims();
        let [_, width] = self.positions.dims();
        let positions = self.positions.val().slice([0..ticks, 0..width]).unsqueeze::<3>();
        let x = self.embedding.forward(x) + positions;
        let mask = generate_autoregressive_mask(rows, ticks, &x.device());
        self.norm.forward(self.blocks.forward(TransformerEncoderInput::new(x).mask_attn(mask)))
    }
}
