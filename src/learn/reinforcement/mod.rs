//! Reinforcement learning: proximal policy optimization, REINFORCE and deep Q-learning.

mod advantages;
mod demonstrations;
pub mod dqn;
mod environment;
mod exploration;
mod inference;
mod learned_reward;
mod memory;
mod minibatch;
pub mod ppo;
pub mod reinforce;
mod replay_buffer;
mod rollout_buffer;
mod running_stats;
mod scene_env;
mod sum_tree;
pub(in crate::learn) mod train;

pub use advantages::{EpisodeStatus, compute_gae};
pub use dqn::{Dqn, DqnConfig};
pub use environment::{CurriculumProgress, EpisodeResult, VecEnvironment};
pub use learned_reward::LearnedRewardConfig;
pub use memory::check_rl_memory;
pub use ppo::{Ppo, PpoConfig};
pub use replay_buffer::{ReplayBuffer, ReplayConfig, ReplaySample, Transition};
pub use running_stats::RunningMeanStd;
pub use scene_env::SceneEnv;
pub use sum_tree::SumTree;
pub use train::{RlInputs, train_rl, train_rl_with};
