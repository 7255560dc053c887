//! Tests of `cli`.

pub mod commands;
mod dataset_edit;
mod dataset_kill;
mod dataset_recovered;
mod dataset_repair;
mod dataset_short;
pub mod examples;
pub mod exit_codes;
pub mod learners;
pub mod memory;
pub mod output;
pub mod plots;
mod record_together;
pub mod refusals;
pub mod reinforcement;
pub mod rewards;
mod scene_names;
