//! Tests of `cli`.

pub mod commands;
pub mod learners;
pub mod refusals;
pub mod reinforcement;
pub mod rewards;
