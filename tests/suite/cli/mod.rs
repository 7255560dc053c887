//! Tests of `cli`.

pub mod commands;
pub mod examples;
pub mod exit_codes;
pub mod learners;
pub mod memory;
pub mod output;
pub mod plots;
pub mod refusals;
pub mod reinforcement;
pub mod rewards;
