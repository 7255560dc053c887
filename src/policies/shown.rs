//! One-shot imitation: a policy that is shown one demonstration of what to do (Duan et al. 2017, arXiv:1703.07326). What is
//! seen now asks the demonstration, by attention, for what was done in the same stage of it.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

/// Attention of the present observation over the moments of a demonstration.
#[derive(Module, Debug)]
pub struct Shown {
    query: Linear,
    query_out: Linear,
    moment: Linear,
    key: Linear,
    value: Linear,
    #[module(skip)]
    moments: usize,
    #[module(skip)]
    observation: usize,
    #[module(skip)]
    width: usize,
    #[module(skip)]
    heads: usize,
}

/// Numbers of a moment: what was seen, and how it changed until the next moment.
pub const PER_MOMENT: usize = 2;

impl Shown {
    /// Attention with `heads` parts of altogether `width` numbers over `moments` moments of observations of `observation`
    /// numbers.
    pub fn new(observation: usize, moments: usize, width: usize, heads: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            query: linear(observation, width),
            query_out: linear(width, width),
            moment: linear(PER_MOMENT * observation, width),
            key: linear(width, width),
            value: linear(width, width),
            moments,
            observation,
            width,
            heads,
        }
    }

    /// Numbers that the demonstration adds to an observation before, and what was read out of it after.
    pub fn sizes(&self) -> (usize, usize) {
        (self.moments * PER_MOMENT * self.observation, self.width)
    }

    /// `[rows, observation + demonstration]` to `[rows, observation + width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let rows = x.dims()[0];
        let (shown, _) = self.sizes();
        let now = x.clone().slice([0..rows, 0..self.observation]);
        let moments = x.slice([0..rows, self.observation..self.observation + shown]);
        let moments = moments.reshape([rows * self.moments, PER_MOMENT * self.observation]);
        let seen = activation::relu(self.moment.forward(moments));
        let part = self.width / self.heads;
        let split = |x: Tensor<2>, count: usize| x.reshape([rows, count, self.heads, part]).swap_dims(1, 2);
        let query = self.query_out.forward(activation::relu(self.query.forward(now.clone())));
        let query = split(query, 1);
        let key = split(self.key.forward(seen.clone()), self.moments);
        let value = split(self.value.forward(seen), self.moments);
        let scores = query.matmul(key.swap_dims(2, 3)).mul_scalar(1.0 / (part as f32).sqrt());
        let read = activation::softmax(scores, 3).matmul(value);
        Tensor::cat(vec![now, read.swap_dims(1, 2).reshape([rows, self.width])], 1)
    }
}

/// The moments of a demonstration: `moments` observations spread evenly from its first tick to its last, each with its
/// change until the next one. `observations` is `[ticks, size]`; the result is `[moments, 2 * size]`.
pub fn moments(observations: &[f32], size: usize, moments: usize) -> Vec<f32> {
    let ticks = observations.len() / size;
    let row = |moment: usize| {
        let tick = (ticks - 1) * moment.min(moments - 1) / (moments - 1).max(1);
        &observations[tick * size..][..size]
    };
    let mut out = Vec::with_capacity(moments * PER_MOMENT * size);
    for moment in 0..moments {
        let (now, next) = (row(moment), row(moment + 1));
        out.extend_from_slice(now);
        out.extend(next.iter().zip(now).map(|(next, now)| next - now));
    }
    out
}
