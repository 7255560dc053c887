//! Tests of `demos`.

mod dataset_roundtrip;
mod journal_recovery;
mod kill;
mod recorded_games;
