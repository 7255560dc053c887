//! Shared test fixtures: journals, small learning problems with known solutions, environments, a session without a window, a bare
//! physics world.

pub mod journal;
pub mod learn;
pub mod live;
pub mod rl;
pub mod world;
