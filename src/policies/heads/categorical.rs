//! A categorical distribution over bins of each action number, for discrete actions such as keys.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::mixture::{one_hot_at, sample_one_hot};
use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{ActionEvaluation, Loss, Targets};
use crate::policies::{BatchRng, PolicyError};

/// `num_bins` values of each action number, evenly spaced from its lower to its upper bound, both included.
#[derive(Module, Debug)]
pub struct Categorical {
    logits: Linear,
    /// Lowest value and bin width of each number of a chunk, normalized.
    #[module(skip)]
    scales: Vec<(f32, f32)>,
    #[module(skip)]
    num_bins: usize,
}

impl Categorical {
    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let scale = |(low, high): &(f32, f32)| (*low, (high - low) / (config.num_bins - 1) as f32);
        let scales: Vec<_> = sizes.bounds.iter().map(scale).collect::<Vec<_>>().repeat(config.chunk_size);
        let logits = LinearConfig::new(sizes.features, scales.len() * config.num_bins).init(device);
        Self { logits, scales, num_bins: config.num_bins }
    }

    /// `[rows, chunk_size * actions, num_bins]`.
    fn logits(&self, features: Tensor<2>) -> Tensor<3> {
        let logits = self.logits.forward(features);
        let rows = logits.dims()[0];
        logits.reshape([rows, self.scales.len(), self.num_bins])
    }

    /// One-hot encoding of the bins nearest to `actions`, `[rows, chunk_size * actions, num_bins]`.
    fn nearest_bins(&self, actions: &Tensor<2>) -> Tensor<3> {
        let [rows, columns] = actions.dims();
        let values: Vec<f32> = actions.clone().into_data().iter::<f32>().collect();
        let mut one_hot = vec![0.0f32; values.len() * self.num_bins];
        for (i, (value, out)) in values.iter().zip(one_hot.chunks_mut(self.num_bins)).enumerate() {
            let (low, bin_width) = self.scales[i % columns];
            let bin = ((value - low) / bin_width).round().clamp(0.0, (self.num_bins - 1) as f32);
            out[bin as usize] = 1.0;
        }
        Tensor::from_data(TensorData::new(one_hot, [rows, columns, self.num_bins]), &actions.device())
    }

    /// The quantiles at `levels`, one in 0..1 for each row and number.
    fn quantiles(&self, features: Tensor<2>, levels: Vec<f32>) -> Tensor<2> {
        let probabilities = activation::softmax(self.logits(features), 2);
        let [rows, columns, bins] = probabilities.dims();
        self.values(one_hot_at(probabilities.reshape([rows, columns * bins]), columns, levels))
    }

    /// Values of the bins that are one-hot encoded in `bins` `[rows, chunk_size * actions, num_bins]`.
    fn values(&self, bins: Tensor<3>) -> Tensor<2> {
        let [_, columns, num_bins] = bins.dims();
        let values: Vec<f32> = self
            .scales
            .iter()
            .flat_map(|(low, bin_width)| (0..num_bins).map(move |bin| low + bin_width * bin as f32))
            .collect();
        let values = Tensor::<2>::from_data(TensorData::new(values, [columns, num_bins]), &bins.device());
        (bins * values.unsqueeze::<3>()).sum_dim(2).squeeze_dim(2)
    }
}

impl HeadModule for Categorical {
    /// Cross-entropy of a tick's action (the sum over its numbers), a mean over rows and ticks. The target of a
    /// demonstrated value is the nearest bin.
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        let log_probabilities = activation::log_softmax(self.logits(features), 2);
        let columns = targets.actions.dims()[1];
        let one_hot = self.nearest_bins(&targets.actions);
        let cross_entropies = (log_probabilities * one_hot).sum_dim(2).squeeze_dim::<2>(2).neg();
        targets.mean(cross_entropies).mul_scalar((columns / targets.chunk_size) as f32).into()
    }

    /// A sample of each number's distribution.
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2> {
        let probabilities = activation::softmax(self.logits(features), 2);
        let [rows, columns, bins] = probabilities.dims();
        self.values(sample_one_hot(probabilities.reshape([rows, columns * bins]), columns, rng))
    }

    /// The median of each number's distribution.
    fn deterministic(&self, features: Tensor<2>) -> Tensor<2> {
        let count = features.dims()[0] * self.scales.len();
        self.quantiles(features, vec![0.5; count])
    }

    /// A sample from standard normal `noise` `[rows, chunk_size * actions]`.
    fn sample(&self, features: Tensor<2>, noise: Tensor<2>) -> Option<Tensor<2>> {
        // The normal distribution's cumulative distribution function makes the noise uniform.
        let uniform = noise.mul_scalar(std::f32::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5);
        Some(self.quantiles(features, uniform.into_data().iter::<f32>().collect()))
    }

    /// Log probability of the bins nearest to `actions`, and entropy.
    fn evaluate_actions(&self, features: Tensor<2>, actions: Tensor<2>) -> Option<ActionEvaluation> {
        let log_probabilities = activation::log_softmax(self.logits(features), 2);
        let log_prob =
            (log_probabilities.clone() * self.nearest_bins(&actions)).sum_dim(2).squeeze_dim::<2>(2).sum_dim(1);
        let entropy = (log_probabilities.clone().exp() * log_probabilities).sum_dim(2).squeeze_dim::<2>(2);
        Some(ActionEvaluation { log_prob, entropy: entropy.sum_dim(1).neg() })
    }
}

/// The kind `categorical`.
pub(super) struct CategoricalSpec;

impl HeadKind {
    /// A categorical distribution over bins of each action number; the loss is the cross-entropy.
    pub const CATEGORICAL: Self = Self::new(&CategoricalSpec);
}

impl HeadSpec for CategoricalSpec {
    fn name(&self) -> &'static str {
        "categorical"
    }

    fn about(&self) -> &'static str {
        "A categorical distribution over bins of each action number; the loss is the cross-entropy."
    }

    fn type_name(&self) -> &'static str {
        "Categorical"
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn is_discrete(&self) -> bool {
        true
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        Ok(Box::new(Categorical::new(config, sizes, device)))
    }
}
