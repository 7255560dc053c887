//! Inverse reinforcement learning and adversarial imitation: a reward is inferred from demonstrations while a policy trains
//! on it.

mod adversarial;
mod airl;
mod amp;
mod apprenticeship;
mod config;
mod features;
mod gail;
mod maxent;
mod reward_model;
mod reward_net;
pub(in crate::learn) mod spec;
mod train;
mod transitions;
mod vail;

pub use apprenticeship::Projection;
pub use config::RewardConfig;
pub use reward_model::RewardModel;
pub use train::{inferred_reward, train_on_inferred_reward};
