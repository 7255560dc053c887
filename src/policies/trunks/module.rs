//! What a trunk computes: features from observations.

use burn::tensor::Tensor;

use crate::policies::erased::{Erased, ErasedModule, Family, IntoObject};

/// The family of trunks.
pub enum TrunkFamily {}

impl Family for TrunkFamily {
    const CONTAINER: &'static str = "Enum:Trunk";
    type Object = dyn TrunkModule;
}

impl<M: TrunkModule + 'static> IntoObject<TrunkFamily> for M {
    fn into_object(self) -> Box<dyn TrunkModule> {
        Box::new(self)
    }
}

/// The hidden layers of a network, of any kind.
pub type Trunk = Erased<TrunkFamily>;

/// A trunk: a Burn module that maps inputs to features. Dropout masks are passed in, since Burn's dropout draws from a
/// global generator.
pub trait TrunkModule: ErasedModule<TrunkFamily> {
    /// `[rows, ticks, inputs]` to features `[rows * ticks, features_dim]`. A recurrent trunk starts from a zero state.
    /// `masks`: in training one dropout mask of `rows * ticks` rows for each of
    /// [`NetworkSpec::dropout_sizes`](super::NetworkSpec::dropout_sizes), with elements 0 or `1 / (1 - p)`; otherwise empty.
    fn forward(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2>;

    /// A recurrent trunk from a given state: `[rows, ticks, inputs]` to features `[rows * ticks, features_dim]` and the
    /// state after the last tick; `None` for a trunk without a state.
    fn forward_recurrent(&self, _inputs: Tensor<3>, _initial: RecurrentInput) -> Option<(Tensor<2>, Tensor<2>)> {
        None
    }

    /// Numbers of an agent's recurrent state; zero for a trunk without a state.
    fn state_size(&self) -> usize {
        0
    }
}

/// Features `[rows, ticks, features_dim]`, flattened to `[rows * ticks, features_dim]`, with dropout after the last layer.
pub(super) fn with_dropout(features: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
    let [rows, ticks, features_dim] = features.dims();
    let features = features.reshape([rows * ticks, features_dim]);
    match masks.first() {
        Some(mask) => features * mask.clone(),
        None => features,
    }
}

/// Recurrent state at the start of a sequence, and where episodes begin within it.
#[derive(Clone, Debug)]
pub struct RecurrentInput {
    /// `[rows, state]` before the first tick.
    pub state: Tensor<2>,
    /// `[rows, ticks]`: 0 at the first tick of an episode, where the state is reset, 1 elsewhere (the inverse of
    /// sb3-contrib's `episode_starts`); `None` without resets.
    pub continuation_mask: Option<Tensor<2>>,
}
