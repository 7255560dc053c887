//! Inverse reinforcement learning: inferring what demonstrators wanted, and acting for it.

mod adversary;
mod airl;
mod amp;
mod apprenticeship;
mod config;
mod gail;
mod imitate;
mod judge;
mod maxent;
mod model;
mod moves;
mod vail;

pub use apprenticeship::Projection;
pub use config::RewardConfig;
pub use imitate::{imitate_in, inferred_reward};
pub use model::RewardModel;
