//! Tests of `demos`.

mod dataset_roundtrip;
mod edit;
mod edit_crashes;
mod edit_repair;
mod journal_recovery;
mod kill;
mod recorded_games;
