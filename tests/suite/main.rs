//! Behaviour tests, one file for each behaviour, in one binary so that the crate is linked once.

mod cli;
mod common_world;
mod course;
mod dataset_roundtrip;
mod determinism;
mod journal_recovery;
mod kill;
mod learn_common;
mod learn_config;
mod learn_data;
mod learn_devices;
mod learn_early_stopping;
mod learn_gaussian;
mod learn_gradients;
mod learn_linear_expert;
mod learn_resume;
mod learn_tensorboard;
mod live_session;
mod operators;
mod policy_artifact;
mod policy_batches;
mod policy_corruption;
mod scenes;
mod schedule;
mod vehicle;
mod walk;
