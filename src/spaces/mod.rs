//! Observation and action layouts: named fields with units and bounds, their hash, and normalisation.

mod layout;
mod normalizer;

pub use layout::{Field, Layout, LayoutDifference};
pub use normalizer::Normalizer;
