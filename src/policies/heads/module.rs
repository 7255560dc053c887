//! What a head computes: loss and actions from features.

use burn::tensor::Tensor;

use super::targets::{ActionEvaluation, Loss, Targets};
use crate::policies::BatchRng;
use crate::policies::erased::{Erased, ErasedModule, Family, IntoObject};

/// The family of heads.
pub enum HeadFamily {}

impl Family for HeadFamily {
    const CONTAINER: &'static str = "Enum:Head";
    type Object = dyn HeadModule;
}

impl<M: HeadModule + 'static> IntoObject<HeadFamily> for M {
    fn into_object(self) -> Box<dyn HeadModule> {
        Box::new(self)
    }
}

/// The last part of a network: a head of any kind.
pub type Head = Erased<HeadFamily>;

/// A head: a Burn module that maps features to the distribution of an action chunk and defines the training loss. It
/// samples only from the [`BatchRng`] that it is given.
pub trait HeadModule: ErasedModule<HeadFamily> {
    /// Loss of demonstrated actions for features `[rows, features]`. Padding and weights of the targets count through
    /// [`Targets::mean`] and [`Targets::row_mean`].
    fn loss(&self, features: Tensor<2>, targets: &Targets, rng: &mut BatchRng<'_>) -> Loss;

    /// An action chunk `[rows, chunk_size * actions]` for features `[rows, features]`, as at inference: the mode of a
    /// Gaussian or of Q-values, a sample of the other stochastic heads.
    fn predict(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> Tensor<2>;

    /// A deterministic action chunk of that shape, such as the median. A stochastic head that is trained by reinforcement
    /// learning must implement it; by default it is the prediction, without random numbers.
    fn deterministic(&self, features: Tensor<2>) -> Tensor<2> {
        self.predict(features, &mut BatchRng::PerRow(Vec::new()))
    }

    /// A sample of the action distribution, `[rows, chunk_size * actions]`, from standard normal `noise` of that shape, for
    /// exploration; `None` for a head without a log-probability.
    fn sample(&self, _features: Tensor<2>, _noise: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// Log-probability of `actions` `[rows, chunk_size * actions]` and entropy of the distribution; `None` for a head
    /// without a log-probability.
    fn evaluate_actions(&self, _features: Tensor<2>, _actions: Tensor<2>) -> Option<ActionEvaluation> {
        None
    }

    /// Behavior cloning loss `[1]` of reinforcement learning, towards the actions `targets` `[rows, actions]` of the
    /// pretrained policy: the negative log-likelihood; `None` for a head without a log-probability.
    fn bc_loss(&self, features: Tensor<2>, targets: Tensor<2>) -> Option<Tensor<1>> {
        Some(self.evaluate_actions(features, targets)?.log_prob.mean().neg())
    }

    /// Mean and log standard deviation of a Gaussian head; of other heads the prediction and `None`.
    fn distribution(&self, features: Tensor<2>, rng: &mut BatchRng<'_>) -> (Tensor<2>, Option<Tensor<2>>) {
        (self.predict(features, rng), None)
    }
}
