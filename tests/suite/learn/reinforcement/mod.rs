//! Tests of `learn/reinforcement`.

mod dqn;
mod from_pretrained;
mod ppo;
mod recurrent;
