//! Observation and action layouts: named fields with units and bounds, their hash, normalization and mirroring.

mod layout;
mod mirror;
mod normalizer;

pub use layout::{Field, Layout, LayoutDifference, key_levels};
pub use mirror::{Mirror, MirrorRule};
pub use normalizer::{DataStatistics, Normalizer};
