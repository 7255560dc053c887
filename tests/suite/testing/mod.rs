//! Shared test fixtures: small learning problems with known solutions, environments, a bare physics world.

pub mod learn;
pub mod rl;
pub mod world;
