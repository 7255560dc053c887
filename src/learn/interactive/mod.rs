//! Interactive imitation learning: rounds of data collection in the scene and supervised learning (DAgger, BCO).

pub mod bco;
pub mod dagger;
