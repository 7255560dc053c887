//! What a network that infers a reward has to say.

use burn::module::Module;
use burn::tensor::Tensor;

use super::RewardConfig;
use super::moves::Batch;

/// What a batch is worth to the judge.
pub(super) struct Lost {
    /// To be made small.
    pub loss: Tensor<1>,
    /// Scores of demonstrated moves; above zero speaks for a demonstrated one.
    pub shown: Tensor<2>,
    /// Scores of the agent's.
    pub acted: Tensor<2>,
    /// What passes the bottleneck, in nats, where there is one.
    pub passed: Option<Tensor<1>>,
}

/// A network that tells demonstrated moves from the agent's.
pub(super) trait Judge: Module + Clone + Send + 'static {
    /// Whether it asks how likely the policy was to do what was done.
    const LIKELY: bool = false;
    /// Whether it has a bottleneck.
    const NARROW: bool = false;

    /// What it takes to tell them apart. `noise`: normal, `[rows of both, latent]`.
    fn loss(&self, shown: &Batch, acted: &Batch, config: &RewardConfig, noise: Tensor<2>) -> Lost;

    /// What the agent's moves are worth to it, `[rows, 1]`.
    fn reward(&self, acted: &Batch) -> Tensor<2>;

    /// What any moves are worth, whoever made them, `[rows, 1]`.
    fn worth(&self, moves: &Batch) -> Tensor<2> {
        self.reward(moves)
    }
}
