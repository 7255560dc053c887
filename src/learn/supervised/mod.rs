//! Supervised learning from demonstrations: behavior cloning with any network and head, and generators of actions.

pub mod act;
pub mod adversarial_training;
pub mod bc;
pub mod behavior_cloning;
pub mod behavior_prediction;
pub mod diffusion;
pub mod feature_matching;
pub mod gan;
pub mod one_shot;
pub mod train;
pub mod vae;

use crate::learn::TrainConfig;

/// Defaults of a policy that samples chunks of actions. It observes 8 ticks, to know which mode it has chosen, and executes
/// 4 of 8 actions before it samples again: sampled at every tick, a mode would be left as soon as it is chosen.
fn set_chunk_defaults(config: &mut TrainConfig) {
    config.network.n_obs_steps = 8;
    config.head.chunk_size = 8;
    config.head.n_action_steps = 4;
}
