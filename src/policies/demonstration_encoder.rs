//! One-shot imitation: a policy that is conditioned on one demonstration (Duan et al. 2017, arXiv:1703.07326). The
//! current observation attends to the frames of the demonstration.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

/// Multi-head attention with the current observation as query and the demonstration's frames as keys and values.
#[derive(Module, Debug)]
pub struct DemonstrationEncoder {
    query: Linear,
    query_out: Linear,
    frame: Linear,
    key: Linear,
    value: Linear,
    #[module(skip)]
    n_frames: usize,
    #[module(skip)]
    obs_dim: usize,
    #[module(skip)]
    hidden_size: usize,
    #[module(skip)]
    attention_heads: usize,
}

/// Values of a frame for each observed number: the number, and its change until the next frame.
pub const VALUES_PER_FRAME: usize = 2;

impl DemonstrationEncoder {
    /// Attention over `n_frames` frames of observations of `obs_dim` numbers. `hidden_size` must be a multiple of
    /// `attention_heads`.
    pub fn new(obs_dim: usize, n_frames: usize, hidden_size: usize, attention_heads: usize, device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            query: linear(obs_dim, hidden_size),
            query_out: linear(hidden_size, hidden_size),
            frame: linear(VALUES_PER_FRAME * obs_dim, hidden_size),
            key: linear(hidden_size, hidden_size),
            value: linear(hidden_size, hidden_size),
            n_frames,
            obs_dim,
            hidden_size,
            attention_heads,
        }
    }

    /// Numbers of an encoded demonstration.
    pub fn output_size(&self) -> usize {
        self.hidden_size
    }

    /// `[rows, observation + frames * 2 * observation]` to `[rows, observation + hidden_size]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let demonstration_size = self.n_frames * VALUES_PER_FRAME * self.obs_dim;
        let observation = x.clone().slice([0..rows, 0..self.obs_dim]);
        let frames = x.slice([0..rows, self.obs_dim..self.obs_dim + demonstration_size]);
        let frames = frames.reshape([rows * self.n_frames, VALUES_PER_FRAME * self.obs_dim]);
        let frames = activation::relu(self.frame.forward(frames));
        let head_size = self.hidden_size / self.attention_heads;
        let split =
            |x: Tensor<2>, count: usize| x.reshape([rows, count, self.attention_heads, head_size]).swap_dims(1, 2);
        let query = self.query_out.forward(activation::relu(self.query.forward(observation.clone())));
        let query = split(query, 1);
        let key = split(self.key.forward(frames.clone()), self.n_frames);
        let value = split(self.value.forward(frames), self.n_frames);
        let scores = query.matmul(key.swap_dims(2, 3)).mul_scalar(1.0 / (head_size as f32).sqrt());
        let context = activation::softmax(scores, 3).matmul(value);
        Tensor::cat(vec![observation, context.swap_dims(1, 2).reshape([rows, self.hidden_size])], 1)
    }
}

/// Subsample a demonstration to `n_frames` frames, evenly spaced from the first tick to the last. A frame is an
/// observation and its change until the next frame. `observations` is `[ticks, obs_dim]`; the result is
/// `[n_frames, 2 * obs_dim]`.
pub fn sample_frames(observations: &[f32], obs_dim: usize, n_frames: usize) -> Vec<f32> {
    let ticks = observations.len() / obs_dim;
    let row = |frame: usize| {
        let tick = (ticks - 1) * frame.min(n_frames - 1) / (n_frames - 1).max(1);
        &observations[tick * obs_dim..][..obs_dim]
    };
    let mut frames = Vec::with_capacity(n_frames * VALUES_PER_FRAME * obs_dim);
    for frame in 0..n_frames {
        let (observation, next) = (row(frame), row(frame + 1));
        frames.extend_from_slice(observation);
        frames.extend(next.iter().zip(observation).map(|(next, now)| next - now));
    }
    frames
}
