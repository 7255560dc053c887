//! A categorical distribution over values of each action number: discrete actions, such as keys.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::mixture::{draw, drawn};
use super::{Chance, HeadConfig, HeadSizes, Likelihood, Targets};

/// `bins` values of each action number, spread evenly over its bounds, the bounds among them.
#[derive(Module, Debug)]
pub struct Categorical {
    logits: Linear,
    /// Least value and step of each number of a chunk, normalised.
    #[module(skip)]
    scales: Vec<(f32, f32)>,
    #[module(skip)]
    bins: usize,
}

impl Categorical {
    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let scale = |(low, high): &(f32, f32)| (*low, (high - low) / (config.bins - 1) as f32);
        let scales: Vec<_> = sizes.bounds.iter().map(scale).collect::<Vec<_>>().repeat(config.chunk);
        let logits = LinearConfig::new(sizes.features, scales.len() * config.bins).init(device);
        Self { logits, scales, bins: config.bins }
    }

    /// `[rows, chunk * actions, bins]`.
    fn logits(&self, features: Tensor<2>) -> Tensor<3> {
        let logits = self.logits.forward(features);
        let rows = logits.dims()[0];
        logits.reshape([rows, self.scales.len(), self.bins])
    }

    /// Mean over rows and ticks of the cross-entropy of a tick's action, the sum over its numbers. A demonstrated value
    /// counts for the nearest bin.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let log_probabilities = activation::log_softmax(self.logits(features), 2);
        let numbers = targets.actions.dims()[1];
        let wanted = self.nearest(&targets.actions);
        let entropies = (log_probabilities * wanted).sum_dim(2).squeeze_dim::<2>(2).neg();
        targets.mean(entropies).mul_scalar((numbers / targets.chunk) as f32)
    }

    /// Ones for the nearest values to `actions`, zeros for the others, `[rows, chunk * actions, bins]`.
    fn nearest(&self, actions: &Tensor<2>) -> Tensor<3> {
        let [rows, numbers] = actions.dims();
        let values: Vec<f32> = actions.clone().into_data().iter::<f32>().collect();
        let mut nearest = vec![0.0f32; values.len() * self.bins];
        for (i, (value, out)) in values.iter().zip(nearest.chunks_mut(self.bins)).enumerate() {
            let (low, step) = self.scales[i % numbers];
            let bin = ((value - low) / step).round().clamp(0.0, (self.bins - 1) as f32);
            out[bin as usize] = 1.0;
        }
        Tensor::from_data(TensorData::new(nearest, [rows, numbers, self.bins]), &actions.device())
    }

    /// How likely `actions`, or the values nearest to them, are.
    pub(super) fn likelihood(&self, features: Tensor<2>, actions: &Tensor<2>) -> Likelihood {
        let log_probabilities = activation::log_softmax(self.logits(features), 2);
        let log = (log_probabilities.clone() * self.nearest(actions)).sum_dim(2).squeeze_dim::<2>(2).sum_dim(1);
        let entropy = (log_probabilities.clone().exp() * log_probabilities).sum_dim(2).squeeze_dim::<2>(2);
        Likelihood { log, entropy: entropy.sum_dim(1).neg() }
    }

    /// A value for each number, drawn by its probabilities.
    pub(super) fn decide(&self, features: Tensor<2>, chance: &mut Chance<'_>) -> Tensor<2> {
        let probabilities = activation::softmax(self.logits(features), 2);
        let [rows, numbers, bins] = probabilities.dims();
        self.values(draw(probabilities.reshape([rows, numbers * bins]), numbers, chance))
    }

    /// The same, by normal noise `[rows, chunk * actions]`.
    pub(super) fn draw(&self, features: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
        // The distribution function of the normal distribution makes it uniform.
        let uniform = noise.mul_scalar(std::f32::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
        self.by(features, uniform.into_data().iter::<f32>().collect())
    }

    /// The middle value of each number's distribution.
    pub fn median(&self, features: Tensor<2>) -> Tensor<2> {
        let draws = features.dims()[0] * self.scales.len();
        self.by(features, vec![0.5; draws])
    }

    /// Values by draws between 0 and 1, one for each row and number.
    fn by(&self, features: Tensor<2>, uniform: Vec<f32>) -> Tensor<2> {
        let probabilities = activation::softmax(self.logits(features), 2);
        let [rows, numbers, bins] = probabilities.dims();
        self.values(drawn(probabilities.reshape([rows, numbers * bins]), numbers, uniform))
    }

    /// What ones and zeros `[rows, chunk * actions, bins]` stand for.
    fn values(&self, chosen: Tensor<3>) -> Tensor<2> {
        let [_, numbers, bins] = chosen.dims();
        let values: Vec<f32> =
            self.scales.iter().flat_map(|(low, step)| (0..bins).map(move |bin| low + step * bin as f32)).collect();
        let values = Tensor::<2>::from_data(TensorData::new(values, [numbers, bins]), &chosen.device());
        (chosen * values.unsqueeze::<3>()).sum_dim(2).squeeze_dim(2)
    }
}
