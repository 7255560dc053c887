//! Two sides that learn from playing against each other's past (Bansal et al. 2018, arXiv:1710.03748; Silver et al. 2017).

mod config;
mod duel;
mod games;
mod learner;
mod ratings;

pub use config::SelfPlayConfig;
pub use games::Games;
pub use learner::{SelfPlay, learner_of, pool_member, train_sides};
pub use ratings::ratings;
