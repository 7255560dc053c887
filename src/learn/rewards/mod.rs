//! Inverse reinforcement learning and adversarial imitation: a reward is inferred from demonstrations while a policy trains
//! on it.

mod adversarial;
mod airl;
mod amp;
mod apprenticeship;
mod by_name;
mod config;
mod features;
mod gail;
mod maxent;
pub(in crate::learn) mod registry;
mod reward_model;
mod reward_net;
mod reward_spec;
mod spec;
mod stored_network;
mod train;
mod transitions;
mod vail;

pub use apprenticeship::Projection;
pub use by_name::{inferred_reward, train_on_inferred_reward};
pub use config::RewardConfig;
pub use reward_model::RewardModel;
