//! Tests of `policies`.

pub mod artifact;
pub mod attacks;
pub mod batches;
mod checksums;
pub mod corruption;
pub mod custom_network;
pub mod erased;
pub mod policy_state;
