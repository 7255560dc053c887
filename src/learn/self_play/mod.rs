//! Self-play of two sides, each against a pool of the other side's earlier policies (Bansal et al. 2018, arXiv:1710.03748;
//! Silver et al. 2017).

mod config;
mod games;
mod learner;
mod opponent_env;
mod ratings;
mod spec;

pub use config::SelfPlayConfig;
pub use games::Games;
pub use learner::{SelfPlay, learner_name, pool_member_dir, train_self_play};
pub use ratings::elo_ratings;
pub use spec::SelfPlayLearner;
