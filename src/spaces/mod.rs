//! Observation and action layouts: named fields with units and bounds, their hash, and normalisation.

mod layout;
mod mirror;
mod normalizer;

pub use layout::{Field, Layout, LayoutDifference, press_levels};
pub use mirror::{Mirror, Mirrored};
pub use normalizer::Normalizer;
