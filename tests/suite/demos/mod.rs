//! Tests of `demos`.

mod dataset_roundtrip;
mod edit;
mod edit_crashes;
mod edit_repair;
mod journal_damage;
mod journal_recovery;
mod kill;
mod links;
mod recorded_games;
mod seed_claims;
