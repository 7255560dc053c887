//! Tests of `cli`.

pub mod commands;
pub mod exit_codes;
pub mod learners;
pub mod output;
pub mod refusals;
pub mod reinforcement;
pub mod rewards;
