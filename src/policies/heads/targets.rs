//! What a head is trained with, and what its loss and its distribution return.

use burn::tensor::Tensor;

/// Demonstrated actions, the targets of a loss.
#[derive(Clone, Debug)]
pub struct Targets {
    /// `[rows, chunk_size * actions]`, normalized.
    pub actions: Tensor<2>,
    /// `[rows, chunk_size]`: 1 for demonstrated ticks, 0 for padding after the end of an episode (the inverse of LeRobot's
    /// `action_is_pad`); `None` without padding.
    pub mask: Option<Tensor<2>>,
    /// Ticks in a chunk.
    pub chunk_size: usize,
    /// `[rows, 1]`: sample weights, of mean 1; `None` for equal weights.
    pub weights: Option<Tensor<2>>,
}

impl Targets {
    /// The mask for each action number, `[rows, chunk_size * actions]`; `None` without padding.
    pub fn element_mask(&self) -> Option<Tensor<2>> {
        let [rows, columns] = self.actions.dims();
        self.mask.clone().map(|mask| {
            let shape = [rows, self.chunk_size, columns / self.chunk_size];
            mask.unsqueeze_dim::<3>(2).expand(shape).reshape([rows, columns])
        })
    }

    /// `values` `[rows, chunk_size * actions]` with zeros for the padding.
    pub fn masked(&self, values: Tensor<2>) -> Tensor<2> {
        match self.element_mask() {
            Some(mask) => values * mask,
            None => values,
        }
    }

    /// Weighted mean of `values` `[rows, chunk_size * actions]` over all numbers but the padding: `[1]`.
    pub fn mean(&self, values: Tensor<2>) -> Tensor<1> {
        let values = match &self.weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        match self.element_mask() {
            Some(mask) => (values * mask.clone()).sum() / mask.sum(),
            None => values.mean(),
        }
    }

    /// Weighted mean of `values` `[rows, 1]` over the rows that are not padding: `[1]`.
    pub fn row_mean(&self, values: Tensor<2>) -> Tensor<1> {
        let rows = values.dims()[0];
        let values = match &self.weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        match &self.mask {
            Some(mask) => {
                let first = mask.clone().slice([0..rows, 0..1]);
                (values * first.clone()).sum() / first.sum()
            }
            None => values.mean(),
        }
    }
}

/// A loss `[1]` and its components for the metrics.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The loss that is minimized.
    pub total: Tensor<1>,
    /// Components by TensorBoard tag, such as `train/kl_loss`.
    pub components: Vec<(&'static str, Tensor<1>)>,
}

impl From<Tensor<1>> for Loss {
    /// A loss without components.
    fn from(total: Tensor<1>) -> Self {
        Self { total, components: Vec::new() }
    }
}

/// Log-probability of given actions and entropy of the distribution (the result of Stable-Baselines3's
/// `evaluate_actions`).
#[derive(Clone, Debug)]
pub struct ActionEvaluation {
    /// Log density, or log probability, of each row's action chunk: `[rows, 1]`.
    pub log_prob: Tensor<2>,
    /// Entropy of each row's distribution, nats: `[rows, 1]`.
    pub entropy: Tensor<2>,
}
