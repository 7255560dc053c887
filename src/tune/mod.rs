//! Search for good settings: tree-structured Parzen estimators over a declared space, with poor trials stopped early.

mod parzen;
mod search;
mod space;

pub use search::{Judge, Judged, Search, Trial, TuneError};
pub use space::{Range, Space, SpaceError, Value};
