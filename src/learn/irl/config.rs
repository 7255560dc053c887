//! Settings of inferred rewards.

use serde::{Deserialize, Serialize};

use crate::learn::TrainConfig;

/// What a reward is worth a tick later to who learns from an inferred one. It speaks at every tick, but of what is met on
/// the way, not of what lies ahead: who looks less than three seconds ahead comes too fast into a bend.
const DISCOUNT: f32 = 0.99;

/// `[reward]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Width of each hidden layer of the networks that judge.
    pub hidden: Vec<usize>,
    /// Their learning rate, which falls to a twentieth along half a cosine.
    pub learning_rate: f64,
    /// Batches that they learn from in an update; 0 leaves them as they began, and the policy without demonstrations.
    pub batches: u64,
    /// Ticks in a batch of the demonstrations', and as many of the agent's.
    pub batch_size: usize,
    /// Weight of half the square of the judgement's gradient, by all that is judged, so that it has no cliffs: at the
    /// demonstrations and at what the agent did (Mescheder et al. 2018, arXiv:1801.04406, R1 and R2). For `airl` that of the
    /// reward of the state.
    pub penalty: f32,
    /// Weight of the judgement's square, which keeps it from growing without end.
    pub logit: f32,
    /// Earlier ticks of the agent that are kept; half of a batch comes from them, so that what was once told apart stays
    /// told apart. 0 for none.
    pub replay: usize,
    /// Observed fields that are judged, by name; a name that ends in `*` means all that begin so. Empty for all. A reward of
    /// few fields serves where the others are unlike those of the demonstrations.
    pub fields: Vec<String>,
    /// `vail` only: bits that may pass from what is judged to the judgement, in nats.
    pub bottleneck: f32,
    /// `vail` only: size of what passes.
    pub latent: usize,
    /// `apprenticeship` only: updates of the agent after which its feature expectations are taken, and the weights found
    /// anew.
    pub round: u64,
    /// `ppo` only: the folder of a run that inferred a reward, which takes the place of the task's.
    pub from: String,
    /// Share of the task's own reward; the rest is inferred.
    pub task: f32,
    /// Ticks that every episode lasts, since an end would tell good from bad; 0 for as many as the shortest
    /// demonstration that succeeded.
    pub horizon: u64,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            hidden: vec![128, 128],
            learning_rate: 3e-4,
            batches: 8,
            batch_size: 512,
            penalty: 1.0,
            logit: 0.01,
            replay: 16_384,
            fields: Vec::new(),
            bottleneck: 0.5,
            latent: 16,
            round: 10,
            from: String::new(),
            task: 0.0,
            horizon: 0,
        }
    }
}

impl TrainConfig {
    /// The same, learning from the reward that the run in the folder `from` inferred: the task's own score does not choose
    /// the policy.
    #[must_use]
    pub fn rewarded_by(mut self, from: &str) -> Self {
        self.reward.from = from.to_owned();
        self.training.select_from = 1.0;
        self.ppo.discount = DISCOUNT;
        self
    }
}
