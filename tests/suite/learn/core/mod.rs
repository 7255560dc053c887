//! Tests of `learn/core`.

mod config;
mod data;
mod devices;
mod early_stopping;
mod failed_episodes;
mod gradients;
mod killed;
mod optimizer;
mod preprocessing;
mod quality;
mod resume;
mod tensorboard;
mod transfer;
mod windows;
