//! Tests of `demos`.

mod dataset_roundtrip;
mod journal_recovery;
mod kill;
mod locks;
mod recorded_games;
