//! Tests of `sim`.

mod conditions;
mod course;
mod determinism;
mod rewind;
mod schedule;
