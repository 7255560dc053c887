//! Reinforcement learning: learning from rewards, by acting.

mod advantages;
mod arenas;
mod deciding;
mod dqn;
mod environment;
mod moments;
mod ppo;
mod replay;
mod reward;
mod rollouts;
mod shown;
mod sum_tree;
mod trying;
mod update;

pub use advantages::{Ending, generalized_advantages};
pub use arenas::Arenas;
pub use dqn::{Dqn, DqnConfig};
pub(in crate::learn) use environment::provenance;
pub use environment::{Environment, train_in, train_shown};
pub use moments::Moments;
pub use ppo::{Ppo, PpoConfig};
pub use replay::{Drawn, Replay, ReplayConfig, Transition};
pub use reward::{Acted, InferredReward};
pub use sum_tree::SumTree;
