//! Tests of `learn`.

mod core;
mod custom_learner;
mod interactive;
mod print_config;
mod reinforcement;
mod rewards;
mod self_play;
mod supervised;
