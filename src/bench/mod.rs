//! Reproducible benchmarks. Most measurements have a reference value that is measured in the same run.

mod arenas;
mod error;
mod groups;
mod learning;
mod live;
mod measurement;
mod options;
mod ppo;
mod program;
mod storage;

pub use arenas::{BODIES, BenchBody, WarmEnv};
pub use error::BenchError;
pub use groups::{GROUPS, Group};
pub use learning::{LARGE, SMALL, Size, synthetic_data};
pub use measurement::{Measurement, median, percentile};
pub use options::{Options, ROUNDS};
