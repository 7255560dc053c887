//! Tests of `learn`.

mod core;
mod interactive;
mod reinforcement;
mod rewards;
mod self_play;
mod supervised;
